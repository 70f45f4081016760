"""Realistic upstream: registers batches, provisions contents, and gets things wrong on request."""

from rollcall_cluster.generator.content_store import ContentStore, open_content_store, text_path
from rollcall_cluster.generator.errors import (
    CannotProduceError,
    GeneratorError,
    ImpossiblePlanError,
)
from rollcall_cluster.generator.expectation import Expectation, Range, expect
from rollcall_cluster.generator.generate import generate
from rollcall_cluster.generator.plan import Bursts, KeyStrategy, Plan
from rollcall_cluster.generator.profiles import PROFILES
from rollcall_cluster.generator.record import Kind, Record
from rollcall_cluster.generator.stream import RecordStream
from rollcall_cluster.generator.summary import Summary

__all__ = [
    "PROFILES",
    "Bursts",
    "CannotProduceError",
    "ContentStore",
    "Expectation",
    "GeneratorError",
    "ImpossiblePlanError",
    "KeyStrategy",
    "Kind",
    "Plan",
    "Range",
    "Record",
    "RecordStream",
    "Summary",
    "expect",
    "generate",
    "open_content_store",
    "text_path",
]
