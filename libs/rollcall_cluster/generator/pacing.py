"""When each record is due."""

from rollcall_cluster.generator.plan import Plan


def due_at(plan: Plan, number: int) -> float:
    """Give the second, counted from the begin, at which the plan's record of that number is due."""
    if plan.rate is None:
        return 0.0
    evenly = number / plan.rate
    if plan.bursts is None:
        return evenly
    period = plan.bursts.period_seconds
    past = evenly // period * period
    return past + (evenly - past) * plan.bursts.busy_share
