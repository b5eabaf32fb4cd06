"""The blocking client itself."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import TypeVar
from weakref import WeakSet

import grpc

from onhook._blocking._loop import LoopThread
from onhook._blocking._subscription import Handler, Subscription
from onhook._blocking._watch import EventListing, Watch
from onhook._calls import blocking_channel
from onhook._connection import Connections
from onhook._durations import Duration
from onhook._enums import StartPosition
from onhook._errors import OnhookError
from onhook._lookup import Lookups, StoredEvent, list_request
from onhook._requests import connection_settings, subscribe_options, watch_request
from onhook._settings import EventFilter, Reconnect, StrPath, SubscriptionSpec, Tls
from onhook._states import StateHook
from onhook.v1 import release_event_service_pb2 as pb

_Stub = TypeVar("_Stub")


class Client:
    """A connection to one Onhook gateway.

    Nothing is sent, and no file is read, before the first call. Errors are those of
    `onhook.OnhookError`. An address that is none is refused here, with ConfigurationError; other
    settings that cannot be used, by whatever needs the gateway. Threads: any, on every
    method. The streams of a client share one thread, beside those of handlers; a process that forks
    makes its clients afterwards.

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
        self._loop_thread = LoopThread()
        self._connections = Connections(self._settings)
        self._lookups = Lookups(self._connections)
        self._running: WeakSet[Subscription | Watch] = WeakSet()
        self._lock = threading.Lock()
        self._stub_channel: grpc.Channel | None = None

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stops what still runs, gracefully, and closes the connection. Errors of subscriptions
        are told by their own `stop`."""
        for one in list(self._running):
            if isinstance(one, Subscription):
                one.begin_stop()
        for one in list(self._running):
            with contextlib.suppress(OnhookError):
                one.stop()
        self._loop_thread.close(self._connections.close)
        with self._lock:
            if self._stub_channel is not None:
                self._stub_channel.close()

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
        """Starts to receive from a durable subscription. Returns at once.

        A `handler` that returns has acknowledged, unless it settled the delivery itself; one that
        raises has given it back: by Retry, Park, Skip or Release as these say, by any other
        exception for a retry after the gateway's backoff, with the exception's words as reason.
        At most `concurrency` handlers run at once, each in its thread; with 1, in the order of
        arrival. Without a handler, iterate over what this returns.

        `create_if_missing` creates a subscription that does not exist, with a specification if one
        is given. At most `max_outstanding_events` and `max_outstanding_bytes` are unsettled here.
        `ack_deadline` is how long an event may be silent here before it goes elsewhere (None: as
        the subscription is set); while it waits or is being handled that is extended, for
        `max_extension` at most. `grace` is what a stop gives to handlers. `on_state` is called at
        each change of state, in a thread that the streams need too: it must not block.
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
        started = Subscription(self._loop_thread, self._connections, options, handler, on_state)
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
        next, if none is given. Returns at once.

        With `stop_at_end` it ends when everything stored by then has come. A watch counts as a
        receiver: the vendor may be told success on its account, unless `observe_only` is set.
        """
        request = watch_request(
            position, after_cursor, since, stop_at_end, filter, observe_only, consumer_name
        )
        started = Watch(self._loop_thread, self._connections, request, on_state)
        self._running.add(started)
        return started

    def get_event(self, event_id: str) -> StoredEvent:
        """One event, with what became of it. Raises NotFoundError if it is not (any more) kept."""
        request = pb.GetEventRequest(event_id=event_id)
        response = self._loop_thread.run(self._lookups.get_event(request))
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
        """All events of a call, or that came within a time, oldest first: iterate over what this
        returns. All conditions must hold; a call or a time is needed. What they became is told of a
        call."""
        request = list_request(call_serial_no, source, received_from, received_before, page_size)
        return EventListing(request, self._fetch_page)

    def stub(self, stub_class: Callable[[grpc.Channel], _Stub]) -> _Stub:
        """A generated stub, for instance `SubscriptionServiceStub`, on a connection of its own that
        all stubs share: with the certificate that the files held when the first was made, and the
        token of each call. Its errors are gRPC's own."""
        with self._lock:
            if self._stub_channel is None:
                self._stub_channel = blocking_channel(self._settings)
            return stub_class(self._stub_channel)

    def _fetch_page(self, request: pb.ListEventsRequest) -> pb.ListEventsResponse:
        return self._loop_thread.run(self._lookups.list_events(request))
