"""Every failpoint of the runtime, of the services and of what changes a deployment beside them."""

from essay_lifecycle_service.failpoints import EssayFailpoint
from rollcall.failpoints import Failpoint, FailpointName, names_in
from rollcall_cluster.purge.failpoints import PurgeFailpoint

LISTINGS: tuple[type, ...] = (Failpoint, EssayFailpoint, PurgeFailpoint)

FAILPOINTS: dict[str, FailpointName] = {
    str(failpoint): failpoint for listing in LISTINGS for failpoint in names_in(listing).values()
}


def failpoints_table() -> str:
    """Every failpoint as a Markdown table."""
    rows = ["| failpoint | when it is reached |", "|---|---|"]
    rows += [f"| `{name}` | {failpoint.meaning} |" for name, failpoint in FAILPOINTS.items()]
    return "\n".join(rows) + "\n"
