"""Who may administrate over HTTP: holders of a token, and nobody where there is none."""

from tests.fixtures.services import StartService
from tests.service_process import ServiceProcess
from tests.services.administration import NEW, OLD, admin

BATCH = "0c9a7a52-5f0e-4f3b-8f0a-6d1f1c2b3a44"
PATHS = [
    ("GET", "/v1/dead-letters"),
    ("GET", "/v1/dead-letters/t-1@1"),
    ("POST", "/v1/dead-letters/redrive"),
    ("POST", "/v1/dead-letters/discard"),
    ("GET", "/v1/topics"),
    ("POST", "/v1/topics/x/pause"),
    ("POST", "/v1/topics/x/resume"),
    ("GET", "/v1/audit"),
    ("GET", "/v1/positions"),
    ("POST", "/v1/positions/replay"),
    ("POST", "/v1/positions/reset"),
    ("GET", "/v1/pending"),
    ("GET", f"/v1/pending/{BATCH}"),
    *(
        ("POST", f"/v1/batches/{BATCH}/{order}")
        for order in ("reconcile", "complete", "close", "reassign", "replay")
    ),
]
BODY = {"by": "ops", "reason": "x"}


async def test_without_tokens_administration_is_off_and_says_how_to_turn_it_on(
    service_process: StartService,
) -> None:
    replica = service_process()
    await replica.wait_ready()
    async with admin(replica) as client:
        for method, path in PATHS:
            answer = await client.request(method, path, json=BODY if method == "POST" else None)
            assert answer.status_code == 403, path
            assert "ROLLCALL_ADMIN_TOKENS" in answer.json()["detail"]


async def test_nobody_without_a_valid_token_gets_in_anywhere(administered: ServiceProcess) -> None:
    for token in (None, "", "wrong", OLD[:-1], f"{OLD}, {NEW}"):
        async with admin(administered, token) as client:
            for method, path in PATHS:
                answer = await client.request(method, path, json=BODY if method == "POST" else None)
                assert answer.status_code == 401, (token, path)
                assert answer.headers["www-authenticate"] == "Bearer"
                assert answer.headers["content-type"] == "application/problem+json"
    assert OLD not in administered.log
    assert NEW not in administered.log
