"""What a client shows and trusts: point 14 of the contract."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from conftest import QUICK, States

import onhook
import onhook.aio
from onhook._connection import Credentials
from onhook._credentials import check_settings, read_tls_credentials, read_token
from onhook._settings import ConnectionSettings
from onhook.testing import FakeGateway

OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="makes certificates with openssl")


def openssl(*arguments: object) -> None:
    assert OPENSSL is not None
    subprocess.run([OPENSSL, *map(str, arguments)], check=True, capture_output=True)


def make_authority(folder: Path) -> None:
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-subj", "/CN=test authority", "-days", 1),
        *("-keyout", folder / "ca.key", "-out", folder / "ca.crt"),
    )


def make_certificate(folder: Path, name: str) -> None:
    """NAME.crt and NAME.key, for localhost and for gateway.test."""
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:gateway.test")
    openssl(
        *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", folder / "request"),
    )
    openssl(
        *("x509", "-req", "-in", folder / "request", "-days", 1, "-extfile", folder / "names"),
        *("-CA", folder / "ca.crt", "-CAkey", folder / "ca.key", "-CAcreateserial"),
        *("-out", folder / f"{name}.crt"),
    )


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    make_authority(folder)
    for name in ("server", "crm", "other"):
        make_certificate(folder, name)
    return folder


@pytest.fixture
def tls_gateway(certificates: Path) -> Iterator[FakeGateway]:
    pair = ((certificates / "server.key").read_bytes(), (certificates / "server.crt").read_bytes())
    authority = (certificates / "ca.crt").read_bytes()
    credentials = grpc.ssl_server_credentials([pair], authority, require_client_auth=True)
    with FakeGateway(credentials=credentials) as gateway:
        yield gateway


def tls_of(folder: Path, name: str = "crm") -> onhook.Tls:
    return onhook.Tls(
        ca_file=folder / "ca.crt",
        certificate_file=folder / f"{name}.crt",
        key_file=folder / f"{name}.key",
    )


@needs_openssl
async def test_a_client_with_a_certificate_is_let_in(
    tls_gateway: FakeGateway, certificates: Path
) -> None:
    event = tls_gateway.publish()
    async with onhook.aio.Client(tls_gateway.address, tls=tls_of(certificates)) as client:
        async with client.subscribe("crm", lambda _: None):
            await tls_gateway.settlement_async(event)
        assert (await client.get_event(event.event_id)).event == event


@needs_openssl
async def test_the_name_to_be_shown_may_be_another(
    tls_gateway: FakeGateway, certificates: Path
) -> None:
    tls = tls_of(certificates)
    named = onhook.Tls(tls.ca_file, tls.certificate_file, tls.key_file, "gateway.test")
    wrong = onhook.Tls(tls.ca_file, tls.certificate_file, tls.key_file, "elsewhere.test")
    event = tls_gateway.publish()
    async with onhook.aio.Client(tls_gateway.address, tls=named) as client:
        assert (await client.get_event(event.event_id)).event == event
    async with onhook.aio.Client(tls_gateway.address, tls=wrong) as client:
        with pytest.raises(onhook.UnavailableError):
            await client.get_event(event.event_id)


@needs_openssl
@pytest.mark.parametrize("trusts", [True, False])
async def test_who_shows_no_certificate_or_trusts_another_authority_goes_on_trying(
    tls_gateway: FakeGateway, certificates: Path, states: States, trusts: bool, tmp_path: Path
) -> None:
    make_authority(tmp_path)
    tls = onhook.Tls(ca_file=(certificates if trusts else tmp_path) / "ca.crt")
    reconnect = onhook.Reconnect(initial=0.01, maximum=0.05)
    async with onhook.aio.Client(tls_gateway.address, tls=tls, reconnect=reconnect) as client:
        subscription = client.subscribe("crm", on_state=states)
        while states.names.count("backing_off") < 2:
            with pytest.raises(TimeoutError):
                await tls_gateway.wait_until_async(lambda: False, 0.02)
        await subscription.stop()
    assert {change.error.code for change in states.changes if change.error is not None} == {
        grpc.StatusCode.UNAVAILABLE
    }


@needs_openssl
async def test_a_certificate_that_changed_is_shown_by_a_new_connection_while_streams_live_on(
    tls_gateway: FakeGateway, certificates: Path, tmp_path: Path
) -> None:
    for name in ("ca.crt", "crm.crt", "crm.key"):
        shutil.copy(certificates / name, tmp_path / name)
    event = tls_gateway.publish()
    async with onhook.aio.Client(tls_gateway.address, tls=tls_of(tmp_path)) as client:
        async with client.subscribe("crm") as subscription:
            first = await anext(subscription)
            # Half of a new pair leaves in use what was read before.
            shutil.copy(certificates / "other.crt", tmp_path / "crm.crt")
            async with client.subscribe("crm"):
                await tls_gateway.wait_until_async(lambda: len(tls_gateway.connections) == 2)
            assert len(set(tls_gateway.connections)) == 1
            shutil.copy(certificates / "other.key", tmp_path / "crm.key")
            async with client.subscribe("crm"):
                await tls_gateway.wait_until_async(lambda: len(tls_gateway.connections) == 3)
            assert len(set(tls_gateway.connections)) == 2
            await first.ack()
    assert tls_gateway.settlement(event).action is onhook.Action.ACK


def test_a_token_is_sent_with_each_call_as_its_file_holds_it(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first")
    with FakeGateway(token="first") as gateway:
        event = gateway.publish()
        with onhook.Client(gateway.address, token_file=token, reconnect=QUICK) as client:
            client.get_event(event.event_id)
            gateway.token = "second"
            with pytest.raises(onhook.UnauthenticatedError) as raised:
                client.get_event(event.event_id)
            assert raised.value.reason == "TOKEN_UNKNOWN"
            token.write_text("second\r\n")
            client.get_event(event.event_id)
            # What is no good leaves in use what was read before.
            token.write_text("")
            client.get_event(event.event_id)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\n", "empty"),
        (b"two words", "space"),
        (b"one\ntwo", "space"),
        ("schlüssel".encode(), "ASCII"),
        (b"x" * 4097, "larger"),
    ],
)
def test_a_file_that_holds_no_token_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    token = tmp_path / "token"
    token.write_bytes(content)
    with pytest.raises(onhook.ConfigurationError, match=words) as raised:
        read_token(token)
    assert raised.value.reason == "TOKEN_FILE"


def test_what_is_no_file_is_refused_rather_than_waited_for(tmp_path: Path) -> None:
    with pytest.raises(onhook.ConfigurationError, match="no regular file"):
        read_token(tmp_path)
    with pytest.raises(onhook.ConfigurationError, match="cannot read"):
        read_token(tmp_path / "nothing")


@needs_openssl
def test_each_fault_of_a_certificate_has_its_reason(certificates: Path, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage"
    garbage.write_text("garbage")
    certificate, key = certificates / "crm.crt", certificates / "crm.key"
    other = certificates / "other.key"
    faults = {
        onhook.Tls(ca_file=garbage): "CA_FILE",
        onhook.Tls(ca_file=tmp_path / "nothing"): "CA_FILE",
        onhook.Tls(certificate_file=certificate): "CERTIFICATE_PAIR",
        onhook.Tls(key_file=key): "CERTIFICATE_PAIR",
        onhook.Tls(certificate_file=certificate, key_file=other): "CERTIFICATE_PAIR",
        onhook.Tls(certificate_file=garbage, key_file=key): "CERTIFICATE_PAIR",
        onhook.Tls(certificate_file=tmp_path / "nothing", key_file=key): "CERTIFICATE_FILE",
        onhook.Tls(certificate_file=certificate, key_file=tmp_path / "nothing"): "KEY_FILE",
    }
    for tls, reason in faults.items():
        with pytest.raises(onhook.ConfigurationError) as raised:
            read_tls_credentials(tls)
        assert raised.value.reason == reason, tls


def test_a_system_without_a_list_of_authorities_leaves_that_to_grpc(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setattr("onhook._credentials._SYSTEM_AUTHORITIES", ())
    assert read_tls_credentials(onhook.Tls()).authorities is None


@needs_openssl
def test_the_authorities_of_the_system_may_be_named_by_the_environment(
    certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "ca.crt"))
    expected = (certificates / "ca.crt").read_bytes()
    assert read_tls_credentials(onhook.Tls()).authorities == expected


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        ("gateway.example.org:50051", "CLEARTEXT_TOKEN"),
        ("10.0.0.1:50051", "CLEARTEXT_TOKEN"),
        ("[2001:db8::1]:50051", "CLEARTEXT_TOKEN"),
        ("localhost:50051", None),
        ("LOCALHOST:50051", None),
        ("127.9.9.9:50051", None),
        ("[::1]:50051", None),
        ("unix:/run/onhook/grpc.sock", None),
    ],
)
def test_a_token_goes_without_tls_to_this_machine_only(server: str, reason: str | None) -> None:
    settings = ConnectionSettings(server=server, token_file="token")
    if reason is None:
        check_settings(settings)
    else:
        with pytest.raises(onhook.ConfigurationError) as raised:
            check_settings(settings)
        assert raised.value.reason == reason
    check_settings(ConnectionSettings(server, token_file="token", allow_cleartext_token=True))


@pytest.mark.parametrize(
    "server",
    [
        *("", "gateway", "gateway:", ":50051", "gateway:0", "gateway:65536", "::1:1", "g:x"),
        *("http://gateway:50051", "https://gateway", "http://127.0.0.1:50051/"),
    ],
)
@pytest.mark.parametrize("client", [onhook.Client, onhook.aio.Client])
def test_an_address_that_is_none_makes_no_client(
    client: type[onhook.Client | onhook.aio.Client], server: str
) -> None:
    with pytest.raises(onhook.ConfigurationError) as raised:
        client(server)
    assert raised.value.reason == "SERVER_ADDRESS"


def test_a_unix_socket_speaks_no_tls() -> None:
    with pytest.raises(onhook.ConfigurationError) as raised:
        check_settings(ConnectionSettings("unix:/run/grpc.sock", tls=onhook.Tls()))
    assert raised.value.reason == "TLS_OVER_UNIX_SOCKET"


def test_without_files_nothing_is_shown() -> None:
    credentials = Credentials(ConnectionSettings())
    assert credentials.metadata() == ()
    assert credentials.tls() is None
