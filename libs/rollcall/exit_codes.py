"""Why a service's process ended, as its orchestrator sees it."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of `<service> run`. All but 0 and 2 ask for a restart, which loses nothing."""

    STOPPED = 0
    """It was told to stop and did so in order."""
    FAILED = 1
    """A part that must last ended by itself; the log line `service_failed` says which and why."""
    MISCONFIGURED = 2
    """Settings or program are wrong, or a server does not let us in with them: a restart would not help."""
    FETCHER_DEAD = 3
    """Records wait, Kafka answers, and the client fetches nothing."""
    LOOP_STALLED = 4
    """The event loop stood still for ROLLCALL_LOOP_STALL_EXIT_SECONDS."""
    STOP_OVERDUE = 5
    """It was told to stop, or had failed, and did not end in time."""
