"""SQL takes values as parameters alone; where a statement is put together, it is known why."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_RUNS = frozenset(
    (
        "execute",
        "executemany",
        "executescript",
        "fetch",
        "fetchrow",
        "fetchval",
        "cursor",
        "prepare",
    )
)

# Where a statement is not a constant: the function, and why nothing from outside can get into it.
PUT_TOGETHER = {
    "rollcall_cluster/chaos/faults/postgres.py::inflict": "a directory that chaos has made",
    "rollcall_cluster/chaos/faults/postgres.py::_move": "names of tables and of chaos' tablespace",
    "rollcall_cluster/auditor/scratch.py::__init__": "our own pragmas, for a database in a temporary file",
    "rollcall_cluster/auditor/scratch.py::replace": "names of our own tables in that database",
    "rollcall_cluster/auditor/scratch.py::attach": "names of our own tables and numbers",
    "rollcall_cluster/auditor/scratch.py::_sort_in": "a directory; SQLite takes no parameter there",
}


def put_together(source: str) -> Iterator[str]:
    """Functions that run a statement made of parts, by name."""
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for call in ast.walk(function):
                if _runs_parts(call):
                    yield function.name


def _runs_parts(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
        return False
    return node.func.attr in _RUNS and _is_made(node.args[0])


def _is_made(statement: ast.expr) -> bool:
    """An f-string, a sum, a `%` or a `.format()` of text; psycopg's `sql.SQL(..).format` quotes."""
    if isinstance(statement, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in statement.values)
    if isinstance(statement, ast.BinOp):
        return True
    if not (isinstance(statement, ast.Call) and isinstance(statement.func, ast.Attribute)):
        return False
    return statement.func.attr in ("format", "replace", "join") and not _is_quoting(
        statement.func.value
    )


def _is_quoting(text: ast.expr) -> bool:
    return isinstance(text, ast.Call) and ast.unparse(text.func) == "sql.SQL"


def test_statements_are_put_together_only_where_it_is_known_why() -> None:
    found = {
        f"{file.relative_to(folder)}::{name}"
        for folder in (_ROOT / "libs", _ROOT / "services")
        for file in folder.rglob("*.py")
        for name in put_together(file.read_text(encoding="utf-8"))
    }

    assert found == set(PUT_TOGETHER)


@pytest.mark.parametrize(
    "statement",
    ['f"SELECT {x}"', '"SELECT " + x', '"SELECT %s" % x', '"SELECT {}".format(x)', '" ".join(x)'],
)
def test_each_way_to_put_one_together_is_noticed(statement: str) -> None:
    assert list(put_together(f"async def run():\n    await connection.fetch({statement})")) == [
        "run"
    ]


@pytest.mark.parametrize(
    "statement", ['"SELECT $1", x', "QUERY, x", 'sql.SQL("DROP {}").format(x)', 'f"SELECT 1"']
)
def test_parameters_are_no_offence(statement: str) -> None:
    assert list(put_together(f"def run():\n    connection.execute({statement})")) == []
