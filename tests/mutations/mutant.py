"""A copy of the product with one guard taken away, and the tests run against it."""

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.mutations.forking import Ended, Forks, Program
from tests.mutations.mutation import Mutation

ROOT = Path(__file__).parents[2]
_FOLDERS = ("libs", "services")
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


@dataclass(frozen=True)
class Inner:
    """Runs tests of this repository against a copy of the product, on servers that run."""

    forks: Forks
    servers: Mapping[str, str]

    def run_tests(self, product: Path, tests: tuple[str, ...], **variables: str) -> Run:
        """Run tests against the product at `product`."""
        arguments = (
            *("-q", "-rfE", "--tb=line", "--no-header", "--assert=plain"),
            *("-p", "no:cacheprovider", "-p", "no:xdist", f"--timeout={_TEST_SECONDS}", *tests),
        )
        done = self._run("pytest", arguments, product, variables)
        failed = frozenset(re.findall(r"^FAILED (\S+)", done.output, re.MULTILINE))
        return Run(done.exit_code, failed, done.output)

    def imported_from(self, product: Path) -> set[Path]:
        """Where the packages under test come from in such a run."""
        done = self._run("tests.mutations.origins", (), product, {})
        assert done.exit_code == 0, done.output
        return {Path(name) for name in done.output.split()}

    def _run(
        self, module: str, arguments: tuple[str, ...], product: Path, variables: Mapping[str, str]
    ) -> Ended:
        inherited = {n: value for n, value in os.environ.items() if not n.startswith("PYTEST_")}
        return self.forks.run(
            Program(
                module,
                arguments,
                environment=inherited | self.servers | variables,
                import_first=tuple(str(product / folder) for folder in _FOLDERS),
            )
        )


def copy_product(target: Path) -> None:
    """Copy what is installed from this repository, with what is compiled already."""
    for folder in _FOLDERS:
        shutil.copytree(ROOT / folder, target / folder)


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
                " bring its row in tests/mutations up to date"
            )
        content = content.replace(text, replacement)
    path.write_text(content)
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        compiled.unlink()
