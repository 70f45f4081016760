"""Every failpoint of the runtime and of the services."""

from essay_lifecycle_service.failpoints import EssayFailpoint
from rollcall.failpoints import Failpoint, FailpointName

ENUMERATIONS: tuple[type[FailpointName], ...] = (Failpoint, EssayFailpoint)

FAILPOINTS: dict[str, FailpointName] = {
    failpoint.value: failpoint for enumeration in ENUMERATIONS for failpoint in enumeration
}


def failpoints_table() -> str:
    """Every failpoint as a Markdown table."""
    rows = ["| failpoint | when it is reached |", "|---|---|"]
    rows += [f"| `{name}` | {failpoint.meaning} |" for name, failpoint in FAILPOINTS.items()]
    return "\n".join(rows) + "\n"
