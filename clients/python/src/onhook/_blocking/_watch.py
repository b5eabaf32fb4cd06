"""Reading the log, and listing what is stored, for threads."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType

from onhook._blocking._loop import LoopThread
from onhook._connection import Connections
from onhook._lookup import StoredEvent, WatchedEvent
from onhook._states import StateHook
from onhook._watch import WatchReader
from onhook.v1 import release_event_service_pb2 as pb


class Watch:
    """Reads the log in order from a place that the reader keeps; acknowledges nothing.

    An iterator, of one thread; `stop` and `cursor` are for any. Every event behind the place comes
    once, in order, over reconnections too. Where the gateway no longer keeps what would come next,
    the iteration ends with GapError, and never leaves a gap in silence.
    """

    def __init__(
        self,
        loop_thread: LoopThread,
        connections: Connections,
        request: pb.WatchRequest,
        on_state: StateHook | None,
    ) -> None:
        self._loop_thread = loop_thread
        self._reader = loop_thread.call(lambda: WatchReader(connections, request, on_state))
        self._events: deque[WatchedEvent] = deque()

    @property
    def cursor(self) -> str:
        """The place to go on from: behind the last event that was handed over. Empty before
        anything came. Keep it, and pass it as `after_cursor` in another process."""
        return self._reader.cursor

    def stop(self) -> None:
        """Ends the watch; the iteration ends."""
        self._events.clear()
        self._loop_thread.run(self._reader.stop())

    def __iter__(self) -> Watch:
        return self

    def __next__(self) -> WatchedEvent:
        event: WatchedEvent | None = None
        # `stop` may take them away meanwhile; and the wait is not part of the except.
        with contextlib.suppress(IndexError):
            event = self._events.popleft()
        if event is None:
            events = self._loop_thread.run(self._reader.next_events())
            if not events:
                raise StopIteration
            event = events[0]
            self._events.extend(events[1:])
        self._reader.cursor = event.cursor
        return event

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class EventListing:
    """All events that fit, oldest first, fetched page by page as they are iterated over."""

    def __init__(
        self,
        request: pb.ListEventsRequest,
        fetch: Callable[[pb.ListEventsRequest], pb.ListEventsResponse],
    ) -> None:
        self._request = request
        self._fetch = fetch
        self.corrupt_events = 0
        """Events that belong here and are left out, of the pages fetched so far: their stored
        bytes do not fit their checksum."""

    def __iter__(self) -> Iterator[StoredEvent]:
        self.corrupt_events = 0
        request = pb.ListEventsRequest()
        request.CopyFrom(self._request)
        while True:
            page = self._fetch(request)
            self.corrupt_events += page.corrupt_events
            for message in page.stored_events:
                yield StoredEvent(message)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token
