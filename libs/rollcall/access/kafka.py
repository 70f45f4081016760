"""How to get into Kafka: the one place that turns settings into options of a Kafka client."""

import re
import ssl
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from aiokafka.abc import AbstractTokenProvider
from pydantic import Field, FilePath, SecretStr, field_validator, model_validator

from rollcall.access.environment import EnvironmentSettings
from rollcall.access.kafka_tokens import ClientCredentials, FileTokens
from rollcall.errors import ConfigurationError

_BROKER = re.compile(r"(\[[^\[\]\s]+\]|[^:\[\]\s]+)(:\d{1,5})?")

SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]


class KafkaAccess(EnvironmentSettings):
    """Where Kafka is, who we are to it, and how its brokers are recognised."""

    kafka_bootstrap_servers: str = Field(
        "127.0.0.1:9092", description="Kafka brokers, host:port separated by commas."
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How the brokers' listener is secured."
    )
    kafka_sasl_mechanism: SaslMechanism = Field(
        "SCRAM-SHA-512", description="How a SASL listener is told who we are."
    )
    kafka_sasl_username: str | None = Field(None, description="User for PLAIN and SCRAM.")
    kafka_sasl_password: SecretStr | None = Field(None, description="That user's password.")
    kafka_ssl_ca_file: FilePath | None = Field(
        None,
        description="Certificates (PEM) that brokers are checked against; none = the system's.",
    )
    kafka_ssl_cert_file: FilePath | None = Field(
        None, description="Our own certificate (PEM), for brokers that ask for one."
    )
    kafka_ssl_key_file: FilePath | None = Field(None, description="Its private key (PEM).")
    kafka_ssl_key_password: SecretStr | None = Field(None, description="Password of that key.")
    kafka_ssl_check_hostname: bool = Field(
        True, description="Refuse a broker whose certificate is for another host."
    )
    kafka_oauth_token_file: Path | None = Field(
        None,
        description="OAUTHBEARER: a file with the token, read again for each new connection.",
    )
    kafka_oauth_token_url: str | None = Field(
        None, description="OAUTHBEARER: endpoint that gives tokens for client credentials."
    )
    kafka_oauth_client_id: str | None = Field(None, description="Client id at that endpoint.")
    kafka_oauth_client_secret: SecretStr | None = Field(None, description="Its secret.")
    kafka_oauth_scope: str | None = Field(None, description="Scope to ask for.")
    kafka_oauth_ca_file: FilePath | None = Field(
        None, description="Certificates (PEM) the endpoint is checked against; none = the system's."
    )
    kafka_oauth_timeout_seconds: float = Field(
        5.0, gt=0, le=60, description="Limit for the endpoint to answer."
    )

    @property
    def kafka_uses_sasl(self) -> bool:
        """Whether brokers are told who we are by SASL."""
        return self.kafka_security_protocol.startswith("SASL_")

    @property
    def kafka_uses_tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.kafka_security_protocol.endswith("SSL")

    @field_validator("kafka_bootstrap_servers")
    @classmethod
    def _brokers_have_addresses(cls, given: str) -> str:
        if all(_BROKER.fullmatch(address.strip()) for address in given.split(",")):
            return given
        raise ValueError("must be host:port, separated by commas; an IPv6 address in brackets")

    @model_validator(mode="after")
    def _kafka_settings_agree(self) -> Self:
        names = ("sasl_username", "sasl_password", "ssl_ca_file", "ssl_cert_file")
        given = [name for name in names if getattr(self, f"kafka_{name}") is not None]
        unused = [name for name in given if not getattr(self, f"kafka_uses_{_purpose(name)}")]
        if unused:
            raise ValueError(
                f"ROLLCALL_KAFKA_{unused[0].upper()} is set, but would not be used with"
                f" ROLLCALL_KAFKA_SECURITY_PROTOCOL={self.kafka_security_protocol}"
            )
        if self.kafka_ssl_cert_file and not self.kafka_ssl_key_file:
            raise ValueError("ROLLCALL_KAFKA_SSL_CERT_FILE needs ROLLCALL_KAFKA_SSL_KEY_FILE")
        return self

    @model_validator(mode="after")
    def _sasl_is_complete(self) -> Self:
        if not self.kafka_uses_sasl:
            return self
        if self.kafka_sasl_mechanism != "OAUTHBEARER":
            if self.kafka_sasl_username is None or self.kafka_sasl_password is None:
                raise ValueError(
                    f"{self.kafka_sasl_mechanism} needs ROLLCALL_KAFKA_SASL_USERNAME and"
                    " ROLLCALL_KAFKA_SASL_PASSWORD (or .._PASSWORD_FILE)"
                )
        elif (self.kafka_oauth_token_file is None) == (self.kafka_oauth_token_url is None):
            raise ValueError(
                "OAUTHBEARER needs either ROLLCALL_KAFKA_OAUTH_TOKEN_FILE or"
                " ROLLCALL_KAFKA_OAUTH_TOKEN_URL"
            )
        elif self.kafka_oauth_token_url and not (
            self.kafka_oauth_client_id and self.kafka_oauth_client_secret
        ):
            raise ValueError(
                "ROLLCALL_KAFKA_OAUTH_TOKEN_URL needs ROLLCALL_KAFKA_OAUTH_CLIENT_ID and"
                " ROLLCALL_KAFKA_OAUTH_CLIENT_SECRET (or .._SECRET_FILE)"
            )
        return self

    @cached_property
    def kafka_tokens(self) -> AbstractTokenProvider | None:
        """Gives every client of this process the same token for as long as it is good."""
        if self.kafka_oauth_token_file is not None:
            return FileTokens(self.kafka_oauth_token_file)
        if self.kafka_oauth_token_url is None:
            return None
        assert self.kafka_oauth_client_id is not None
        assert self.kafka_oauth_client_secret is not None
        return ClientCredentials(
            self.kafka_oauth_token_url,
            self.kafka_oauth_client_id,
            self.kafka_oauth_client_secret,
            scope=self.kafka_oauth_scope,
            ca_file=self.kafka_oauth_ca_file,
            timeout_seconds=self.kafka_oauth_timeout_seconds,
        )


