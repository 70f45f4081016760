"""Where failpoints stand in the source of the product."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rollcall.failpoints import names_in
from rollcall_cluster.failpoints.names import LISTINGS

ROOT = Path(__file__).parents[3]
PRODUCTION = ("libs/rollcall", "libs/rollcall_events", "services")
# What runs beside the services and writes what they read.
BESIDE = ("libs/rollcall_cluster/purge",)
_LISTINGS = {listing.__name__: listing for listing in LISTINGS}


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
    """Every placement."""
    paths = sources(PRODUCTION + BESIDE)
    return [placement for path in paths for placement in _in_module(path)]


def _in_module(path: Path) -> Iterator[Placement]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "failpoints.reached":
            (argument,) = node.args
            assert isinstance(argument, ast.Attribute), f"{path}:{node.lineno} names no failpoint"
            listing = _LISTINGS[ast.unparse(argument.value)]
            name = names_in(listing)[argument.attr]
            yield Placement(str(name), str(path.relative_to(ROOT)), node.lineno)
