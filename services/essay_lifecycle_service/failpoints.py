"""Failpoints of the service, each between two statements of one transaction."""

from rollcall.failpoints import FailpointName


class EssayFailpoint(FailpointName):
    """The failpoints of the handlers."""

    BATCHES_WRITTEN = ("essays.batches_written", "batches are inserted, their slots are not")
    REGISTRATIONS_WRITTEN = (
        "essays.registrations_written",
        "batches and slots are inserted; contradictions are not looked for",
    )
    SLOTS_REPAIRED = (
        "essays.slots_repaired",
        "slots that a half-registered batch lacked are inserted",
    )
    CONTENT_TAKEN = ("essays.content_taken", "claims hold slots that no counter counts")
    COUNTED = (
        "essays.counted",
        "counters are moved, batches that are full have become complete; nothing announces it",
    )
    REST_WRITTEN = ("essays.rest_written", "claims without a slot are pending or excess")
    SLOTS_ANNOUNCED = ("essays.slots_announced", "slot and excess events are with the outbox")
    COMPLETION_WRITTEN = (
        "essays.completion_written",
        "a batch has its completion, whose events are not with the outbox",
    )
    PENDING_FOUND = ("essays.pending_found", "the sweep knows which batches have pending claims")
    PENDING_TAKEN_BACK = (
        "essays.pending_taken_back",
        "pending claims are deleted and not placed again",
    )
    DEADLINES_FOUND = (
        "essays.deadlines_found",
        "batches are known whose deadline has passed; none is locked",
    )
    SLOTS_GIVEN_UP = (
        "essays.slots_given_up",
        "a batch that is due has given its open slots up, or keeps them; it has not timed out",
    )
    TIMED_OUT = ("essays.timed_out", "batches have timed out; no completion is written")
