"""Orders as they are given over HTTP: on whose word, why, and whether they are only tried."""

from pydantic import BaseModel, ConfigDict, Field

from rollcall.operations.audit import Order


class OrderBody(BaseModel):
    """On whose word something is done, and why."""

    model_config = ConfigDict(extra="forbid")

    by: str = Field(
        min_length=1,
        max_length=500,
        pattern=r"^[^\x00]+$",
        description="Who decides; kept in the audit beside the token's fingerprint.",
    )
    reason: str = Field("", max_length=2000, pattern=r"^[^\x00]*$", description="Why.")
    dry_run: bool = Field(False, description="Change nothing; tell what would be.")

    def order(self, token: str) -> Order:
        """The order of the holder of a token."""
        return Order(operator_named(self.by, token), self.reason, self.dry_run)


def operator_named(by: str, token: str) -> str:
    """Whom the audit names: who was said to decide, and which token said so."""
    return f"{by} (token {token})"
