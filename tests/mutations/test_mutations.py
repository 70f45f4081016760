"""Every guard of the product is missed by some test when it is gone."""

from pathlib import Path

import pytest

from tests.mutations.mutant import (
    ROOT,
    StaleMutationError,
    apply_mutation,
    copy_product,
    imported_from,
    run_tests,
)
from tests.mutations.table import MUTATIONS, Mutation


@pytest.fixture
def product(tmp_path: Path) -> Path:
    """A copy of the product, to be spoiled."""
    copy_product(tmp_path)
    return tmp_path


@pytest.fixture
def servers_in_use(postgres_dsn: str, kafka_bootstrap: str) -> dict[str, str]:
    """Variables that keep the inner runs from starting servers of their own."""
    return {
        "ROLLCALL_POSTGRES_DSN": postgres_dsn,
        "ROLLCALL_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
    }


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_without_its_guard_the_product_fails_its_tests(
    mutation: Mutation, product: Path, servers_in_use: dict[str, str]
):
    apply_mutation(mutation, product)
    run = run_tests(product, mutation.tests, servers_in_use)
    assert run.exit_code == pytest.ExitCode.TESTS_FAILED, run.output
    assert run.failed == set(mutation.tests), run.output


def test_with_all_its_guards_the_product_passes_the_same_tests(
    product: Path, servers_in_use: dict[str, str]
):
    """A test that fails anyway, or against another copy, would prove nothing."""
    tests = sorted({test for mutation in MUTATIONS for test in mutation.tests})
    run = run_tests(product, tuple(tests), servers_in_use)
    assert run.exit_code == pytest.ExitCode.OK, run.output


def test_the_product_under_test_is_the_copy(product: Path, servers_in_use: dict[str, str]):
    files = imported_from(product, servers_in_use)
    assert all(file.is_relative_to(product) for file in files)
    assert not any(file.is_relative_to(ROOT) for file in files)


def test_a_row_whose_text_has_changed_is_told(product: Path):
    row = Mutation("stale", "libs/rollcall/errors.py", (("no such text", ""),), ())
    with pytest.raises(StaleMutationError, match="up to date"):
        apply_mutation(row, product)
