"""The audit over HTTP: what operators did by hand, whichever way they came."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from rollcall.administration.fields import Moment, Text
from rollcall.database.pool import Database
from rollcall.operations.audit import AuditEntry, AuditFilter, AuditStore


class AuditQuery(BaseModel):
    """Which entries of the audit; everything given must hold."""

    model_config = ConfigDict(extra="forbid")

    action: Text | None = Field(None, description="With this action, like pause or complete.")
    subject: Text | None = Field(None, description="Done to what begins so: a topic, a batch.")
    operator: Text | None = Field(None, description="By whom; the beginning of the name.")
    since: Moment | None = Field(None, description="Done then or later (ISO 8601).")
    until: Moment | None = Field(None, description="Done before (ISO 8601).")
    after: int | None = Field(
        None, ge=1, le=2**63 - 1, description="Go on behind this entry: the next page."
    )
    limit: int = Field(100, ge=1, le=1000, description="Most entries in the answer.")

    def wanted(self) -> AuditFilter:
        """The filter."""
        return AuditFilter(
            self.action, self.subject, self.operator, self.since, self.until, self.after
        )


class AuditDocument(BaseModel):
    """What was done once by hand, with the state of its subject before and after."""

    id: int
    at: datetime
    operator: str
    action: str
    subject: str
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str


class AuditPage(BaseModel):
    """Entries, the newest first; `after` continues, null at the end."""

    entries: list[AuditDocument]
    after: int | None

    @classmethod
    def of(cls, found: list[AuditEntry], limit: int) -> "AuditPage":
        """Describe what was found; one more than `limit` means that there is another page."""
        page = [AuditDocument.model_validate(asdict(entry)) for entry in found[:limit]]
        return cls(entries=page, after=page[-1].id if len(found) > limit else None)


def add_audit_routes(router: APIRouter, consumer_group: str, database: Database) -> None:
    """Add the route to a router that asks for a token."""
    store = AuditStore(consumer_group)

    @router.get("/audit", tags=["audit"])
    async def list_audit(query: Annotated[AuditQuery, Query()]) -> AuditPage:
        """What was done by hand: who, when, what, before and after; the newest first."""
        async with database.acquire() as connection:
            found = await store.find(connection, query.wanted(), query.limit + 1)
        return AuditPage.of(found, query.limit)
