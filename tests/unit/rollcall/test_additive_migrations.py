"""A migration that calls itself additive takes nothing away from the release before it."""

import re
from pathlib import Path

import pytest

from essay_lifecycle_service import migrations_folders
from rollcall.database.schema_version import ADDITIVE

_TAKES_AWAY = re.compile(
    r"\b(DROP|RENAME|TRUNCATE|DELETE|UPDATE|ALTER COLUMN|ADD CONSTRAINT|CREATE TRIGGER|CREATE UNIQUE INDEX)\b"
    r"|\bADD COLUMN\b[^,;]*\bNOT NULL\b(?![^,;]*\bDEFAULT\b)",
    re.IGNORECASE,
)


def taken_away(text: str) -> str | None:
    """The first words that older replicas may trip over."""
    found = _TAKES_AWAY.search(re.sub(r"--[^\n]*|CREATE TABLE .*?;", "", text, flags=re.DOTALL))
    return found[0] if found else None


def files() -> list[Path]:
    return [f for folder in migrations_folders() for f in folder.glob(f"*{ADDITIVE}.sql")]


def test_migrations_that_are_called_additive_are() -> None:
    assert {file.name: taken_away(file.read_text()) for file in files()} == {
        file.name: None for file in files()
    }


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TABLE slot DROP COLUMN x;",
        "ALTER TABLE slot ADD COLUMN x int NOT NULL;",
        "ALTER TABLE slot ADD CONSTRAINT c CHECK (position > 0);",
        "CREATE UNIQUE INDEX i ON slot (essay_id);",
    ],
)
def test_what_older_replicas_would_trip_over_is_seen(text: str) -> None:
    assert taken_away(text)


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE t (id int PRIMARY KEY, UNIQUE (id));",
        "ALTER TABLE slot ADD COLUMN x int, ADD COLUMN y int NOT NULL DEFAULT 0;",
        "CREATE INDEX i ON slot (essay_id);",
    ],
)
def test_what_only_adds_is_taken(text: str) -> None:
    assert taken_away(text) is None
