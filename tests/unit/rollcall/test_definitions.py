"""Queries, topology, settings, metrics: mistakes in definitions are told at start, with the remedy."""

import pytest
from pydantic import ValidationError

from rollcall.backoff import Backoff
from rollcall.database.queries import load_queries, parse_queries
from rollcall.errors import ConfigurationError
from rollcall.service import Service
from rollcall.settings import ServiceSettings
from rollcall.settings_table import settings_table
from rollcall.telemetry.metrics import Metrics, metrics_table
from rollcall.topology import Topology
from rollcall_events import BatchEssaysRegisteredV1, EssaySlotAssignedV1
from rollcall_events.topics import TOPICS


def test_queries_are_found_by_name_without_their_comments() -> None:
    text = "-- name: one\n-- why\nSELECT 1\n\n-- name: two\nSELECT 2\n"
    assert parse_queries(text) == {"one": "SELECT 1", "two": "SELECT 2"}


def test_a_query_file_and_its_store_must_agree() -> None:
    with pytest.raises(ConfigurationError, match="make the names agree"):
        load_queries("rollcall.consumer", "positions.sql", "compare_and_set")


def test_the_registry_is_a_valid_topology() -> None:
    topology = Topology(TOPICS)
    assert topology.dead_letters.name == "els.dead.letters.v1"
    assert topology.lane_positions.cleanup_policy == "compact"


def test_a_service_without_dead_letter_topic_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="dead letters"):
        Topology(topic for topic in TOPICS if topic.name != "els.dead.letters.v1")


def test_a_handler_for_an_output_event_is_refused() -> None:
    service = Service(ServiceSettings(), TOPICS)
    with pytest.raises(ConfigurationError, match="not carried by an input topic"):
        service.on(EssaySlotAssignedV1)


def test_a_second_handler_for_an_event_is_refused() -> None:
    service = Service(ServiceSettings(), TOPICS)

    @service.on(BatchEssaysRegisteredV1)
    async def handle(_received: object, _tx: object) -> list[object]:
        return []

    with pytest.raises(ConfigurationError, match="has a handler already"):
        service.on(BatchEssaysRegisteredV1)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLCALL_TOPIC_PREFIX", "staging.")
    assert ServiceSettings().topic("els.dead.letters.v1") == "staging.els.dead.letters.v1"


def test_a_setting_out_of_bounds_is_refused() -> None:
    with pytest.raises(ValidationError, match="chunk_max_records"):
        ServiceSettings(chunk_max_records=0)


def test_every_setting_and_metric_is_described() -> None:
    for table in (settings_table(ServiceSettings), metrics_table(Metrics())):
        rows = table.splitlines()[2:]
        assert rows
        assert all(row.rstrip(" |").rsplit("|", 1)[-1].strip() for row in rows)


def test_secrets_do_not_appear_in_the_settings() -> None:
    settings = ServiceSettings(postgres_dsn="postgresql://user:hunter2@db/els")
    assert "hunter2" not in repr(settings)


def test_delays_grow_to_their_cap_and_start_again_after_a_success() -> None:
    backoff = Backoff(first_seconds=0.1, cap_seconds=1.0)
    delays = [backoff.next_delay_seconds() for _ in range(50)]
    assert 0.05 <= delays[0] <= 0.1
    assert all(0.5 <= delay <= 1.0 for delay in delays[10:])
    backoff.reset()
    assert backoff.next_delay_seconds() <= 0.1
