"""Failpoints of the service, each between two statements of one transaction."""

from rollcall.failpoints import FailpointName


class EssayFailpoint:
    """The failpoints of the handlers."""

    BATCHES_WRITTEN = FailpointName(
        "essays.batches_written", "batches are inserted, their slots are not"
    )
    REGISTRATIONS_WRITTEN = FailpointName(
        "essays.registrations_written",
        "batches and slots are inserted; contradictions are not looked for",
    )
    SLOTS_REPAIRED = FailpointName(
        "essays.slots_repaired",
        "slots that a half-registered batch lacked are inserted",
    )
    CONTENT_TAKEN = FailpointName(
        "essays.content_taken", "claims hold slots that no counter counts"
    )
    COUNTED = FailpointName(
        "essays.counted",
        "counters are moved, batches that are full have become complete; nothing announces it",
    )
    REST_WRITTEN = FailpointName(
        "essays.rest_written", "claims without a slot are pending or excess"
    )
    SLOTS_ANNOUNCED = FailpointName(
        "essays.slots_announced", "slot and excess events are with the outbox"
    )
    COMPLETION_WRITTEN = FailpointName(
        "essays.completion_written",
        "a batch has its completion, whose events are not with the outbox",
    )
    PENDING_FOUND = FailpointName(
        "essays.pending_found", "the sweep knows which batches have pending claims"
    )
    PENDING_TAKEN_BACK = FailpointName(
        "essays.pending_taken_back",
        "pending claims are deleted and not placed again",
    )
    DEADLINES_FOUND = FailpointName(
        "essays.deadlines_found",
        "batches are known whose deadline has passed; none is locked",
    )
    SLOTS_GIVEN_UP = FailpointName(
        "essays.slots_given_up",
        "a batch that is due has given its open slots up, or keeps them; it has not timed out",
    )
    TIMED_OUT = FailpointName(
        "essays.timed_out", "batches have timed out; no completion is written"
    )
