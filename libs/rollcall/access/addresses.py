"""Addresses with passwords in them: what is wrong with one, and what of it may be shown."""

from collections.abc import Collection
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

HIDDEN = "***"
_SECRET_PARAMETERS = ("password", "sslpassword", "sentinel_password")
_FILE_PARAMETERS = (
    "sslrootcert",
    "sslcert",
    "sslkey",
    "ssl_ca_certs",
    "ssl_certfile",
    "ssl_keyfile",
)


def check_address(address: str, schemes: Collection[str]) -> None:
    """Refuse an address that a driver would misread; its errors could show parts of the password.

    Raises:
        ValueError: without anything of the address but its scheme.
    """
    parts = urlsplit(address)
    if parts.scheme not in schemes:
        raise ValueError(f"an address begins with one of {', '.join(schemes)}, then ://")
    hosts = parts.netloc.rpartition("@")[2]
    if any(not _port(host).isdigit() for host in hosts.split(",") if _port(host)):
        raise ValueError(
            "the port is no number: a password with characters such as / ? # @ : must be"
            " percent-encoded"
        )
    for name, value in parse_qsl(parts.query):
        if name in _FILE_PARAMETERS and not Path(value).is_file():
            raise ValueError(f"{name}={value} is not a file that can be read")


def shown_address(address: str) -> str:
    """The address without its passwords."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return HIDDEN
    user, has_user, hosts = parts.netloc.rpartition("@")
    name, has_password, _ = user.partition(":")
    netloc = name + (f":{HIDDEN}" if has_password else "") + has_user + hosts
    query = "&".join(map(_shown_parameter, parts.query.split("&")))
    return parts._replace(netloc=netloc, query=query).geturl()


def _port(host: str) -> str:
    return host.rpartition("]")[2].partition(":")[2]


def _shown_parameter(parameter: str) -> str:
    name, _, _ = parameter.partition("=")
    return f"{name}={HIDDEN}" if name in _SECRET_PARAMETERS else parameter
