"""Plans with a name."""

from typing import Any

from rollcall_cluster.generator.plan import Bursts, KeyStrategy

PROFILES: dict[str, dict[str, Any]] = {
    "clean": {},
    "mixed": {
        "duplicates": 0.05,
        "excess": 0.05,
        "failures": 0.03,
        "early": 0.05,
        "malformed": 0.005,
        "skew": 0.5,
    },
    "duplicate-storm": {"duplicates": 19.0, "key": KeyStrategy.NONE},
    "burst": {
        "rate": 2_000.0,
        "bursts": Bursts(period_seconds=5.0, busy_share=0.1),
        "early": 0.2,
        "duplicates": 0.02,
        "skew": 1.0,
    },
}
"""Knobs by profile; what a profile leaves out has the plan's default."""
