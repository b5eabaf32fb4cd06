"""The client itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import TypeVar, cast
from weakref import WeakSet

import grpc.aio

from onhook._calls import LiveChannel
from onhook._connection import Connections
from onhook._durations import Duration
from onhook._enums import StartPosition
from onhook._lookup import Lookups, StoredEvent, list_request
from onhook._requests import connection_settings, subscribe_options, watch_request
from onhook._settings import EventFilter, Reconnect, StrPath, SubscriptionSpec, Tls
from onhook._states import StateHook
from onhook.aio._subscription import Handler, Subscription
from onhook.aio._watch import EventListing, Watch
from onhook.v1 import release_event_service_pb2 as pb

_Stub = TypeVar("_Stub")


class Client:
    """A connection to one Onhook gateway.

    Nothing is sent, and no file is read, before the first call. Errors are those of
    `onhook.OnhookError`. An address that is none is refused here, with ConfigurationError; other
    settings that cannot be used, by whatever needs the gateway.

    `server` is HOST:PORT or unix:/path. `tls` is True for the authorities of this system, or a Tls
    with files. `token_file` holds a bearer token, which is sent with every call; without TLS to
    this machine only, unless `allow_cleartext_token` is set. After `lookup_timeout` a look-up
    fails with DeadlineExceededError.
    """

    def __init__(
        self,
        server: str = "127.0.0.1:50051",
        *,
        tls: Tls | bool = False,
        token_file: StrPath | None = None,
        allow_cleartext_token: bool = False,
        lookup_timeout: Duration = 10.0,
        reconnect: Reconnect | None = None,
    ) -> None:
        self._settings = connection_settings(
            server, tls, token_file, allow_cleartext_token, lookup_timeout, reconnect
        )
        self._connections = Connections(self._settings)
        self._lookups = Lookups(self._connections)
        self._running: WeakSet[Subscription | Watch] = WeakSet()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stops what still runs, gracefully, and closes the connection. Errors of subscriptions
        are told by their own `stop`."""
        running = list(self._running)
        await asyncio.gather(*(one.stop() for one in running), return_exceptions=True)
        await self._connections.close()

    def subscribe(
        self,
        subscription: str,
        handler: Handler | None = None,
        *,
        create_if_missing: bool | SubscriptionSpec = False,
        consumer_name: str = "",
        max_outstanding_events: int = 1000,
        max_outstanding_bytes: int = 16 << 20,
        concurrency: int = 1,
        ack_deadline: Duration | None = None,
        max_extension: Duration = 3600.0,
        grace: Duration = 30.0,
        on_state: StateHook | None = None,
    ) -> Subscription:
        """Starts to receive from a durable subscription. Never waits; needs a running event loop.

        A `handler` that returns has acknowledged, unless it settled the delivery itself; one that
        raises has given it back: by Retry, Park, Skip or Release as these say, by any other
        exception for a retry after the gateway's backoff, with the exception's words as reason.
        At most `concurrency` handlers run at once; with 1, in the order of arrival. Without a
        handler, iterate over what this returns.

        `create_if_missing` creates a subscription that does not exist, with a specification if one
        is given. At most `max_outstanding_events` and `max_outstanding_bytes` are unsettled here.
        `ack_deadline` is how long an event may be silent here before it goes elsewhere (None: as
        the subscription is set); while it waits or is being handled that is extended, for
        `max_extension` at most. `grace` is what a stop gives to handlers. `on_state` is called at
        each change of state, in the event loop.
        """
        options = subscribe_options(
            subscription,
            create_if_missing,
            consumer_name,
            max_outstanding_events,
            max_outstanding_bytes,
            concurrency,
            ack_deadline,
            max_extension,
            grace,
            handler is not None,
        )
        started = Subscription(self._connections, options, handler, on_state)
        self._running.add(started)
        return started

    def watch(
        self,
        *,
        position: StartPosition | None = None,
        after_cursor: str | None = None,
        since: datetime | None = None,
        stop_at_end: bool = False,
        filter: EventFilter | None = None,
        observe_only: bool = False,
        consumer_name: str = "",
        on_state: StateHook | None = None,
    ) -> Watch:
        """Starts to read the log from either end, behind a cursor, or at a time; from what comes
        next, if none is given. Never waits; needs a running event loop.

        With `stop_at_end` it ends when everything stored by then has come. A watch counts as a
        receiver: the vendor may be told success on its account, unless `observe_only` is set.
        """
        request = watch_request(
            position, after_cursor, since, stop_at_end, filter, observe_only, consumer_name
        )
        started = Watch(self._connections, request, on_state)
        self._running.add(started)
        return started

    async def get_event(self, event_id: str) -> StoredEvent:
        """One event, with what became of it. Raises NotFoundError if it is not (any more) kept."""
        response = await self._lookups.get_event(pb.GetEventRequest(event_id=event_id))
        return StoredEvent(response.stored_event)

    def list_events(
        self,
        call_serial_no: str = "",
        *,
        source: str = "",
        received_from: datetime | None = None,
        received_before: datetime | None = None,
        page_size: int = 0,
    ) -> EventListing:
        """All events of a call, or that came within a time, oldest first: `async for`. All
        conditions must hold; a call or a time is needed. What they became is told of a call."""
        request = list_request(call_serial_no, source, received_from, received_before, page_size)
        return EventListing(request, self._lookups.list_events)

    def stub(self, stub_class: Callable[[grpc.aio.Channel], _Stub]) -> _Stub:
        """A generated stub, for instance `SubscriptionServiceStub`, on this client's connection
        and with its credentials. Its errors are gRPC's own."""
        return stub_class(cast(grpc.aio.Channel, LiveChannel(self._connections)))
