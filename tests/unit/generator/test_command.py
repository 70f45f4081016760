"""The command line of the generator."""

import re

import pytest
import typer
from typer.testing import CliRunner

from rollcall_cluster.generator.command import generate_command

NO_KAFKA = {"ROLLCALL_KAFKA_BOOTSTRAP_SERVERS": None, "COLUMNS": "200", "NO_COLOR": "1"}


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.command()(generate_command)
    return app


def test_help_has_every_knob_and_examples(app: typer.Typer) -> None:
    """A newcomer finds the knobs, what they mean, and lines to copy."""
    told = CliRunner().invoke(app, ["--help"], env=NO_KAFKA).output
    knobs = "rate batches slots duplicates excess failures early malformed key skew seed profile"
    assert {f"--{knob}" for knob in knobs.split()} <= set(re.findall(r"--[a-z-]+", told))
    assert "rollcall generate --profile mixed --seed 7" in told


def test_without_kafka_it_says_what_to_do(app: typer.Typer) -> None:
    """No address is a usage error with a remedy."""
    ended = CliRunner().invoke(app, [], env=NO_KAFKA)
    assert ended.exit_code == 2
    assert "rollcall up" in ended.output


def test_impossible_plan_ends_with_one_line(app: typer.Typer) -> None:
    """A knob out of range is told without a traceback."""
    ended = CliRunner().invoke(
        app, ["--bootstrap-servers", "nowhere:1", "--slots", "0"], env=NO_KAFKA
    )
    assert ended.exit_code == 1
    assert "could not generate: slots is 0; it has to be between 1 and 10,000" in ended.output
