"""Keeps a watch going over as many streams as that takes."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio

from onhook._backoff import Backoff, Ends
from onhook._connection import Connections, Lease
from onhook._durations import to_timedelta
from onhook._enums import State
from onhook._errors import OnhookError, UnavailableError, error_from_rpc
from onhook._lookup import WatchedEvent
from onhook._silence import SilenceAlarm
from onhook._states import StateHook, StateTeller
from onhook.v1 import release_event_service_pb2 as pb
from onhook.v1 import release_event_service_pb2_grpc as pb_grpc


class WatchReader:
    """Reads when it is asked, so that who reads slowly holds little. Belongs to one event loop,
    and to one reader at a time."""

    def __init__(
        self, connections: Connections, request: pb.WatchRequest, on_state: StateHook | None
    ) -> None:
        self._connections = connections
        self._request = request
        self._teller = StateTeller(on_state, "the watch", connections.settings.server)
        self._backoff = Backoff(connections.settings.reconnect)
        self._ends = Ends(connections.settings)
        self._loop = asyncio.get_running_loop()
        self.cursor = ""
        """Behind what was handed over, for the next stream; the owner moves it on."""
        self._lease: Lease | None = None
        self._call: Any = None
        self._given_up: OnhookError | None = None
        self._opened_at: float | None = None
        self._was_healthy = False
        self._goes_away = False
        self._interval = 0.0
        self._stopping = asyncio.Event()
        self._over = False

    async def next_events(self) -> list[WatchedEvent]:
        """The next events, at least one; none: the watch is over. Raises what ended it."""
        while not self._over:
            try:
                events = await self._read()
            except OnhookError as error:
                await self._handle_loss(error)
                continue
            if events is None:
                await self._end(None)
            elif events:
                return events
        return []

    async def stop(self) -> None:
        """Ends the watch; who waits for events gets none."""
        self._stopping.set()
        if self._call is not None:
            self._give_up(UnavailableError("the watch was stopped"))
        else:
            await self._end(None)

    def _give_up(self, why: OnhookError) -> None:
        self._given_up = why
        self._call.cancel()

    async def _end(self, error: OnhookError | None) -> None:
        if not self._over:
            self._over = True
            await self._close_stream()
            self._teller.tell(State.STOPPED, error)

    async def _handle_loss(self, error: OnhookError) -> None:
        was_healthy = self._was_healthy
        lived = self._loop.time() - self._opened_at if self._opened_at is not None else 0.0
        if self._opened_at is None and self._lease is not None:
            self._lease.retire()
        await self._close_stream()
        if self._stopping.is_set():
            await self._end(None)
            return
        if self._ends.is_final(error, self._loop.time()):
            await self._end(error)
            raise error
        planned, self._goes_away = self._goes_away, False
        after = self._backoff.after_go_away if planned else self._backoff.after_loss
        wait = after(lived, was_healthy)
        if wait > 0:
            self._teller.tell(State.BACKING_OFF, error)
            try:
                await asyncio.wait_for(self._stopping.wait(), wait)
                await self._end(None)
            except asyncio.TimeoutError:
                pass

    async def _close_stream(self) -> None:
        call, lease, self._call, self._lease = self._call, self._lease, None, None
        if call is not None:
            call.cancel()
        if lease is not None:
            await lease.release()

    def _open(self) -> None:
        self._teller.tell(State.CONNECTING)
        self._given_up, self._opened_at, self._was_healthy = None, None, False
        self._lease = self._connections.acquire()
        request = pb.WatchRequest()
        request.CopyFrom(self._request)
        if self.cursor:
            request.after_cursor = self.cursor
        stub: Any = pb_grpc.ReleaseEventServiceStub(self._lease.channel)
        self._call = stub.Watch(request, metadata=self._lease.metadata)
        self._interval = 0.0

    async def _read(self) -> list[WatchedEvent] | None:
        """What one message holds; None: the end that was asked for."""
        if self._call is None:
            self._open()
        call = self._call
        silence = SilenceAlarm(self._on_silence)
        silence.promise(self._interval)
        try:
            response = await call.read()
        except grpc.aio.AioRpcError as error:
            raise self._given_up or error_from_rpc(error) from None
        except asyncio.CancelledError:
            if self._given_up is None:
                # Whoever reads was cancelled, and gRPC's call with it: another goes on from here.
                await self._close_stream()
                raise
            raise self._given_up from None
        finally:
            silence.close()
        if response is grpc.aio.EOF:
            if self._request.stop_at_end:
                return None
            raise UnavailableError("the gateway ended the stream")
        return self._take(response)

    def _on_silence(self) -> None:
        if self._lease is not None:
            self._lease.retire()
        self._give_up(UnavailableError("nothing was heard for twice the heartbeat interval"))

    def _take(self, response: pb.WatchResponse) -> list[WatchedEvent]:
        if self._opened_at is None:
            self._opened_at = self._loop.time()
            self._ends.let_in()
            self._teller.tell(State.STREAMING)
        kind = response.WhichOneof("response")
        if kind == "events":
            self._was_healthy = True
            return [WatchedEvent(event) for event in response.events.events]
        if kind == "heartbeat":
            self._interval = to_timedelta(response.heartbeat.interval).total_seconds()
            self.cursor = response.heartbeat.cursor or self.cursor
        elif kind == "go_away":
            self._goes_away = True
            if self._lease is not None:
                self._lease.retire()
        return []
