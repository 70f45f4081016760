"""Every way into the secured Kafka, as settings."""

from pathlib import Path
from typing import Any

from tests.security.authority import Authority
from tests.security.secure_kafka import LISTENERS, PASSWORD, USER, SecureKafka

# A listener, the SASL mechanism if any, and whose certificate is shown if one is.
WAYS_IN = {
    "tls": ("TLS", "", ""),
    "mutual tls": ("MUTUAL", "", "client"),
    "plain": ("SASLTLS", "PLAIN", ""),
    "plain, unencrypted": ("SASLCLEAR", "PLAIN", ""),
    "scram 256": ("SASLTLS", "SCRAM-SHA-256", ""),
    "scram 512": ("SASLTLS", "SCRAM-SHA-512", ""),
    "scram 512, unencrypted": ("SASLCLEAR", "SCRAM-SHA-512", ""),
    "token": ("SASLTLS", "OAUTHBEARER", ""),
}


def kafka_settings(
    kafka: SecureKafka, authority: Authority, way: str, token_file: Path
) -> dict[str, Any]:
    """The settings of a way in."""
    return settings_for(kafka, authority, *WAYS_IN[way], token_file)


def settings_for(
    kafka: SecureKafka,
    authority: Authority,
    listener: str,
    mechanism: str = "",
    cert: str = "",
    token_file: Path | None = None,
) -> dict[str, Any]:
    """Settings for a listener, a mechanism and a certificate of ours."""
    protocol = LISTENERS[listener]
    found: dict[str, Any] = {
        "kafka_bootstrap_servers": kafka.listener(listener),
        "kafka_security_protocol": protocol,
    }
    if protocol.endswith("SSL"):
        found["kafka_ssl_ca_file"] = authority.ca_file
    if cert:
        found["kafka_ssl_cert_file"] = authority.identity(cert).certificate
        found["kafka_ssl_key_file"] = authority.identity(cert).key
    if mechanism:
        found["kafka_sasl_mechanism"] = mechanism
    if mechanism == "OAUTHBEARER":
        found["kafka_oauth_token_file"] = token_file
    elif mechanism:
        found |= {"kafka_sasl_username": USER, "kafka_sasl_password": PASSWORD}
    return found
