"""Every failpoint stands somewhere, once, and production code cannot arm any."""

import re
from collections import Counter

from rollcall_cluster.failpoints import FAILPOINTS
from tests.unit.failpoints.placements import ROOT, placements, sources

_ARMS = re.compile(r"\barmed\(|import .*\barmed\b|failpoints\._")


def test_each_failpoint_stands_in_the_source_exactly_once():
    times = Counter(placement.failpoint for placement in placements())
    assert times == dict.fromkeys(FAILPOINTS, 1)


def test_no_production_code_can_arm_failpoints():
    """No setting, variable or route of a service leads to it: only what runs clusters may."""
    arming = {str(path.relative_to(ROOT)) for path in sources() if _ARMS.search(path.read_text())}
    assert arming == {"libs/rollcall/failpoints.py"}


def test_names_tell_where_and_what():
    assert all(re.fullmatch(r"[a-z_]+\.[a-z_]+", name) for name in FAILPOINTS)
    meanings = [failpoint.meaning for failpoint in FAILPOINTS.values()]
    assert len(set(meanings)) == len(meanings)
