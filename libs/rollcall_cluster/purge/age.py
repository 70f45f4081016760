"""Ages as people type them: 30d, 12h, 90m, 45s. Pure."""

import re

_AGE = re.compile(r"(\d{1,9})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_MOST_SECONDS = 365_000 * 86_400


def age_seconds(text: str) -> int:
    """Read an age.

    Raises:
        ValueError: it is none; the message says what is.
    """
    if not (match := _AGE.fullmatch(text.strip())):
        raise ValueError(
            f"{text!r} is no age: say a number and a unit, such as 30d, 12h, 90m or 45s"
        )
    number, unit = match.groups()
    seconds = int(number) * _SECONDS[unit]
    if seconds > _MOST_SECONDS:
        raise ValueError(f"{text!r} is more than a thousand years")
    return seconds