def kafka_options(access: KafkaAccess) -> dict[str, Any]:
    """Options that every client of aiokafka takes: where the brokers are, and how to get in.

    Certificates are read each time, so a client made later has the renewed ones.

    Raises:
        ConfigurationError: a certificate or key cannot be used.
    """
    options: dict[str, Any] = {"bootstrap_servers": access.kafka_bootstrap_servers}
    if access.kafka_security_protocol == "PLAINTEXT":
        return options
    return options | security_options(access)


def kafka_options_at(bootstrap_servers: str) -> dict[str, Any]:
    """The same for brokers that are named apart; how to get in is said by the environment."""
    return kafka_options(KafkaAccess(kafka_bootstrap_servers=bootstrap_servers))


def security_options(access: KafkaAccess) -> dict[str, Any]:
    """Those of them that say how to get in; see `kafka_options`."""
    options: dict[str, Any] = {"security_protocol": access.kafka_security_protocol}
    if access.kafka_uses_tls:
        options["ssl_context"] = _tls(access)
    if access.kafka_uses_sasl:
        options["sasl_mechanism"] = access.kafka_sasl_mechanism
        if access.kafka_sasl_mechanism == "OAUTHBEARER":
            options["sasl_oauth_token_provider"] = access.kafka_tokens
        else:
            assert access.kafka_sasl_password is not None
            options["sasl_plain_username"] = access.kafka_sasl_username
            options["sasl_plain_password"] = access.kafka_sasl_password.get_secret_value()
    return options


def _tls(access: KafkaAccess) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=access.kafka_ssl_ca_file)
        context.check_hostname = access.kafka_ssl_check_hostname
        if access.kafka_ssl_cert_file:
            password = access.kafka_ssl_key_password
            # Without a password, OpenSSL would ask for one on the terminal.
            context.load_cert_chain(
                access.kafka_ssl_cert_file,
                access.kafka_ssl_key_file,
                password=password.get_secret_value() if password else "",
            )
    except OSError as error:
        raise ConfigurationError(
            f"the certificates for Kafka cannot be used ({error.strerror or error}): check"
            " ROLLCALL_KAFKA_SSL_CA_FILE, .._CERT_FILE, .._KEY_FILE and .._KEY_PASSWORD"
        ) from error
    return context


def _purpose(name: str) -> str:
    return "sasl" if name.startswith("sasl") else "tls"
