"""Channels for generated stubs, which show this client's credentials and outlive connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc

from onhook._connection import (
    Connections,
    Credentials,
    Lease,
    channel_credentials,
    channel_options,
)
from onhook._credentials import check_settings
from onhook._settings import ConnectionSettings


class LiveChannel:
    """What a stub takes for a grpc.aio.Channel: each call takes the connection of the moment."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._releases: set[asyncio.Task[None]] = set()

    def unary_unary(self, *arguments: Any, **named: Any) -> Callable[..., Any]:
        """As of grpc.aio.Channel."""
        return self._method("unary_unary", arguments, named)

    def unary_stream(self, *arguments: Any, **named: Any) -> Callable[..., Any]:
        """As of grpc.aio.Channel."""
        return self._method("unary_stream", arguments, named)

    def stream_unary(self, *arguments: Any, **named: Any) -> Callable[..., Any]:
        """As of grpc.aio.Channel."""
        return self._method("stream_unary", arguments, named)

    def stream_stream(self, *arguments: Any, **named: Any) -> Callable[..., Any]:
        """As of grpc.aio.Channel."""
        return self._method("stream_stream", arguments, named)

    def _method(self, kind: str, arguments: Any, named: Any) -> Callable[..., Any]:
        def call(*requests: Any, metadata: Any = None, **options: Any) -> Any:
            lease = self._connections.acquire()
            method = getattr(lease.channel, kind)(*arguments, **named)
            shown = (*(metadata or ()), *lease.metadata)
            begun = method(*requests, metadata=shown, **options)
            begun.add_done_callback(lambda _: self._release(lease))
            return begun

        return call

    def _release(self, lease: Lease) -> None:
        release = asyncio.get_running_loop().create_task(lease.release())
        self._releases.add(release)
        release.add_done_callback(self._releases.discard)


class _Shown(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Shows a token with each call."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def _details(self, details: Any) -> Any:
        shown = (*(details.metadata or ()), *self._credentials.metadata())
        return _CallDetails(details, shown)

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        return continuation(self._details(details), request)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        return continuation(self._details(details), request)

    def intercept_stream_unary(self, continuation: Any, details: Any, requests: Any) -> Any:
        return continuation(self._details(details), requests)

    def intercept_stream_stream(self, continuation: Any, details: Any, requests: Any) -> Any:
        return continuation(self._details(details), requests)


class _CallDetails(grpc.ClientCallDetails):
    def __init__(self, details: Any, metadata: Any) -> None:
        self.method = details.method
        self.timeout = details.timeout
        self.metadata = metadata
        self.credentials = details.credentials
        self.wait_for_ready = getattr(details, "wait_for_ready", None)
        self.compression = getattr(details, "compression", None)


def blocking_channel(settings: ConnectionSettings) -> grpc.Channel:
    """A channel of the blocking kind, with the certificate that the files hold now."""
    check_settings(settings)
    credentials = Credentials(settings)
    tls = credentials.tls()
    options = channel_options(settings)
    if tls is None:
        channel = grpc.insecure_channel(settings.server, options)
    else:
        channel = grpc.secure_channel(settings.server, channel_credentials(tls), options)
    return grpc.intercept_channel(channel, _Shown(credentials))
