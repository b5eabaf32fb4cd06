"""What is stored of an event, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import grpc
import grpc.aio

from onhook._connection import Connections
from onhook._durations import seconds_of, to_datetime, to_timestamp_message
from onhook._enums import TimelineKind, TimelineState
from onhook._errors import error_from_rpc
from onhook._event import ReleaseEvent
from onhook.v1 import release_event_service_pb2 as pb
from onhook.v1 import release_event_service_pb2_grpc as pb_grpc


@dataclass(frozen=True)
class TimelineEntry:
    """One thing that happened to an event in a subscription."""

    kind: TimelineKind
    time: datetime
    consumer_name: str
    attempt: int
    reason: str


@dataclass(frozen=True)
class Timeline:
    """What became of an event in one subscription; entries are oldest first."""

    subscription: str
    state: TimelineState
    entries: tuple[TimelineEntry, ...]


class StoredEvent:
    """One event as the gateway keeps it; the protobuf message is at hand as `message`."""

    __slots__ = ("event", "message")

    def __init__(self, message: pb.StoredEvent) -> None:
        self.message = message
        self.event = ReleaseEvent(message.event)

    def __repr__(self) -> str:
        return f"<StoredEvent {self.event.event_id!r}>"

    @property
    def cursor(self) -> str:
        """Its place in the log, as a watch takes it."""
        return self.message.cursor

    @property
    def stored_at(self) -> datetime:
        """When it was durable, by the gateway's clock."""
        return to_datetime(self.message.stored_at)

    @property
    def timelines(self) -> Mapping[str, Timeline]:
        """What became of it, by subscription, as far as the gateway keeps that."""
        return MappingProxyType(
            {one.subscription: _timeline(one) for one in self.message.timelines}
        )

    @property
    def raw_body(self) -> bytes | None:
        """The callback's body as received, where the gateway keeps and shows it."""
        return self.message.raw_body if self.message.HasField("raw_body") else None


def _timeline(message: pb.SubscriptionTimeline) -> Timeline:
    entries = tuple(
        TimelineEntry(
            TimelineKind(entry.kind),
            to_datetime(entry.time),
            entry.consumer_name,
            entry.attempt,
            entry.reason,
        )
        for entry in message.entries
    )
    return Timeline(message.subscription, TimelineState(message.state), entries)


class WatchedEvent:
    """One event of a watch, and its place."""

    __slots__ = ("event", "message")

    def __init__(self, message: pb.WatchedEvent) -> None:
        self.message = message
        self.event = ReleaseEvent(message.event)

    def __repr__(self) -> str:
        return f"<WatchedEvent {self.event.event_id!r}>"

    @property
    def cursor(self) -> str:
        """Its place in the log: `after_cursor` of a later watch."""
        return self.message.cursor


def list_request(
    call_serial_no: str,
    source: str,
    received_from: datetime | None,
    received_before: datetime | None,
    page_size: int,
) -> pb.ListEventsRequest:
    """The request for the first page."""
    request = pb.ListEventsRequest(
        call_serial_no=call_serial_no, source=source, page_size=page_size
    )
    if received_from is not None:
        request.received_from.CopyFrom(to_timestamp_message(received_from))
    if received_before is not None:
        request.received_before.CopyFrom(to_timestamp_message(received_before))
    return request


# It could not be made, or may be dead.
_NEEDS_ANOTHER_CONNECTION = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


class Lookups:
    """The calls that look events up. Belongs to one event loop."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def get_event(self, request: pb.GetEventRequest) -> pb.GetEventResponse:
        """See the proto."""
        response: pb.GetEventResponse = await self._call(lambda stub: stub.GetEvent, request)
        return response

    async def list_events(self, request: pb.ListEventsRequest) -> pb.ListEventsResponse:
        """See the proto."""
        response: pb.ListEventsResponse = await self._call(lambda stub: stub.ListEvents, request)
        return response

    async def _call(self, method: Callable[[Any], Any], request: Any) -> Any:
        lease = self._connections.acquire()
        try:
            stub = pb_grpc.ReleaseEventServiceStub(lease.channel)
            timeout = seconds_of(self._connections.settings.lookup_timeout)
            return await method(stub)(request, metadata=lease.metadata, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            if error.code() in _NEEDS_ANOTHER_CONNECTION:
                lease.retire()
            raise error_from_rpc(error) from None
        finally:
            await asyncio.shield(lease.release())
