"""One stream of a subscription: what comes on it, what is said on it, and what was answered."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import grpc
import grpc.aio

from onhook._connection import Lease
from onhook._delivery import DeliveryView
from onhook._durations import seconds_of, to_duration_message, to_timedelta
from onhook._enums import Action
from onhook._errors import (
    AbortedError,
    NotFoundError,
    OnhookError,
    UnavailableError,
    error_from_rpc,
)
from onhook._leases import Leases
from onhook._settlement import Pending
from onhook._silence import SilenceAlarm
from onhook._true_status import keep_true_status
from onhook.v1 import release_event_service_pb2 as pb
from onhook.v1 import release_event_service_pb2_grpc as pb_grpc

# The proto allows 10,000.
MAX_IDS_IN_REQUEST = 1000
# How long to leave a gateway alone that could not store a settlement.
_RETRY_LATER_PAUSE = 0.2


class Listener(Protocol):
    """Whoever keeps the streams of a subscription."""

    def on_opened(self, stream: SubscribeStream, opened: pb.SubscribeOpened) -> None:
        """The stream is attached."""

    def on_deliveries(self, stream: SubscribeStream, deliveries: pb.Deliveries) -> None:
        """Events came."""

    def on_go_away(self, stream: SubscribeStream, go_away: pb.GoAway) -> None:
        """The gateway will end the stream."""

    def on_answered(self) -> None:
        """Something that was said has its answer."""

    def held_on(self, stream: SubscribeStream) -> list[DeliveryView]:
        """What came on the stream and is not settled."""


def _refusal(result: pb.AckResults.Result.ValueType) -> OnhookError:
    if result == pb.AckResults.RESULT_STALE:
        return AbortedError("a later attempt exists, or the event is settled already")
    if result == pb.AckResults.RESULT_UNKNOWN:
        return NotFoundError("the gateway does not know this delivery")
    return OnhookError(f"the gateway answered with result {int(result)}")


class SubscribeStream:
    """Belongs to one event loop; `run` is called once."""

    def __init__(
        self, lease: Lease, opening: pb.SubscribeOpen, max_extension: float, listener: Listener
    ) -> None:
        self._lease = lease
        self._opening = opening
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._leases = Leases(max_extension)
        self._wake = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._call: Any = None
        self._given_up: OnhookError | None = None

        self.acks: list[Pending] = []
        self._others: list[Pending] = []
        self._delayed: list[Pending] = []
        self._delayed_until: float | None = None
        self._unanswered: dict[int, list[Pending]] = {}
        self._acks_under_way = 0
        self._last_request_id = 0
        self._paused = False
        self._pause_sent = False
        self._close_when_idle = False
        self._holds_on = True
        self._half_closed = False
        self._over = False

        self.unsettled = 0
        """How many deliveries of this stream the listener holds."""
        self.opened_at: float | None = None
        self.was_healthy = False

    # What the listener asks for.

    def settle(self, pending: Pending) -> bool:
        """Says something of a delivery; False: this stream cannot any more."""
        if self._over or self._half_closed:
            return False
        if pending.action is Action.ACK:
            self.acks.append(pending)
            if self._acks_under_way == 0 or len(self.acks) >= MAX_IDS_IN_REQUEST:
                self._wake.set()
        else:
            self._others.append(pending)
            self._wake.set()
        return True

    def extend(self, delivery: DeliveryView, pending: Pending) -> bool:
        """Asks for more time, once, and renews that from now on."""
        self._leases.prolong(delivery, seconds_of(pending.delay or 0), self._loop.time())
        return self.settle(pending)

    def pause(self, paused: bool) -> None:
        """Stops or restarts new deliveries."""
        self._paused = paused
        self._wake.set()

    def settled(self, count: int = 1) -> None:
        """The listener holds so many deliveries of this stream less."""
        self.unsettled -= count
        if self._close_when_idle:
            self._wake.set()

    def close_when_idle(self) -> None:
        """Half-closes once nothing is unsettled and unanswered."""
        self._close_when_idle = True
        self._wake.set()

    def close_now(self) -> None:
        """Half-closes once what was said is answered, whatever is unsettled by then."""
        self._holds_on = False
        self.close_when_idle()

    def give_up(self, why: OnhookError) -> None:
        """Ends the stream at once."""
        if self._given_up is None:
            self._given_up = why
            if self._call is not None:
                self._call.cancel()

    def retire_connection(self) -> None:
        """The next stream is to have another connection."""
        self._lease.retire()

    @property
    def is_open(self) -> bool:
        """Whether the gateway has taken it, and it goes on."""
        return self.opened_at is not None and not self._over

    @property
    def awaits_answers(self) -> bool:
        """Whether something was said that is not confirmed."""
        return bool(self.acks or self._others or self._delayed or self._unanswered)

    @property
    def _is_done(self) -> bool:
        return self._close_when_idle and (self.unsettled <= 0 or not self._holds_on)

    def lived(self) -> float:
        """For how many seconds it has been open."""
        return 0.0 if self.opened_at is None else self._loop.time() - self.opened_at

    def take_unconfirmed(self) -> list[Pending]:
        """What was said and not confirmed, after the end."""
        everything = [pending for sent in self._unanswered.values() for pending in sent]
        everything += self._delayed + self.acks + self._others
        self._unanswered.clear()
        self.acks, self._others, self._delayed = [], [], []
        return everything

    # The stream's life.

    async def run(self) -> OnhookError | None:
        """Opens the stream and serves it; returns why it ended, None: with OK."""
        stub: Any = pb_grpc.ReleaseEventServiceStub(self._lease.channel)
        silence = SilenceAlarm(self._on_silence)
        self._call = keep_true_status(stub.Subscribe(metadata=self._lease.metadata))
        writer = self._loop.create_task(self._write_loop())
        try:
            return await self._read_loop(silence)
        finally:
            self._over = True
            silence.close()
            if self._alarm is not None:
                self._alarm.cancel()
            self._call.cancel()
            writer.cancel()
            await asyncio.wait([writer])
            await self._lease.release()

    async def _read_loop(self, silence: SilenceAlarm) -> OnhookError | None:
        call = self._call
        try:
            if self._given_up is not None:
                return self._given_up
            while True:
                response = await call.read()
                if response is grpc.aio.EOF:
                    return None
                silence.heard()
                self._handle(response, silence)
        except grpc.aio.AioRpcError as error:
            if self.opened_at is None and error.code() == grpc.StatusCode.UNAVAILABLE:
                # The next attempt follows our backoff, not the one of this channel.
                self._lease.retire()
            return self._given_up or error_from_rpc(error)
        except asyncio.CancelledError:
            # The call was cancelled here, or whoever runs this was.
            if self._given_up is None:
                raise
            return self._given_up

    def _on_silence(self) -> None:
        # Not just the stream: another one on a connection that is dead would be dead too.
        self._lease.retire()
        self.give_up(UnavailableError("nothing was heard for twice the heartbeat interval"))

    def _handle(self, response: pb.SubscribeResponse, silence: SilenceAlarm) -> None:
        kind = response.WhichOneof("response")
        if kind == "deliveries":
            self.was_healthy = True
            if not self._half_closed:
                self._listener.on_deliveries(self, response.deliveries)
        elif kind == "ack_results":
            self.was_healthy = True
            self._handle_results(response.ack_results)
        elif kind == "heartbeat":
            silence.promise(to_timedelta(response.heartbeat.interval).total_seconds())
        elif kind == "opened":
            silence.promise(to_timedelta(response.opened.heartbeat_interval).total_seconds())
            self.opened_at = self._loop.time()
            self._listener.on_opened(self, response.opened)
        elif kind == "go_away":
            self._listener.on_go_away(self, response.go_away)

    def on_held(self, deliveries: list[DeliveryView], deadline: float | None) -> None:
        """The listener holds what came, whose deadline is so many seconds away."""
        self.unsettled += len(deliveries)
        if self._leases.add(deliveries, deadline, self._loop.time()):
            self._wake.set()

    # Saying.

    async def _write_loop(self) -> None:
        call = self._call
        try:
            await call.write(pb.SubscribeRequest(open=self._opening))
            while True:
                request = self._next_request()
                if request is not None:
                    await call.write(request)
                elif self._is_done and not self.awaits_answers:
                    self._half_closed = True
                    await call.done_writing()
                    return
                else:
                    self._set_alarm()
                    await self._wake.wait()
                    self._wake.clear()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            # The reader learns why; what is unanswered stays on the books.
            return

    def _set_alarm(self) -> None:
        times = [t for t in (self._delayed_until, self._leases.next_due) if t is not None]
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._loop.call_at(min(times), self._wake.set) if times else None

    def _next_request(self) -> pb.SubscribeRequest | None:
        if self._paused != self._pause_sent:
            self._pause_sent = self._paused
            return pb.SubscribeRequest(flow=pb.FlowControl(paused=self._paused))
        now = self._loop.time()
        if self._delayed_until is not None and now >= self._delayed_until:
            self._delayed_until = None
            delayed, self._delayed = self._delayed, []
            for pending in delayed:
                self.settle(pending)
        extension = self._take_extension(now)
        if extension is not None:
            return extension
        if self.acks and (self._acks_under_way == 0 or len(self.acks) >= MAX_IDS_IN_REQUEST):
            return self._take_acks()
        return self._take_others() if self._others else None

    def _next_id(self, sent: list[Pending]) -> int:
        self._last_request_id += 1
        self._unanswered[self._last_request_id] = sent
        return self._last_request_id

    def _take_extension(self, now: float) -> pb.SubscribeRequest | None:
        if not self._leases.is_due(now):
            return None
        held = self._listener.held_on(self)
        ids, deadline = self._leases.take_due(held, now, MAX_IDS_IN_REQUEST)
        if not ids:
            return None
        self._last_request_id += 1
        extend = pb.ExtendRequest(request_id=self._last_request_id, delivery_ids=ids)
        extend.ack_deadline.CopyFrom(to_duration_message(deadline))
        return pb.SubscribeRequest(extend=extend)

    def _take_acks(self) -> pb.SubscribeRequest:
        sent, self.acks = self.acks[:MAX_IDS_IN_REQUEST], self.acks[MAX_IDS_IN_REQUEST:]
        self._acks_under_way += 1
        ids = [pending.delivery_id for pending in sent]
        return pb.SubscribeRequest(
            ack=pb.AckRequest(request_id=self._next_id(sent), delivery_ids=ids)
        )

    def _take_others(self) -> pb.SubscribeRequest:
        # As many as say the same: all that is given back at a stop, above all.
        first = self._others[0]
        count = 1
        while count < min(len(self._others), MAX_IDS_IN_REQUEST) and self._others[
            count
        ].says_the_same(first):
            count += 1
        sent, self._others = self._others[:count], self._others[count:]
        request_id = self._next_id(sent)
        ids = [pending.delivery_id for pending in sent]
        if first.action is None:
            extend = pb.ExtendRequest(request_id=request_id, delivery_ids=ids)
            extend.ack_deadline.CopyFrom(to_duration_message(first.delay or 0))
            return pb.SubscribeRequest(extend=extend)
        nack = pb.NackRequest(request_id=request_id, delivery_ids=ids, reason=first.reason)
        nack.action = pb.NackRequest.Action.ValueType(first.action)
        if first.delay is not None:
            nack.delay.CopyFrom(to_duration_message(first.delay))
        return pb.SubscribeRequest(nack=nack)

    # Answers.

    def _handle_results(self, results: pb.AckResults) -> None:
        sent = self._unanswered.pop(results.request_id, None)
        if sent is None:
            self._handle_extended(results)
            return
        if sent and sent[0].action is Action.ACK:
            self._acks_under_way -= 1
        if results.exceptions:
            self._handle_exceptions(sent, results)
        else:
            for pending in sent:
                pending.resolve()
        if self.acks or self._close_when_idle:
            self._wake.set()
        self._listener.on_answered()

    def _handle_exceptions(self, sent: list[Pending], results: pb.AckResults) -> None:
        exceptions = {one.delivery_id: one.result for one in results.exceptions}
        for pending in sent:
            result = exceptions.get(pending.delivery_id)
            if result is None:
                pending.resolve()
            elif result == pb.AckResults.RESULT_RETRY_LATER:
                if not self._delayed:
                    self._delayed_until = self._loop.time() + _RETRY_LATER_PAUSE
                self._delayed.append(pending)
            else:
                pending.resolve(_refusal(result))
        self._wake.set()

    def _handle_extended(self, results: pb.AckResults) -> None:
        if not results.exceptions:
            return
        held = {delivery._id: delivery for delivery in self._listener.held_on(self)}
        for one in results.exceptions:
            delivery = held.get(one.delivery_id)
            if delivery is None:
                continue
            if one.result == pb.AckResults.RESULT_RETRY_LATER:
                self._leases.postpone(delivery, self._loop.time() + _RETRY_LATER_PAUSE)
            else:
                # It is with somebody else by now, or settled.
                self._leases.remove(delivery)
        self._wake.set()
