"""Essay lifecycle service: gives every content one slot of its batch and announces each batch once."""

from pathlib import Path

from rollcall.database.schema_version import RUNTIME_MIGRATIONS


def migrations_folders() -> tuple[Path, ...]:
    """Folders of all migrations that the service's schema consists of, the runtime's first."""
    return (RUNTIME_MIGRATIONS, Path(__file__).parent / "migrations")
