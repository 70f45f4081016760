"""Secrets come from variables or files, are refused when unclear, and are never shown."""

import json
import traceback
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from essay_lifecycle_service.settings import EssayLifecycleSettings
from rollcall.access.addresses import check_address, shown_address
from rollcall.access.environment import is_secret
from rollcall.access.kafka import KafkaAccess, kafka_options
from rollcall.errors import ConfigurationError
from rollcall.settings import ServiceSettings
from rollcall.settings_table import settings_table
from rollcall_cluster.auditor.target import AuditTarget
from rollcall_cluster.local.env import env_command
from rollcall_cluster.local.home import Home

SECRETS = [name for name, field in EssayLifecycleSettings.model_fields.items() if is_secret(field)]
DSN = "postgresql://service:Pa55-word@db.test:5433/essays"
SASL = {"kafka_security_protocol": "SASL_SSL", "kafka_sasl_username": "me"}


def test_the_secrets_are_known() -> None:
    assert {"postgres_dsn", "redis_url", "kafka_sasl_password", "admin_tokens"} <= set(SECRETS)


def test_a_secret_is_read_from_the_file_that_its_variable_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "dsn").write_text(f"{DSN}\n")
    monkeypatch.setenv("ROLLCALL_POSTGRES_DSN_FILE", str(tmp_path / "dsn"))

    assert ServiceSettings().postgres_dsn.get_secret_value() == DSN
    assert AuditTarget().postgres_dsn.get_secret_value() == DSN


@pytest.mark.parametrize("name", SECRETS)
def test_every_secret_may_come_from_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv(f"ROLLCALL_{name.upper()}_FILE", str(tmp_path / "missing"))

    with pytest.raises(ConfigurationError, match=r"missing cannot be read: No such file"):
        EssayLifecycleSettings()

    assert f"`ROLLCALL_{name.upper()}_FILE` names a file" in settings_table(EssayLifecycleSettings)


def test_a_secret_that_is_given_twice_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "dsn").write_text(DSN)
    monkeypatch.setenv("ROLLCALL_POSTGRES_DSN", DSN)
    monkeypatch.setenv("ROLLCALL_POSTGRES_DSN_FILE", str(tmp_path / "dsn"))

    with pytest.raises(ConfigurationError, match="both set"):
        ServiceSettings()


@pytest.mark.parametrize(
    "wrong",
    [
        "postgresql://me:s3cr/et@db.test/essays",
        "postgresql://me:s3cret:more@db.test:x/essays",
        "host=db.test password=s3cret",
        "mysql://me:s3cret@db.test/essays",
        "postgresql://me:s3cret@db.test/essays?sslmode=verify-full&sslrootcert=/no/such/file",
    ],
)
@pytest.mark.parametrize("model", [ServiceSettings, AuditTarget])
def test_an_address_that_would_be_misread_is_refused_without_showing_it(
    model: type[KafkaAccess], wrong: str
) -> None:
    with pytest.raises(ValidationError) as refusal:
        model.model_validate({"postgres_dsn": wrong})

    told = "".join(traceback.format_exception(refusal.value))
    assert "s3c" not in told


@pytest.mark.parametrize(
    "address",
    [
        DSN,
        "postgresql://a@h1:5432,h2:5433/db?target_session_attrs=read-write",
        "postgresql:///db?host=/run/postgresql",
        "postgres://me:p%2Fw@[::1]:5432/db",
    ],
)
def test_addresses_of_every_usual_form_are_taken(address: str) -> None:
    check_address(address, ("postgresql", "postgres"))


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (DSN, "postgresql://service:***@db.test:5433/essays"),
        ("redis://:Pa55@r.test:6379/0", "redis://:***@r.test:6379/0"),
        ("postgresql://a@h/db?password=Pa55&sslmode=require",) * 1
        + ("postgresql://a@h/db?password=***&sslmode=require",),
        (
            "redis+sentinel://h:1/m?sentinel_password=Pa55",
            "redis+sentinel://h:1/m?sentinel_password=***",
        ),
        ("postgresql://postgres@127.0.0.1:5432/postgres",) * 2,
        ("http://[broken:Pa55@x", "***"),
    ],
)
def test_an_address_is_shown_without_its_passwords(address: str, shown: str) -> None:
    assert shown_address(address) == shown


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (SASL, "KAFKA_SASL_USERNAME and"),
        ({"kafka_sasl_username": "me"}, "would not be used"),
        ({"kafka_security_protocol": "SASL_SSL", "kafka_sasl_mechanism": "OAUTHBEARER"}, "either"),
        (
            {
                "kafka_security_protocol": "SASL_SSL",
                "kafka_sasl_mechanism": "OAUTHBEARER",
                "kafka_oauth_token_url": "https://issuer.test/token",
            },
            "KAFKA_OAUTH_CLIENT_ID",
        ),
        ({"kafka_security_protocol": "SSL", "kafka_ssl_cert_file": __file__}, "SSL_KEY_FILE"),
        ({"kafka_security_protocol": "TLS"}, "SASL_SSL"),
    ],
)
def test_settings_for_kafka_that_cannot_work_together_are_refused(
    given: dict[str, str], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        KafkaAccess.model_validate(given)


def test_without_security_a_client_is_told_where_the_brokers_are_alone() -> None:
    assert kafka_options(KafkaAccess(kafka_bootstrap_servers="k:1")) == {"bootstrap_servers": "k:1"}


def test_a_broken_certificate_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    broken = tmp_path / "ca.pem"
    broken.write_text("no certificate")
    access = KafkaAccess(kafka_security_protocol="SSL", kafka_ssl_ca_file=broken)

    with pytest.raises(ConfigurationError, match="KAFKA_SSL_CA_FILE"):
        kafka_options(access)


def test_a_password_does_not_show_when_settings_are_printed() -> None:
    access = KafkaAccess.model_validate({**SASL, "kafka_sasl_password": SecretStr("Pa55-word")})

    assert "Pa55" not in f"{access!r} {access} {access.model_dump_json()}"


def test_rollcall_env_hides_passwords_unless_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROLLCALL_HOME", str(tmp_path))
    variables = {
        "ROLLCALL_POSTGRES_DSN": DSN,
        "ROLLCALL_ADMIN_TOKENS": "t0ken",
        "ROLLCALL_LANES": "4",
    }
    Home(tmp_path).remember_cluster(variables, {})

    env_command(servers=True, as_json=True)
    assert list(json.loads(capsys.readouterr().out)) == ["ROLLCALL_POSTGRES_DSN"]
    env_command()
    shell = capsys.readouterr().out
    env_command(as_json=True)
    document = json.loads(capsys.readouterr().out)
    env_command(as_json=True, secrets=True)
    everything = json.loads(capsys.readouterr().out)

    assert "Pa55" not in shell
    assert "t0ken" not in shell
    assert "# export ROLLCALL_POSTGRES_DSN=" in shell
    assert "\nexport ROLLCALL_LANES=4\n" in shell
    assert document["ROLLCALL_POSTGRES_DSN"] == "postgresql://service:***@db.test:5433/essays"
    assert everything == variables
    assert (tmp_path / "cluster.json").stat().st_mode & 0o077 == 0
