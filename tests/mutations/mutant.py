"""A copy of the product with one guard taken away, and the tests run against it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.mutations.table import Mutation

ROOT = Path(__file__).parents[2]
_FOLDERS = ("libs", "services")
_RUN_SECONDS = 120
# A mutant may hang; a test that takes longer than this is a failed one.
_TEST_SECONDS = 40


class StaleMutationError(Exception):
    """The text to mutate is not in its file exactly once: the table must follow the product."""


@dataclass(frozen=True)
class Run:
    """What pytest said."""

    exit_code: int
    failed: frozenset[str]
    output: str


def copy_product(target: Path) -> None:
    """Copy what is installed from this repository."""
    for folder in _FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, target / folder, ignore=ignored)


def apply_mutation(mutation: Mutation, product: Path) -> None:
    """Edit the copy at `product`.

    Raises:
        StaleMutationError: naming the text that is missing or ambiguous.
    """
    path = product / mutation.file
    content = path.read_text()
    for text, replacement in mutation.edits:
        if (count := content.count(text)) != 1:
            raise StaleMutationError(
                f"{mutation.name}: {mutation.file} holds {text!r} {count} times, not once:"
                " bring the row of tests/mutations/table.py up to date"
            )
        content = content.replace(text, replacement)
    path.write_text(content)


def run_tests(product: Path, tests: tuple[str, ...], servers: Mapping[str, str]) -> Run:
    """Run tests of this repository against the product at `product`, on servers that run."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-rfE", "--tb=line", "--no-header"),
            *("-p", "no:cacheprovider", "-p", "no:xdist", f"--timeout={_TEST_SECONDS}", *tests),
        ],
        cwd=ROOT,
        env=_environment(product, servers),
        capture_output=True,
        text=True,
        timeout=_RUN_SECONDS,
        check=False,
    )
    failed = frozenset(re.findall(r"^FAILED (\S+)", done.stdout, re.MULTILINE))
    return Run(done.returncode, failed, done.stdout + done.stderr)


def imported_from(product: Path, servers: Mapping[str, str]) -> set[Path]:
    """Where the packages under test come from in such a run."""
    program = (
        "import rollcall, rollcall_events, essay_lifecycle_service as e;"
        "print(rollcall.__file__, rollcall_events.__file__, e.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=_environment(product, servers),
        capture_output=True,
        text=True,
        check=True,
    )
    return {Path(name) for name in done.stdout.split()}


def _environment(product: Path, servers: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in os.environ if not name.startswith("PYTEST_")}
    return inherited | {
        "PYTHONPATH": os.pathsep.join(str(product / folder) for folder in _FOLDERS),
        "PYTHONDONTWRITEBYTECODE": "1",
        **servers,
    }
