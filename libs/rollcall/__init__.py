"""The runtime: consumers whose effects commit exactly once, and whose events are published exactly once.

A name is imported when it is first asked for: a command that needs one module does not load all.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_MODULES = {
    "Database": "rollcall.database.pool",
    "Event": "rollcall.outbox.event",
    "InParts": "rollcall.consumer.parts",
    "JsonArray": "rollcall.outbox.json_array",
    "Received": "rollcall.consumer.records",
    "RollcallError": "rollcall.errors",
    "Service": "rollcall.service",
    "ServiceSettings": "rollcall.settings",
    "TraceContext": "rollcall.tracing.context",
    "Transaction": "rollcall.consumer.transaction",
    "load_queries": "rollcall.database.queries",
    "runtime_topics": "rollcall.topology",
}


def __getattr__(name: str) -> Any:
    """One of `__all__`."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found = getattr(import_module(_MODULES[name]), name)
    return found
