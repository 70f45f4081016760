"""Whether a registration is new, a repetition, or a contradiction."""

from hashlib import sha256

import orjson

from rollcall_events import BatchEssaysRegisteredV1


def registration_digest(registration: BatchEssaysRegisteredV1) -> bytes:
    """A digest of everything a registration says: equal digests are repetitions."""
    return sha256(
        orjson.dumps(registration.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
    ).digest()
