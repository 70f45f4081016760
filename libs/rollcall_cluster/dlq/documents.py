"""Dead letters as JSON documents. Pure."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import orjson

from rollcall.dead_letters.letter import Letter, LetterCount, LetterId, LetterSummary
from rollcall.dead_letters.operations import Outcome


def listing_document(
    counts: Sequence[LetterCount], page: Sequence[LetterSummary], following: LetterId | None
) -> str:
    """Counts of all that match, one page of them, and what to give `--after` for the next."""
    return _text(
        {
            "total": sum(count.letters for count in counts),
            "counts": [asdict(count) for count in counts],
            "letters": [_summary(letter) for letter in page],
            "after": str(following) if following else None,
        }
    )


def letter_document(letter: Letter) -> str:
    """One dead letter; bytes in Base64, and the value as JSON, too, when it is."""
    return _text(
        _summary(letter.summary)
        | {
            "key_base64": _base64(letter.key),
            "value_base64": _base64(letter.value),
            "value_json": parsed(letter.value),
            "headers": [
                {"name": name, "value_base64": _base64(value)} for name, value in letter.headers
            ],
            "record_timestamp": letter.record_timestamp,
            "bisection_trace": list(letter.bisection_trace),
            "instance_id": letter.instance_id,
            "history": [asdict(entry) for entry in letter.history],
        }
    )


def outcome_document(outcome: Outcome, verb: str, dry_run: bool) -> str:
    """What was touched, by error, and what was not, with the reasons."""
    return _text(
        {
            "action": verb,
            "dry_run": dry_run,
            "touched": outcome.touched,
            "by_error_type": outcome.by_error,
            "untouched": [
                {"id": str(letter.id), "reason": letter.reason} for letter in outcome.untouched
            ],
        }
    )


def parsed(value: bytes | None) -> Any:
    """The value as JSON, or None."""
    try:
        return orjson.loads(value or b"")
    except ValueError:
        return None


def _summary(letter: LetterSummary) -> dict[str, Any]:
    topic, partition, offset = letter.id
    place = {"id": str(letter.id), "topic": topic, "partition": partition, "offset": offset}
    return {**asdict(letter), **place}


def _base64(content: bytes | None) -> str | None:
    return None if content is None else b64encode(content).decode()


def _text(document: dict[str, Any]) -> str:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
