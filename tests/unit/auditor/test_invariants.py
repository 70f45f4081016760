"""The checks, on facts taken straight from a world built by hand."""

import pytest

from tests.unit.auditor.offline import Offline
from tests.unit.auditor.plants import PLANTS, Plant
from tests.unit.auditor.world import clean_world


def _violated(results) -> set[str]:
    return {code for code, result in results.items() if result.violations}


def test_a_clean_world_has_no_violation():
    """What a correct service leaves behind passes every check."""
    results = Offline(clean_world().finish()).judge()
    assert {code: result.examples for code, result in results.items() if result.violations} == {}


@pytest.mark.parametrize(
    "planted", [p for p in PLANTS if not p.needs_servers], ids=lambda planted: planted.name
)
def test_a_planted_violation_is_found_and_nothing_else(planted: Plant):
    """Each violation is reported under its own codes, with an example."""
    results = Offline(planted.world()).judge()
    told = {code: [*map(str, r.examples)] for code, r in results.items() if r.violations}
    assert set(told) == planted.found, told
    assert all(told.values())


def test_every_check_has_a_planted_violation():
    """No check exists that no test has seen fail; what only motion shows has tests of its own."""
    codes = set(Offline(clean_world().finish()).judge())
    planted = set().union(*(p.found for p in PLANTS))
    assert codes - planted == {"position-below-start", "position-moved-back"}
