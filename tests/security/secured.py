"""Replicas on secured servers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.service_process import ServiceProcess, start_module


@dataclass
class Secured:
    """Starts replicas on the secured servers."""

    environment: dict[str, str]
    directory: Path
    replica: ServiceProcess | None = None

    def read_secret(self, name: str) -> str:
        """Of a setting whose secret is in a file."""
        return Path(self.environment[f"ROLLCALL_{name}_FILE"]).read_text().strip()

    def write_secret(self, name: str, secret: str) -> None:
        """For the next start."""
        Path(self.environment[f"ROLLCALL_{name}_FILE"]).write_text(secret)

    def start(self, **changes: str) -> ServiceProcess:
        self.replica = ServiceProcess(
            "secured",
            environment=self.environment | changes,
            log_file=self.directory / "replica.log",
            start=lambda environment, log: start_module(
                "essay_lifecycle_service", ["run"], environment, log
            ),
        )
        return self.replica


def variables(settings: dict[str, Any]) -> dict[str, str]:
    return {f"ROLLCALL_{name.upper()}": str(value) for name, value in settings.items()}
