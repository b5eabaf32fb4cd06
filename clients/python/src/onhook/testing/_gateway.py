"""A gateway that does what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent import futures
from datetime import timedelta
from types import TracebackType
from typing import Any

import grpc

from onhook._durations import Duration, seconds_of, to_duration_message
from onhook._enums import AckResult, GoAwayReason, RedeliveryReason
from onhook._event import ReleaseEvent
from onhook.testing._deliveries import Settlement, make_event
from onhook.testing._service import Service, refusal_details
from onhook.testing._state import GatewayState
from onhook.v1 import release_event_service_pb2 as pb
from onhook.v1 import release_event_service_pb2_grpc as pb_grpc

_THREADS = 64
_TIMEOUT = 10.0


class FakeGateway:
    """A gateway on loopback, in this process, that keeps everything in memory.

    Each subscription exists as soon as it is opened, from the first event on, unless it is among
    `missing_subscriptions`. Several streams share one. What is given back comes again at once,
    whatever delay was asked for, and deadlines never pass by themselves: time is the test's.
    With `credentials` it speaks TLS; with a `token`, it asks for that.
    Threads: any. Methods that wait are `wait_until` and `settlement`; in asyncio tests, use their
    twins that end in `_async`.
    """

    def __init__(
        self,
        *,
        heartbeat_interval: Duration = 15.0,
        ack_deadline: Duration | None = 30.0,
        token: str | None = None,
        credentials: grpc.ServerCredentials | None = None,
    ) -> None:
        self._state = GatewayState(seconds_of(heartbeat_interval), ack_deadline, token)
        self._server = grpc.server(futures.ThreadPoolExecutor(_THREADS))
        service: Any = Service(self._state)
        pb_grpc.add_ReleaseEventServiceServicer_to_server(service, self._server)
        anywhere = "127.0.0.1:0"
        if credentials is None:
            self._port = self._server.add_insecure_port(anywhere)
        else:
            self._port = self._server.add_secure_port(anywhere, credentials)
        self._server.start()

    def close(self) -> None:
        """Ends all streams, and the gateway."""
        self.end_streams(grpc.StatusCode.UNAVAILABLE, "the gateway stops")
        self._server.stop(grace=None).wait()

    def __enter__(self) -> FakeGateway:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def address(self) -> str:
        """Where it listens: a client's `server`."""
        return f"127.0.0.1:{self._port}"

    # Events.

    def publish(self, event: ReleaseEvent | None = None, **fields: Any) -> ReleaseEvent:
        """Stores an event, or `make_event(**fields)`, and owes it to every subscription."""
        chosen = event if event is not None else make_event(**fields)
        with self._state.lock:
            self._state.store(chosen.message)
        return chosen

    def redeliver(
        self,
        event: ReleaseEvent,
        reason: RedeliveryReason = RedeliveryReason.DEADLINE_EXPIRED,
    ) -> None:
        """Owes an event again, though somebody has it, or has settled it."""
        with self._state.lock:
            self._state.owe_again(event.message, reason)

    def trim(self, count: int) -> None:
        """The oldest `count` events are no longer kept for watches and look-ups."""
        with self._state.lock:
            self._state.trim(count)

    # What clients did.

    @property
    def settlements(self) -> list[Settlement]:
        """What was said of deliveries, in order."""
        with self._state.lock:
            return list(self._state.settlements)

    @property
    def extensions(self) -> list[tuple[str, timedelta]]:
        """Event ids whose deadlines were extended, and by what."""
        with self._state.lock:
            return list(self._state.extensions)

    @property
    def openings(self) -> list[pb.SubscribeOpen]:
        """How subscriptions were opened, in order."""
        with self._state.lock:
            return list(self._state.openings)

    @property
    def connections(self) -> list[str]:
        """Whence each stream was opened, in order: different connections have different ports."""
        with self._state.lock:
            return list(self._state.peers)

    @property
    def open_streams(self) -> int:
        """How many streams of subscriptions are open."""
        with self._state.lock:
            return len(self._state.streams)

    @property
    def ended_well(self) -> int:
        """How many streams of subscriptions were half-closed by their client, and ended with OK."""
        with self._state.lock:
            return self._state.ended_well

    def settlement(self, event: ReleaseEvent, timeout: Duration = _TIMEOUT) -> Settlement:
        """Waits until something was said of an event, and returns the first that was."""
        self.wait_until(lambda: self._settlement(event) is not None, timeout)
        found = self._settlement(event)
        assert found is not None
        return found

    async def settlement_async(
        self, event: ReleaseEvent, timeout: Duration = _TIMEOUT
    ) -> Settlement:
        """`settlement`, for event loops."""
        return await asyncio.to_thread(self.settlement, event, timeout)

    def wait_until(self, predicate: Callable[[], bool], timeout: Duration = _TIMEOUT) -> None:
        """Waits until the predicate holds, which is asked whenever something happened here."""
        with self._state.changed:
            if not self._state.changed.wait_for(predicate, seconds_of(timeout)):
                raise TimeoutError("what the test waits for did not happen")

    async def wait_until_async(
        self, predicate: Callable[[], bool], timeout: Duration = _TIMEOUT
    ) -> None:
        """`wait_until`, for event loops; the predicate is called in another thread."""
        await asyncio.to_thread(self.wait_until, predicate, timeout)

    def _settlement(self, event: ReleaseEvent) -> Settlement | None:
        return next((one for one in self.settlements if one.event_id == event.event_id), None)

    # What it is to do to clients.

    @property
    def token(self) -> str | None:
        """The token to be shown; None: none is asked for."""
        return self._state.token

    @token.setter
    def token(self, token: str | None) -> None:
        self._state.token = token

    @property
    def missing_subscriptions(self) -> set[str]:
        """Subscriptions that do not exist, unless they are to be created."""
        return self._state.missing

    def refuse(
        self,
        code: grpc.StatusCode,
        message: str = "refused",
        *,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        times: int = 1,
    ) -> None:
        """Ends the next so many calls at once, of every method, with an error."""
        with self._state.lock:
            self._state.refusals += [
                (code, message, refusal_details(code, message, reason, metadata or {}))
            ] * times

    def end_streams(
        self, code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE, message: str = "ended"
    ) -> None:
        """Ends all streams. What they held comes again."""
        with self._state.lock:
            for ending in self._state.all_streams():
                ending.end(code, message)

    def go_away(
        self, reason: GoAwayReason = GoAwayReason.MAX_AGE, drain_deadline: Duration = 5.0
    ) -> None:
        """Tells all streams that they will end. Those of subscriptions end with OK once they are
        half-closed; watches end at once."""
        message = pb.GoAway(reason=pb.GoAway.Reason.ValueType(reason))
        message.drain_deadline.CopyFrom(to_duration_message(drain_deadline))
        with self._state.lock:
            for stream in self._state.all_streams():
                stream.go_away(message)

    def fall_silent(self) -> None:
        """The streams that are open hear nothing any more, as on a connection that is dead."""
        with self._state.lock:
            for stream in self._state.all_streams():
                stream.is_silent = True
            self._state.deliver()

    def withhold_answers(self, withheld: bool = True) -> None:
        """Does what is asked, and does not say so."""
        with self._state.lock:
            self._state.withholds_answers = withheld

    def answer_next(self, result: AckResult, times: int = 1) -> None:
        """Does not do as asked for the next so many deliveries that something is said of."""
        with self._state.lock:
            self._state.results += [result] * times
