"""TLS, ACL users and client certificates at a Redis that speaks TLS alone."""

from typing import Any

import pytest

from rollcall import Database
from rollcall.coordination import Coordination, id_of
from rollcall.errors import ConfigurationError, CoordinationUnavailableError
from tests.security.authority import Authority
from tests.security.secure_redis import PREFIX, SecureRedis

pytestmark = pytest.mark.long

_ANSWER_SECONDS = 10.0  # the machine is busy


async def work(url: str, pool: Database, prefix: str = PREFIX) -> None:
    """Lock, mark and look up."""
    program = Coordination(url, pool, prefix=prefix, answer_seconds=_ANSWER_SECONDS)
    try:
        async with program.lock("job", wait_seconds=20) as hold:
            assert await hold.verify()
        marks = program.idempotency_filter("events")
        await marks.mark({id_of("a"): b"note"})
        assert await marks.look_up([id_of("a")]) == {id_of("a"): b"note"}
    finally:
        await program.close()


async def test_a_user_of_the_acl_works_through_verified_tls(
    secure_redis: SecureRedis, authority: Authority, pool: Database
) -> None:
    await work(secure_redis.url(ssl_ca_certs=authority.ca_file), pool)


async def test_a_certificate_of_ours_is_shown(
    secure_redis: SecureRedis, authority: Authority, pool: Database
) -> None:
    ours, stranger = authority.identity("client"), authority.identity("stranger")
    trusted = {"ssl_ca_certs": authority.ca_file}

    await work(
        secure_redis.url(**trusted, ssl_certfile=ours.certificate, ssl_keyfile=ours.key), pool
    )

    url = secure_redis.url(**trusted, ssl_certfile=stranger.certificate, ssl_keyfile=stranger.key)
    with pytest.raises(CoordinationUnavailableError, match="no answer from Redis"):
        await work(url, pool)


async def test_keys_of_others_are_closed_to_the_user(
    secure_redis: SecureRedis, authority: Authority, pool: Database
) -> None:
    with pytest.raises(ConfigurationError, match="permission"):
        await work(secure_redis.url(ssl_ca_certs=authority.ca_file), pool, prefix="others")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password": "wr0ng"}, "check user and password in ROLLCALL_REDIS_URL"),
        ({"ssl_ca_certs": None}, "of an unknown authority"),
    ],
    ids=["wrong password", "unknown authority"],
)
async def test_a_mistake_is_told_by_its_name(
    secure_redis: SecureRedis,
    authority: Authority,
    pool: Database,
    changes: dict[str, Any],
    words: str,
) -> None:
    given = {"ssl_ca_certs": authority.ca_file, **changes}
    url = secure_redis.url(**{name: value for name, value in given.items() if value})

    with pytest.raises(CoordinationUnavailableError, match=words) as refusal:
        await work(url, pool)

    assert "wr0ng" not in str(refusal.value)
