"""Ages as people type them."""

import pytest

from rollcall_cluster.purge.age import age_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30d", 2_592_000), ("12h", 43_200), ("90m", 5400), ("45s", 45), (" 1d ", 86_400), ("0s", 0)],
)
def test_a_number_and_a_unit_are_an_age(text: str, seconds: int) -> None:
    assert age_seconds(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "30", "d", "-1d", "1.5h", "30 d", "1w", "1d2h", "9" * 12 + "d"]
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="such as 30d"):
        age_seconds(text)


@pytest.mark.parametrize("text", ["365001d", "999999999d"])
def test_an_age_before_every_calendar_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="more than a thousand years"):
        age_seconds(text)
