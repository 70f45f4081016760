"""What an error of TLS says about certificates."""

import ssl

_OTHER_HOST = frozenset({62, 64})  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_EXPIRED = frozenset({9, 10})  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
# Alerts of a server that looks at the client's certificate (RFC 8446, 6.2).
_CLIENT_CERTIFICATE = (
    "CERTIFICATE_REQUIRED",
    "ALERT_BAD_CERTIFICATE",
    "ALERT_UNSUPPORTED_CERTIFICATE",
    "ALERT_CERTIFICATE_REVOKED",
    "ALERT_CERTIFICATE_EXPIRED",
    "ALERT_CERTIFICATE_UNKNOWN",
    "ALERT_UNKNOWN_CA",
)


def certificate_refusal(error: ssl.SSLCertVerificationError, settings: str) -> str:
    """Why the server's certificate is refused, and the settings that say whom to trust."""
    if error.verify_code in _OTHER_HOST:
        what = "has a certificate for another host"
    elif error.verify_code in _EXPIRED:
        what = "has a certificate that is not valid today"
    else:
        what = "has a certificate of an unknown authority"
    return f"{what} ({error.verify_message}): check {settings}"


def find_tls_error(error: BaseException | None) -> ssl.SSLError | None:
    """The error of TLS that an error of a driver goes back to, if it does."""
    for _ in range(10):
        if error is None or isinstance(error, ssl.SSLError):
            return error
        error = error.__cause__ or error.__context__
    return None


def is_client_certificate_refusal(error: BaseException) -> bool:
    """Whether the server ended the connection for the certificate that we have or lack."""
    found = find_tls_error(error)
    return found is not None and any(
        name in (found.reason or "") + str(found) for name in _CLIENT_CERTIFICATE
    )
