"""Files and functions stay short enough to be read at once; what outgrows that is split."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST_LINES_OF_A_FILE = 300
MOST_LINES_OF_A_FUNCTION = 60
FOLDERS = ("libs", "services", "benchmarks", "monitoring", "model", "docs", "tests")


def sources() -> Iterator[tuple[Path, str]]:
    for folder in FOLDERS:
        for file in (ROOT / folder).rglob("*.py"):
            yield file.relative_to(ROOT), file.read_text()


def functions(source: str) -> Iterator[tuple[str, int]]:
    """Name and length of each, decorators left out."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


def test_no_file_is_too_long() -> None:
    lengths = {str(path): len(source.splitlines()) for path, source in sources()}
    assert {path: n for path, n in lengths.items() if n > MOST_LINES_OF_A_FILE} == {}


def test_no_function_is_too_long() -> None:
    found = [
        f"{path}: {name} has {length} lines"
        for path, source in sources()
        if source.count("\n") > MOST_LINES_OF_A_FUNCTION
        for name, length in functions(source)
        if length > MOST_LINES_OF_A_FUNCTION
    ]
    assert found == []
