"""What goes wrong with a local cluster."""


class ClusterError(Exception):
    """A command cannot do what it was asked to: the message says why and what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem}\nRemedy: {remedy}")


def explanation(error: Exception) -> str | None:
    """Return the text to show for an error that has a remedy, None for a defect of the program."""
    from rollcall.access.environment import explained_settings
    from rollcall.errors import RollcallError
    from rollcall_cluster.embedded.errors import EmbeddedServerError

    if (refused := explained_settings(error)) is not None:
        return refused
    known = (ClusterError, EmbeddedServerError, RollcallError)
    return str(error) if isinstance(error, known) else None
