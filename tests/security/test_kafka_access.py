"""Every way into Kafka, with a real broker that demands it; and every refusal with its reason."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rollcall.access.kafka import KafkaAccess
from rollcall.access.kafka_refusal import refuse_if_denied
from rollcall.errors import AccessDeniedError
from rollcall.settings import ServiceSettings
from rollcall.topic_admin import TopicAdmin
from rollcall.topology import Topology
from rollcall_events.topics import TOPICS
from tests.security.authority import Authority
from tests.security.secure_kafka import SecureKafka
from tests.security.ways import WAYS_IN, kafka_settings, settings_for

# aiokafka does not wait until the connections that it closes are closed.
pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Exception ignored in.*(Transport|socket)"),
]


@pytest.fixture
def token_file(authority: Authority, tmp_path: Path) -> Path:
    return _written(tmp_path / "token", authority.token())


def _written(file: Path, text: str) -> Path:
    file.write_text(text)
    return file


async def missing_topics(given: Mapping[str, Any]) -> list[str]:
    async with TopicAdmin(ServiceSettings(**given), Topology(TOPICS)) as admin:
        return await admin.missing()


@pytest.mark.parametrize("way", WAYS_IN)
async def test_the_settings_of_each_way_in_let_a_client_in(
    secure_kafka: SecureKafka, authority: Authority, token_file: Path, way: str
) -> None:
    given = kafka_settings(secure_kafka, authority, way, token_file)

    assert await missing_topics(given | {"topic_prefix": "nowhere."})

    await refuse_if_denied(KafkaAccess(**given))  # nothing to find


SCRAM = "SCRAM-SHA-512"
# Where to, with which mechanism and certificate; what is wrong; what is told.
REFUSED: dict[str, tuple[tuple[str, ...], dict[str, str], str]] = {
    "wrong password": (
        ("SASLTLS", SCRAM),
        {"kafka_sasl_password": "wr0ng"},
        "refuses our credentials",
    ),
    "wrong password, PLAIN": (
        ("SASLCLEAR", "PLAIN"),
        {"kafka_sasl_password": "wr0ng"},
        "refuses our credentials",
    ),
    "unknown authority": (("TLS",), {"kafka_ssl_ca_file": "stranger"}, "of an unknown authority"),
    "another host": (("ELSEWHERE",), {}, "a certificate for another host"),
    "no certificate of ours": (("MUTUAL",), {}, "does not take our certificate"),
    "a certificate of a stranger": (("MUTUAL", "", "stranger"), {}, "does not take our cert"),
    "no TLS here": (
        ("TLS",),
        {"kafka_bootstrap_servers": "SASLCLEAR"},
        "speaks no TLS on this port",
    ),
    "TLS here": (
        ("SASLCLEAR", SCRAM),
        {"kafka_bootstrap_servers": "SASLTLS"},
        "expects TLS on this port",
    ),
    "SASL here": (
        ("TLS",),
        {"kafka_bootstrap_servers": "SASLTLS"},
        "asks for SASL on this listener",
    ),
    "no SASL here": (("SASLTLS", SCRAM), {"kafka_bootstrap_servers": "TLS"}, "asks for no SASL"),
    "another mechanism": (("ONLYPLAIN", SCRAM), {}, "does not offer SCRAM-SHA-512"),
}


@pytest.mark.parametrize("mistake", REFUSED)
async def test_a_mistake_is_told_by_its_name_and_not_as_a_server_that_is_down(
    secure_kafka: SecureKafka, authority: Authority, mistake: str
) -> None:
    way, changes, words = REFUSED[mistake]
    given = settings_for(secure_kafka, authority, *way) | changes
    if given.get("kafka_ssl_ca_file") == "stranger":
        given["kafka_ssl_ca_file"] = authority.stranger_ca_file
    if (other := changes.get("kafka_bootstrap_servers")) is not None:
        given["kafka_bootstrap_servers"] = secure_kafka.listener(other)

    with pytest.raises(AccessDeniedError, match=words) as refusal:
        await missing_topics(given)

    assert "check" in str(refusal.value)
    assert "wr0ng" not in str(refusal.value)


@pytest.mark.parametrize("wrong", [{"issuer": "https://else.test"}, {"life_seconds": -600}])
async def test_a_token_that_the_broker_refuses_is_a_refusal(
    secure_kafka: SecureKafka, authority: Authority, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    token = authority.token(**wrong)
    file = _written(tmp_path / "token", token)
    given = kafka_settings(secure_kafka, authority, "token", file)

    with pytest.raises(AccessDeniedError, match="the token's issuer, audience and expiry") as told:
        await missing_topics(given)

    assert token not in str(told.value)


async def test_a_host_name_that_differs_is_taken_if_it_was_said_so(
    secure_kafka: SecureKafka, authority: Authority
) -> None:
    given = settings_for(secure_kafka, authority, "ELSEWHERE") | {"kafka_ssl_check_hostname": False}

    assert isinstance(await missing_topics(given), list)


async def test_a_broker_that_is_not_there_is_waited_for(
    authority: Authority, secure_kafka: SecureKafka, unused_tcp_port: int
) -> None:
    given = settings_for(secure_kafka, authority, "SASLTLS", SCRAM) | {
        "kafka_bootstrap_servers": f"127.0.0.1:{unused_tcp_port}"
    }

    await refuse_if_denied(KafkaAccess(**given))
