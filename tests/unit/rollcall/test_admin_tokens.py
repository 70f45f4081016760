"""Tokens are few, long, and told apart without being told."""

from hashlib import sha256

import pytest
from fastapi import HTTPException
from fastapi.security import HTTPAuthorizationCredentials
from pydantic import SecretStr, ValidationError

from rollcall.administration.tokens import authorization
from rollcall.settings import ServiceSettings

TOKENS = ("0123456789abcdef", "fedcba9876543210")


def _settings(tokens: str | None) -> ServiceSettings:
    return ServiceSettings(admin_tokens=None if tokens is None else SecretStr(tokens))


@pytest.mark.parametrize(
    ("given", "valid"),
    [
        (None, ()),
        ("", ()),
        (" , ", ()),
        (TOKENS[0], TOKENS[:1]),
        (f" {TOKENS[0]} ,{TOKENS[1]},", TOKENS),
    ],
)
def test_one_token_or_two_while_they_are_changed(given: str | None, valid: tuple[str, ...]):
    assert _settings(given).valid_admin_tokens == valid


@pytest.mark.parametrize(
    ("given", "told"), [("brief", "shorter than 16"), (",".join([*TOKENS, "x" * 16]), "at most 2")]
)
def test_too_short_or_too_many_tokens_are_refused_without_showing_them(given: str, told: str):
    with pytest.raises(ValidationError, match=told) as caught:
        _settings(given)
    assert given not in str(caught.value)


@pytest.mark.parametrize("token", TOKENS)
async def test_each_valid_token_is_known_by_its_fingerprint(token: str):
    authorize = authorization(TOKENS)
    known = await authorize(HTTPAuthorizationCredentials(scheme="Bearer", credentials=token))
    assert known == sha256(token.encode()).hexdigest()[:8]


@pytest.mark.parametrize(
    ("tokens", "given", "status"),
    [
        ((), TOKENS[0], 403),
        ((), None, 403),
        (TOKENS, None, 401),
        (TOKENS, "", 401),
        (TOKENS, TOKENS[0] + "0", 401),
    ],
)
async def test_everybody_else_is_refused(tokens: tuple[str, ...], given: str | None, status: int):
    credentials = (
        None if given is None else HTTPAuthorizationCredentials(scheme="Bearer", credentials=given)
    )
    with pytest.raises(HTTPException) as caught:
        await authorization(tokens)(credentials)
    assert caught.value.status_code == status
