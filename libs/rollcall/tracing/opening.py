"""Switches tracing on, if the settings ask for it."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

from rollcall.errors import ConfigurationError
from rollcall.settings import ServiceSettings

if TYPE_CHECKING:
    from rollcall.tracing.tracing import Tracing

_EXPORTER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"


def open_tracing(settings: ServiceSettings) -> "Tracing | None":
    """Start exporting spans; None, without importing anything, unless ROLLCALL_TRACING says so."""
    if not settings.tracing:
        return None
    from rollcall.tracing.tracing import Tracing

    return Tracing.exporting(settings)


def require_tracing(settings: ServiceSettings) -> None:
    """See that what tracing needs is installed, before anything is started.

    Raises:
        ConfigurationError: it is switched on and not installed.
    """
    if settings.tracing and not _is_installed():
        raise ConfigurationError(
            "ROLLCALL_TRACING is on, but OpenTelemetry is not installed: install rollcall[otel],"
            " or switch it off"
        )


def _is_installed() -> bool:
    try:
        return find_spec(_EXPORTER) is not None
    except ModuleNotFoundError:
        return False
