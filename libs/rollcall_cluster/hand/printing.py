"""What orders and their audit print for programs: JSON."""

from typing import Any

import orjson
import typer


def print_json(document: Any) -> None:
    """Print a document for programs."""
    typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2, default=str).decode())
