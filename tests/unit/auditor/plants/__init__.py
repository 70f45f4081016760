"""Every kind of violation, each as a change to the clean world, with the checks that must find it."""

from tests.unit.auditor.plants import (
    announcements,
    completion,
    deadlines,
    orders,
    placement,
    positions,
    rejections,
    slots,
)
from tests.unit.auditor.plants.planting import PLANTS, Plant

__all__ = [
    "PLANTS",
    "Plant",
    "announcements",
    "completion",
    "deadlines",
    "orders",
    "placement",
    "positions",
    "rejections",
    "slots",
]
