"""Reads the files that a client trusts and shows."""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path

from onhook._errors import ConfigurationError
from onhook._settings import ConnectionSettings, StrPath, Tls

_LARGEST_PEM = 1 << 20
_LARGEST_TOKEN = 4096
# Where systems keep the authorities that they trust, in one file.
_SYSTEM_AUTHORITIES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_TOKEN = re.compile(rb"[!-~]+")


@dataclass(frozen=True)
class TlsCredentials:
    """What the files of a `Tls` held; None: not asked for."""

    authorities: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = None


def _read(path: StrPath, largest: int, what: str, reason: str) -> bytes:
    try:
        # A pipe would be waited for.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ConfigurationError(f"the {what} {path} is no regular file", reason)
        with open(path, "rb") as file:
            content = file.read(largest + 1)
    except OSError as error:
        raise ConfigurationError(
            f"cannot read the {what} {path}: {error.strerror}", reason
        ) from None
    if len(content) > largest:
        raise ConfigurationError(f"the {what} {path} is larger than {largest} bytes", reason)
    return content


def _system_authorities() -> str | None:
    named = os.environ.get("SSL_CERT_FILE")
    if named:
        return named
    # None: gRPC brings a list of its own.
    return next((path for path in _SYSTEM_AUTHORITIES if Path(path).exists()), None)


def _check_authorities(path: StrPath, content: bytes) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(
            cadata=content.decode("ascii")
        )
    except (ssl.SSLError, ValueError):
        raise ConfigurationError(
            f"the file of authorities {path} holds no certificate in PEM, or a broken one",
            "CA_FILE",
        ) from None


def _no_passphrase() -> str:
    raise ValueError("the key has a passphrase")


def _check_pair(certificate: StrPath, key: StrPath) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, _no_passphrase)
    except (ssl.SSLError, ValueError, OSError):
        raise ConfigurationError(
            f"{certificate} and {key} are no certificate in PEM and its key without a passphrase",
            "CERTIFICATE_PAIR",
        ) from None


def _read_pair(tls: Tls) -> tuple[bytes | None, bytes | None]:
    if tls.certificate_file is None and tls.key_file is None:
        return None, None
    if tls.certificate_file is None or tls.key_file is None:
        missing = "key" if tls.key_file is None else "certificate"
        raise ConfigurationError(
            f"a certificate and its key go together: no {missing}", "CERTIFICATE_PAIR"
        )
    certificate = _read(tls.certificate_file, _LARGEST_PEM, "certificate", "CERTIFICATE_FILE")
    key = _read(tls.key_file, _LARGEST_PEM, "key", "KEY_FILE")
    _check_pair(tls.certificate_file, tls.key_file)
    # What was checked is what was read, unless the files changed meanwhile.
    if _read(tls.certificate_file, _LARGEST_PEM, "certificate", "CERTIFICATE_FILE") != certificate:
        raise ConfigurationError("the certificate is being changed", "CERTIFICATE_PAIR")
    return certificate, key


def read_tls_credentials(tls: Tls) -> TlsCredentials:
    """What the files hold now. Raises ConfigurationError if that is of no use."""
    authorities = None
    path = tls.ca_file if tls.ca_file is not None else _system_authorities()
    if path is not None:
        authorities = _read(path, _LARGEST_PEM, "file of authorities", "CA_FILE")
        if tls.ca_file is not None:
            _check_authorities(path, authorities)
    certificate, key = _read_pair(tls)
    return TlsCredentials(authorities, certificate, key)


def read_token(path: StrPath) -> str:
    """The token that the file holds now, alone but for a line end."""
    token = (
        _read(path, _LARGEST_TOKEN, "token", "TOKEN_FILE").removesuffix(b"\n").removesuffix(b"\r")
    )
    if not token:
        raise ConfigurationError(f"the token {path} is empty", "TOKEN_FILE")
    # It becomes a header's value: nothing in it may end that.
    if not _TOKEN.fullmatch(token):
        raise ConfigurationError(
            f"the token {path} holds a space, or a character that is not ASCII", "TOKEN_FILE"
        )
    return token.decode("ascii")


def _is_local(server: str) -> bool:
    if server.startswith("unix:"):
        return True
    host = server.rpartition(":")[0].removeprefix("[").removesuffix("]")
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_address(server: str) -> None:
    """Raises ConfigurationError if this is no address of a gateway."""
    if server.startswith("unix:"):
        return
    host, _, port = server.rpartition(":")
    bare = ":" in host and not (host.startswith("[") and host.endswith("]"))
    if not host or bare or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ConfigurationError(
            f"the server's address '{server}' is neither HOST:PORT nor unix:/path", "SERVER_ADDRESS"
        )


def check_settings(settings: ConnectionSettings) -> None:
    """Raises ConfigurationError if the gateway cannot be reached like this, whatever files hold."""
    server = settings.server
    if server.startswith("unix:") and settings.tls is not None:
        raise ConfigurationError(
            "over a Unix-domain socket the gateway speaks no TLS", "TLS_OVER_UNIX_SOCKET"
        )
    check_address(server)
    in_clear = settings.tls is None and not settings.allow_cleartext_token
    if settings.token_file is not None and in_clear and not _is_local(server):
        raise ConfigurationError(
            f"the token would go to {server} in clear text, where everybody on the way can use it",
            "CLEARTEXT_TOKEN",
        )
