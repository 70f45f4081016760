"""What the measurements of scaling come to."""

from rollcall_cluster.scenarios.scaling import Measured, rows_of
from rollcall_cluster.scenarios.verdicts import Side, Verdict


def measured(count: int, rate: float, violations: int = 0) -> Measured:
    """So many instances that handled so much a second."""
    return Measured(count, rate, 12.5, [], {}, violations, 62)


def test_proportions_are_to_the_mean_of_one_instance_before_and_after() -> None:
    found = [measured(1, 1000), measured(3, 3300), measured(5, 4400)]
    rows = {row.name: row for row in rows_of(found, again=measured(1, 1200))}
    three, five = (rows[f"{count} instances over 1, equal CPU quotas"] for count in (3, 5))
    assert (three.measured, five.measured) == (3.0, 4.0)
    assert (three.verdict(Side.OURS), five.verdict(Side.OURS)) == (Verdict.REACHED, Verdict.MISSED)
    assert rows["1 instance, again, contents a second"].measured == 1200


def test_a_violation_in_any_of_the_audits_counts() -> None:
    found = [measured(1, 1000), measured(3, 3000), measured(5, 5000)]
    (row,) = [r for r in rows_of(found, measured(1, 1000, violations=2)) if "violations" in r.name]
    assert row.verdict(Side.OURS) is Verdict.VIOLATED


def test_nobody_who_handled_nothing_is_divided_by() -> None:
    found = [measured(1, 0), measured(3, 0), measured(5, 0)]
    row = next(r for r in rows_of(found, measured(1, 0)) if r.name.startswith("3 instances over 1"))
    assert row.measured is None
    assert row.not_measured == "one instance handled nothing"
