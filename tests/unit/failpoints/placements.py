"""Where failpoints stand in the source of the product."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rollcall_cluster.failpoints.names import ENUMERATIONS

ROOT = Path(__file__).parents[3]
PRODUCTION = ("libs/rollcall", "libs/rollcall_events", "services")
_ENUMERATION_NAMES = {enumeration.__name__: enumeration for enumeration in ENUMERATIONS}


class Placement(NamedTuple):
    """One call that says that a failpoint is reached."""

    failpoint: str
    file: str
    line: int


def sources(folders: tuple[str, ...] = PRODUCTION) -> Iterator[Path]:
    """Every module of the folders."""
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def placements() -> list[Placement]:
    """Every placement in what runs in production."""
    return [placement for path in sources() for placement in _in_module(path)]


def _in_module(path: Path) -> Iterator[Placement]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "failpoints.reached":
            (argument,) = node.args
            assert isinstance(argument, ast.Attribute), f"{path}:{node.lineno} names no failpoint"
            enumeration = _ENUMERATION_NAMES[ast.unparse(argument.value)]
            name = enumeration[argument.attr].value
            yield Placement(name, str(path.relative_to(ROOT)), node.lineno)
