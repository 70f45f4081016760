"""What a replica does not need, it does not load: each of them is megabytes in every process."""

import subprocess
import sys

import pytest

import rollcall


def test_a_replica_whose_console_nobody_opens_does_not_import_the_http_client() -> None:
    program = (
        "import sys, essay_lifecycle_service.__main__, rollcall.instance;"
        "sys.exit('httpx' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_a_command_that_asks_of_a_cluster_does_not_load_the_runtime() -> None:
    """It takes a third of the time."""
    program = (
        "import sys, rollcall_cluster.local.cluster;"
        "sys.exit(bool({'aiokafka', 'asyncpg', 'fastapi', 'rollcall.service'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_every_name_of_the_runtime_is_found_where_it_is_said_to_be() -> None:
    assert sorted(rollcall._MODULES) == sorted(rollcall.__all__)
    for name in rollcall.__all__:
        assert getattr(rollcall, name).__name__ == name
    with pytest.raises(AttributeError, match="'rollcall' has no attribute 'Servise'"):
        _ = rollcall.Servise  # type: ignore[attr-defined]
