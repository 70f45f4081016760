"""Every guard of the product is missed by some test when it is gone."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.eventually import DEADLINE_VARIABLE
from tests.fixtures.database import TEMPLATE_VARIABLE
from tests.mutations.forking import Forks, Program
from tests.mutations.mutant import (
    ROOT,
    Inner,
    StaleMutationError,
    apply_mutation,
    copy_product,
)
from tests.mutations.mutation import Mutation
from tests.mutations.table import MUTATIONS

EVERY_RUN = frozenset(
    {
        "positions_without_comparison",
        "positions_outside_of_the_transaction",
        "no_bisection",
        "slots_not_locked_and_found_by_key",
        "content_in_two_slots",
        "counters_not_locked",
        "two_completions_possible",
        "lane_position_read_before_the_fence",
        "lane_position_in_a_transaction_of_its_own",
        "segments_forgotten_before_the_commit",
    }
)
"""Guards without which the first promises fall; the others are taken away by `make stalls`."""

_ROWS = [
    pytest.param(row, id=row.name, marks=[] if row.name in EVERY_RUN else [pytest.mark.long])
    for row in MUTATIONS
]


@pytest.fixture
def product(tmp_path: Path) -> Path:
    """A copy of the product, to be spoiled."""
    copy_product(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def inner(
    postgres_dsn: str, kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Inner]:
    """Inner runs, kept from starting servers of their own."""
    servers = {
        "ROLLCALL_POSTGRES_DSN": postgres_dsn,
        "ROLLCALL_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
    }
    with Forks.open(tmp_path_factory.mktemp("forks")) as forks:
        yield Inner(forks, servers)


@pytest.mark.parametrize("mutation", _ROWS)
def test_without_its_guard_the_product_fails_its_tests(
    mutation: Mutation, product: Path, inner: Inner, template_database: str
):
    """It need not be waited for patiently: a test that fails because it was slow was to fail anyway."""
    apply_mutation(mutation, product)
    shared = {} if mutation.changes_schema else {TEMPLATE_VARIABLE: template_database}
    run = inner.run_tests(product, mutation.tests, **shared, **{DEADLINE_VARIABLE: "10"})
    assert run.exit_code == pytest.ExitCode.TESTS_FAILED, run.output
    assert run.failed == set(mutation.tests), run.output


@pytest.mark.parametrize("always", [True, pytest.param(False, marks=pytest.mark.long)])
def test_with_all_its_guards_the_product_passes_the_same_tests(
    always: bool, product: Path, inner: Inner
):
    """A test that fails anyway, or against another copy, would prove nothing."""
    rows = [row for row in MUTATIONS if (row.name in EVERY_RUN) is always]
    tests = sorted({test for row in rows for test in row.tests})
    run = inner.run_tests(product, tuple(tests))
    assert run.exit_code == pytest.ExitCode.OK, run.output


def test_the_product_under_test_is_the_copy(product: Path, inner: Inner):
    files = inner.imported_from(product)
    assert len(files) == 4
    assert all(file.is_relative_to(product) for file in files)
    assert not any(file.is_relative_to(ROOT) for file in files)


def test_a_program_that_does_not_end_is_killed(tmp_path: Path, inner: Inner):
    (tmp_path / "endless.py").write_text("while True: pass")
    endless = Program("endless", (), {}, (str(tmp_path),), limit_seconds=1)
    assert inner.forks.run(endless).exit_code == -signal.SIGKILL


def test_every_row_names_text_and_tests_that_are_there(product: Path):
    """Also those that are not run each time."""
    assert {row.name for row in MUTATIONS} >= EVERY_RUN
    for row in MUTATIONS:
        original = (product / row.file).read_bytes()
        apply_mutation(row, product)
        (product / row.file).write_bytes(original)
        for test in row.tests:
            file, name = test.split("[")[0].split("::")[:2]
            assert name in (ROOT / file).read_text(encoding="utf-8"), test


def test_a_row_whose_text_has_changed_is_told(product: Path):
    row = Mutation("stale", "libs/rollcall/errors.py", (("no such text", ""),), ())
    with pytest.raises(StaleMutationError, match="up to date"):
        apply_mutation(row, product)
