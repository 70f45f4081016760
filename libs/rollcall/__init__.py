"""The runtime: consumers whose effects commit exactly once, and whose events are published exactly once."""

from rollcall.consumer.parts import InParts
from rollcall.consumer.records import Received
from rollcall.consumer.transaction import Transaction
from rollcall.database.pool import Database
from rollcall.database.queries import load_queries
from rollcall.errors import RollcallError
from rollcall.outbox.event import Event
from rollcall.outbox.json_array import JsonArray
from rollcall.service import Service
from rollcall.settings import ServiceSettings
from rollcall.topology import runtime_topics
from rollcall.tracing.context import TraceContext

__all__ = [
    "Database",
    "Event",
    "InParts",
    "JsonArray",
    "Received",
    "RollcallError",
    "Service",
    "ServiceSettings",
    "TraceContext",
    "Transaction",
    "load_queries",
    "runtime_topics",
]
