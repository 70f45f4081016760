"""Named queries in .sql files: `-- name: get_batch`, comment lines, then the statement."""

import re
from importlib import resources

from rollcall.errors import ConfigurationError

_HEADER = re.compile(r"^-- name: ([a-z0-9_]+)\n((?:--.*\n)*)", re.MULTILINE)


def parse_queries(text: str) -> dict[str, str]:
    """Split the text of a query file into statements by name."""
    _, *parts = _HEADER.split(text)
    return {
        name: statement.strip() for name, statement in zip(parts[::3], parts[2::3], strict=True)
    }


def load_queries(package: str, file_name: str, *expected: str) -> tuple[str, ...]:
    """Read `file_name` inside `package` and return the statements named by `expected`, in order.

    Raises:
        ConfigurationError: the file lacks an expected statement, or holds one nobody asked for.
    """
    queries = parse_queries((resources.files(package) / file_name).read_text(encoding="utf-8"))
    if set(queries) != set(expected):
        raise ConfigurationError(
            f"{package}/{file_name} holds {sorted(queries)}, its store expects {sorted(expected)}:"
            " make the names agree"
        )
    return tuple(queries[name] for name in expected)
