"""What the migrations make, read from their text: so nothing has to be created to know it."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_COMMENT = re.compile(r"--[^\n]*")
_INDEX = re.compile(r"CREATE (UNIQUE )?INDEX (\w+)\s+(ON\s.*)", re.DOTALL)
_DROPPED = re.compile(r"DROP INDEX (?:IF EXISTS )?(\w+)")
_TABLES_DROPPED = re.compile(r"DROP TABLE (?:IF EXISTS )?([\w, ]+)")
_TABLE = re.compile(r"CREATE TABLE (\w+)\s*\((.*)\)", re.DOTALL)
_KEY = re.compile(r"PRIMARY KEY \(([^)]*)\)|^\s*(\w+)[^,\n]*\bPRIMARY KEY", re.MULTILINE)
_TRIGGER = re.compile(r"CREATE TRIGGER (\w+)\s.*?\sON (\w+)", re.DOTALL)


@dataclass(slots=True, frozen=True)
class Migrated:
    """Indexes and triggers, each with the statement that makes it again."""

    indexes: Mapping[str, str]
    triggers: Mapping[str, str]

    @classmethod
    def by(cls, folders: Iterable[Path], applied: Collection[str]) -> "Migrated":
        """What those of the migrations in `folders` make that were applied."""
        files = sorted(file for folder in folders for file in folder.glob("*.sql"))
        indexes: dict[str, str] = {}
        triggers: dict[str, str] = {}
        for file in files:
            if file.stem in applied:
                for statement in _statements(file.read_text(encoding="utf-8")):
                    _note(statement, indexes, triggers)
        return cls(indexes, triggers)


def _statements(text: str) -> list[str]:
    """Statements of a migration; the bodies of functions fall apart, and matter to nobody here."""
    return [statement.strip() for statement in _COMMENT.sub("", text).split(";")]


def _note(statement: str, indexes: dict[str, str], triggers: dict[str, str]) -> None:
    flat = " ".join(statement.split())
    if match := _INDEX.match(flat):
        unique, name, rest = match.groups()
        indexes[name] = f"CREATE {unique or ''}INDEX CONCURRENTLY {name} {rest}"
    elif match := _TRIGGER.match(flat):
        triggers[f"{match[1]} on {match[2]}"] = flat
    elif (table := _TABLE.match(statement)) and (key := _KEY.search(table[2])):
        columns = key[1] or key[2]
        indexes[f"{table[1]}_pkey"] = f"ALTER TABLE {table[1]} ADD PRIMARY KEY ({columns})"
    for dropped in _DROPPED.findall(flat):
        indexes.pop(dropped, None)
    for tables in _TABLES_DROPPED.findall(flat):
        for table in tables.split(","):
            _forget(table.strip(), indexes, triggers)


def _forget(table: str, indexes: dict[str, str], triggers: dict[str, str]) -> None:
    """What was on a table goes with it."""
    on_it = re.compile(rf" ON (?:ONLY )?{table}\b|^ALTER TABLE {table} ADD")
    for name in [name for name, create in indexes.items() if on_it.search(create)]:
        del indexes[name]
    for name in [name for name in triggers if name.endswith(f" on {table}")]:
        del triggers[name]
