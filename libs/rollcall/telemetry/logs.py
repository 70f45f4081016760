"""Structured logs: one JSON object a line, or colours for people."""

import logging
import sys

import structlog

from rollcall.settings import ServiceSettings


def correlation_first(
    _: object, __: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Put the correlation id, if there is one, before everything else of the line."""
    if (correlation_id := event.pop("correlation_id", None)) is None:
        return event
    return {"correlation_id": str(correlation_id), **event}


def configure_logs(settings: ServiceSettings) -> None:
    """Send structlog's events, and the warnings of libraries, to standard output in one form."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer()
    )
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        correlation_first,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(
        service=settings.service_name, instance=settings.instance_id
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        )
    )
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)
