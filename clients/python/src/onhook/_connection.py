"""The connections of one client: which there is, and when another is made.

A gRPC channel is taken for one connection here: it shares none with other channels, and one that
failed, or is to end, gets a successor. So each attempt to connect follows our own backoff, reads
the files anew, and never lands on a connection that is dead.
"""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio

from onhook._credentials import (
    TlsCredentials,
    check_settings,
    read_tls_credentials,
    read_token,
)
from onhook._durations import seconds_of
from onhook._errors import ConfigurationError
from onhook._settings import ConnectionSettings

# One message of the gateway holds at most a page of events.
_MAX_RECEIVED_MESSAGE_BYTES = 64 << 20
# A gateway speaks every 15 s on an idle stream, so twice that in silence looks dead; it allows
# pings every 10 s.
_KEEPALIVE_TIME_MS = 30_000
_KEEPALIVE_TIMEOUT_MS = 10_000

Metadata = tuple[tuple[str, str], ...]


class Credentials:
    """What a client shows and trusts, as its files hold it; threads: one at a time.

    Files that are no good leave in use what was read before.
    """

    def __init__(self, settings: ConnectionSettings) -> None:
        self.settings = settings
        self._tls: TlsCredentials | None = None
        self._token: str | None = None

    def tls(self) -> TlsCredentials | None:
        """For a connection made now; None without TLS."""
        if self.settings.tls is None:
            return None
        try:
            self._tls = read_tls_credentials(self.settings.tls)
        except ConfigurationError:
            if self._tls is None:
                raise
        return self._tls

    def metadata(self) -> Metadata:
        """For a call made now."""
        if self.settings.token_file is None:
            return ()
        try:
            self._token = read_token(self.settings.token_file)
        except ConfigurationError:
            if self._token is None:
                raise
        return (("authorization", f"Bearer {self._token}"),)


def channel_options(settings: ConnectionSettings) -> list[tuple[str, Any]]:
    """The arguments of a channel to the gateway."""
    options: list[tuple[str, Any]] = [
        ("grpc.max_receive_message_length", _MAX_RECEIVED_MESSAGE_BYTES),
        ("grpc.keepalive_time_ms", _KEEPALIVE_TIME_MS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        # Channels to one address share a connection otherwise, a dead one too.
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.initial_reconnect_backoff_ms", int(seconds_of(settings.reconnect.initial) * 1000)),
        ("grpc.max_reconnect_backoff_ms", int(seconds_of(settings.reconnect.maximum) * 1000)),
        # Retries are ours: hidden ones would buffer what streams send.
        ("grpc.enable_retries", 0),
    ]
    if settings.tls is not None and settings.tls.server_name:
        options.append(("grpc.ssl_target_name_override", settings.tls.server_name))
    return options


def channel_credentials(tls: TlsCredentials) -> grpc.ChannelCredentials:
    """What the files held, as gRPC takes it."""
    return grpc.ssl_channel_credentials(tls.authorities, tls.key, tls.certificate)


class Lease:
    """The use of a connection by one stream or call."""

    def __init__(self, connection: Connection, metadata: Metadata) -> None:
        self._connection: Connection | None = connection
        self.channel = connection.channel
        self.metadata = metadata

    def retire(self) -> None:
        """Nobody else begins to use this connection; who uses it goes on."""
        if self._connection is not None:
            self._connection.retired = True

    async def release(self) -> None:
        """Ends the use. The last one closes a connection that was retired."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.users -= 1
            await connection.close_if_unused()


class Connection:
    """A channel, and who uses it."""

    def __init__(self, channel: grpc.aio.Channel, tls: TlsCredentials | None) -> None:
        self.channel = channel
        self.tls = tls
        self.users = 0
        self.retired = False

    async def close_if_unused(self) -> None:
        """Closes the channel once it was retired and nobody uses it."""
        if self.retired and self.users == 0:
            await self.channel.close()


class Connections:
    """Hands out the connection of one client. Belongs to one event loop."""

    def __init__(self, settings: ConnectionSettings) -> None:
        self.settings = settings
        self._credentials = Credentials(settings)
        self._current: Connection | None = None
        self._closed = False
        self._closing: set[asyncio.Task[None]] = set()

    def acquire(self) -> Lease:
        """The connection to begin a call on now. Raises ConfigurationError."""
        if self._closed:
            raise ConfigurationError("the client is closed", "CLOSED")
        check_settings(self.settings)
        metadata = self._credentials.metadata()
        tls = self._credentials.tls()
        current = self._current
        if current is None or current.retired or current.tls != tls:
            if current is not None:
                self._retire(current)
            current = self._current = Connection(self._open(tls), tls)
        current.users += 1
        return Lease(current, metadata)

    def _open(self, tls: TlsCredentials | None) -> grpc.aio.Channel:
        options = channel_options(self.settings)
        if tls is None:
            return grpc.aio.insecure_channel(self.settings.server, options)
        return grpc.aio.secure_channel(self.settings.server, channel_credentials(tls), options)

    def _retire(self, connection: Connection) -> None:
        connection.retired = True
        closing = asyncio.get_running_loop().create_task(connection.close_if_unused())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Closes the connection that there is, under whoever still uses it."""
        if self._current is not None:
            self._current.retired = True
            await self._current.channel.close()
        for closing in list(self._closing):
            await closing
