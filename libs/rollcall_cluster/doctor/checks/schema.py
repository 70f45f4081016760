"""The schema: migrated as far as this release, with every index and trigger that the migrations make."""

from collections.abc import Iterator

from essay_lifecycle_service import migrations_folders
from rollcall.database.schema_version import ADDITIVE, known_migrations
from rollcall_cluster.doctor.check import Check, Found, problem, warning
from rollcall_cluster.doctor.facts import Facts, PostgresFacts
from rollcall_cluster.doctor.migrated import Migrated


def _postgres(facts: Facts) -> PostgresFacts:
    assert isinstance(facts.postgres, PostgresFacts)
    return facts.postgres


def _version(facts: Facts) -> Iterator[Found]:
    known, applied = known_migrations(migrations_folders()), _postgres(facts).applied
    schema = facts.settings.database_schema
    if missing := sorted(known - applied):
        yield problem(
            f"schema {schema} lacks {', '.join(missing)}", "essay-lifecycle-service migrate"
        )
    if later := sorted(name for name in applied - known if name.endswith(ADDITIVE)):
        yield warning(
            f"schema {schema} was migrated by a later release ({', '.join(later)}); this one may go on",
            "finish the update",
        )
    if unknown := sorted(name for name in applied - known if not name.endswith(ADDITIVE)):
        yield problem(
            f"schema {schema} holds migrations that this release does not know: {', '.join(unknown)}",
            "run the release that has them",
        )


def _indexes(facts: Facts) -> Iterator[Found]:
    postgres = _postgres(facts)
    migrated = Migrated.by(migrations_folders(), postgres.applied)
    schema = facts.settings.database_schema
    for name, create in sorted(migrated.indexes.items()):
        if name not in postgres.indexes:
            yield problem(f"index {name} is missing", f"SET search_path = {schema}; {create}")
        elif not postgres.indexes[name]:
            yield problem(
                f"index {name} is invalid: it is kept up and never used",
                f"REINDEX INDEX CONCURRENTLY {schema}.{name}",
            )


def _triggers(facts: Facts) -> Iterator[Found]:
    postgres = _postgres(facts)
    migrated = Migrated.by(migrations_folders(), postgres.applied)
    schema = facts.settings.database_schema
    for name, create in sorted(migrated.triggers.items()):
        if name not in postgres.triggers:
            yield problem(
                f"trigger {name} is missing or disabled", f"SET search_path = {schema}; {create}"
            )


def _paused(facts: Facts) -> Iterator[Found]:
    for topic, reason in _postgres(facts).paused.items():
        yield warning(
            f"{topic} is paused: {reason}", f"rollcall topic resume {topic}, if it shall go on"
        )


CHECKS = (
    Check("schema", "migrations of the schema against this release", ("postgres",), _version),
    Check("indexes", "every index of the migrations, and valid", ("postgres",), _indexes),
    Check("triggers", "every trigger of the migrations, and enabled", ("postgres",), _triggers),
    Check("paused-topics", "topics that no replica consumes", ("postgres",), _paused),
)
