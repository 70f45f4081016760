"""`POST /v1/events`: answers 202 only after Kafka has the events."""

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from rollcall.ingest.documents import EventOutcome, IngestAnswer
from rollcall.ingest.envelopes import Accepted, Judge, Refused, UnreadableBodyError, split
from rollcall.ingest.in_flight import InFlight, Share, TooMuchInFlightError
from rollcall.ingest.producer import Delivered, IngestProducer
from rollcall.outbox.publication import Headers
from rollcall.problems import problem
from rollcall.settings import ServiceSettings
from rollcall.telemetry.metrics import Metrics
from rollcall.topology import Topology
from rollcall.tracing.context import context_in

_BODY_SECONDS = 10.0
_RETRY_AFTER = {"Retry-After": "1"}
_DOCUMENTED: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "One envelope, or a list of 1 to 500. `docs/asyncapi.json` has their schemas.",
        "content": {
            "application/json": {
                "schema": {
                    "oneOf": [
                        {"type": "object"},
                        {
                            "type": "array",
                            "items": {"type": "object"},
                            "minItems": 1,
                            "maxItems": 500,
                        },
                    ]
                }
            }
        },
    }
}
INGEST_PATH = "/v1/events"
"""Where events are taken; this route bounds its bodies itself."""

_RESPONSES: dict[int | str, dict[str, Any]] = {
    400: {"description": "The body is not JSON, or no envelope and no list of 1 to 500"},
    408: {"description": "The body did not arrive in time"},
    413: {"description": "The body is larger than ROLLCALL_INGEST_MAX_BODY_BYTES"},
    422: {"description": "No event can be taken; `events` says why, one by one"},
    429: {"description": "Too much is in hand here; Retry-After says when to come again"},
    503: {"description": "Kafka does not have every event for certain; send the request again"},
}


def ingest_routes(
    settings: ServiceSettings, topology: Topology, producer: IngestProducer, metrics: Metrics
) -> APIRouter:
    """The route, with one bound on memory for all its requests."""
    desk = _Desk(settings, topology, producer, metrics)
    router = APIRouter(prefix="/v1", tags=["events"])

    @router.post(
        "/events",
        status_code=202,
        response_model=IngestAnswer,
        responses=_RESPONSES,
        openapi_extra=_DOCUMENTED,
    )
    async def take_events(request: Request) -> Response:
        """Put events into their topics; 202 once Kafka has every one that was accepted.

        Safe to repeat as a whole: an event that was sent before takes no effect. Events that are refused
        (`outcome: refused`) do not keep the others out; if all are refused, the answer is 422.
        """
        began = monotonic()
        response = await desk.take(request)
        metrics.ingest_requests_total.labels(status=str(response.status_code)).inc()
        metrics.ingest_seconds.observe(monotonic() - began)
        return response

    return router


class _Desk:
    """Takes requests in, judges their events, hands them on, answers."""

    def __init__(
        self,
        settings: ServiceSettings,
        topology: Topology,
        producer: IngestProducer,
        metrics: Metrics,
    ) -> None:
        self._max_body_bytes = settings.ingest_max_body_bytes
        self._judge = Judge(topology.inputs, settings.topic_prefix, settings.record_max_bytes)
        self._producer = producer
        self._metrics = metrics
        self._in_flight = InFlight(settings.ingest_max_in_flight_bytes)
        metrics.ingest_in_flight_bytes.set_function(lambda: self._in_flight.used_bytes)

    async def take(self, request: Request) -> Response:
        """Answer one request; every refusal is a problem document."""
        try:
            with self._in_flight.request() as share:
                body = await self._read(request, share)
                return await self._deliver(split(body), _trace_headers(request))
        except UnreadableBodyError as error:
            return problem(400, str(error))
        except HTTPException as error:
            return problem(error.status_code, error.detail)
        except TooMuchInFlightError:
            detail = "too much is in hand here; send the request again, to any replica"
            return _again(problem(429, detail))

    async def _read(self, request: Request, share: Share) -> bytes:
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                async for part in request.stream():
                    share.take(len(part))
                    if share.bytes > self._max_body_bytes:
                        raise HTTPException(413, f"at most {self._max_body_bytes} bytes are taken")
                    parts.append(part)
        except TimeoutError:
            raise HTTPException(408, "the body did not arrive in time") from None
        except ClientDisconnect:
            raise HTTPException(400, "the body did not arrive whole") from None
        return b"".join(parts)

    async def _deliver(self, items: Sequence[bytes], headers: Headers) -> Response:
        judged = [self._judge.judge(index, item) for index, item in enumerate(items)]
        accepted = [item for item in judged if isinstance(item, Accepted)]
        delivered = await self._producer.deliver(accepted, headers) if accepted else []
        places = dict(zip((item.index for item in accepted), delivered, strict=True))
        events = [_told(item, places.get(item.index)) for item in judged]
        for event in events:
            self._metrics.ingest_events_total.labels(outcome=event.outcome).inc()
        return _answer(events)


def _trace_headers(request: Request) -> Headers:
    """The trace that a request belongs to, for the headers of its records."""
    given = ((name.decode("latin-1"), value) for name, value in request.headers.raw)
    context = context_in(given, {})
    return context.headers() if context else []


def _told(item: Accepted | Refused, place: Delivered | None) -> EventOutcome:
    if isinstance(item, Refused):
        return EventOutcome(
            index=item.index,
            outcome="refused",
            error_type=item.error_type,
            detail=item.error_message,
        )
    if place is None:
        detail = "Kafka did not answer in time; send it again"
        return EventOutcome(
            index=item.index, outcome="unknown", event_id=item.event_id, detail=detail
        )
    return EventOutcome(
        index=item.index,
        outcome="accepted",
        event_id=item.event_id,
        topic=item.topic,
        partition=place.partition,
        offset=place.offset,
    )


def _answer(events: list[EventOutcome]) -> Response:
    told = [event.model_dump(exclude_none=True) for event in events]
    outcomes = {event.outcome for event in events}
    if "unknown" in outcomes:
        detail = "Kafka does not have every event for certain; send the request again"
        return _again(problem(503, detail, events=told))
    if outcomes == {"refused"}:
        return problem(422, "No event can be taken; 'events' says why.", events=told)
    accepted = sum(event.outcome == "accepted" for event in events)
    content = {"accepted": accepted, "refused": len(events) - accepted, "events": told}
    return JSONResponse(content, status_code=202)


def _again(response: JSONResponse) -> Response:
    response.headers.update(_RETRY_AFTER)
    return response
