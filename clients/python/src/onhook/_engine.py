"""Keeps a subscription going over as many streams as that takes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import grpc

from onhook._backoff import Backoff, Ends
from onhook._connection import Connections
from onhook._delivery import DeliveryView, Settler
from onhook._durations import Duration, seconds_of, to_duration_message, to_timedelta
from onhook._enums import Action, GoAwayReason, State
from onhook._errors import (
    ConfigurationError,
    NotFoundError,
    OnhookError,
    UnavailableError,
    UnconfirmedError,
)
from onhook._settings import SubscriptionSpec
from onhook._settlement import Pending
from onhook._states import StateHook, StateTeller
from onhook._stream import SubscribeStream
from onhook.v1 import release_event_service_pb2 as pb

log = logging.getLogger("onhook")

# How long a stop waits, once the handlers have returned, for the gateway's last answers.
_CONFIRMATION_TIMEOUT = 10.0
# What the gateway may take beyond the drain deadline that it named before its stream is given up.
_DRAIN_MARGIN = 1.0


@dataclass(frozen=True)
class SubscribeOptions:
    """What a subscription was asked for with."""

    subscription: str
    consumer_name: str
    create_if_missing: SubscriptionSpec | None
    max_outstanding_events: int
    max_outstanding_bytes: int
    ack_deadline: Duration | None
    max_extension: Duration
    concurrency: int
    """How many handlers there are; 0: whoever iterates settles."""
    grace: Duration

    def opening(self) -> pb.SubscribeOpen:
        """The first message of a stream."""
        opening = pb.SubscribeOpen(
            subscription=self.subscription,
            consumer_name=self.consumer_name,
            max_outstanding_events=self.max_outstanding_events,
            max_outstanding_bytes=self.max_outstanding_bytes,
        )
        if self.ack_deadline is not None:
            opening.ack_deadline.CopyFrom(to_duration_message(self.ack_deadline))
        if self.create_if_missing is not None:
            opening.create_if_missing.CopyFrom(self.create_if_missing.to_message())
        return opening


DeliveryType = TypeVar("DeliveryType", bound=DeliveryView)


class Inbox(Protocol[DeliveryType]):
    """Where deliveries wait to be begun. The engine's loop puts; others may take in any thread."""

    def put(self, deliveries: list[DeliveryType]) -> None:
        """They wait, behind those that do."""

    def take_back(self) -> list[DeliveryType]:
        """All that nobody has begun, in order; they wait no longer."""

    def close(self, error: OnhookError | None) -> None:
        """Nothing comes any more; who waits is told so, with the error if there is one."""

    def abandon(self) -> None:
        """The grace is over for whoever still holds a delivery."""


class Attempt:
    """One stream, as the engine sees it."""

    def __init__(self, stream: SubscribeStream) -> None:
        self.stream = stream
        self.ended = False
        self.error: OnhookError | None = None
        self.going_away: GoAwayReason | None = None
        self.drain: asyncio.TimerHandle | None = None


class Engine(Generic[DeliveryType]):
    """Belongs to one event loop: each method is called there."""

    def __init__(
        self,
        connections: Connections,
        options: SubscribeOptions,
        inbox: Inbox[DeliveryType],
        make: Callable[[pb.Delivery, str, Settler, SubscribeStream], DeliveryType],
        settler: Settler | None,
        on_state: StateHook | None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._connections = connections
        self._options = options
        self._inbox = inbox
        self._make = make
        self._settler: Settler = settler or self
        self._teller = StateTeller(
            on_state, f"the subscription '{options.subscription}'", connections.settings.server
        )
        self._backoff = Backoff(connections.settings.reconnect)
        self._ends = Ends(connections.settings)
        # By event_id: what waits, and what was begun and is not settled.
        self._held: dict[str, DeliveryType] = {}
        # Acknowledgements whose stream was lost before they were confirmed.
        self._orphans: list[Pending] = []
        self._attempts: list[Attempt] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._current: SubscribeStream | None = None
        self._paused = False
        self._stopping = False
        self._closing = False
        self._changed = asyncio.Event()
        self._stop_wanted = asyncio.Event()
        self._grace = seconds_of(options.grace)
        # Until when a stop waits for what was begun.
        self._held_until = math.inf
        self.finished: asyncio.Future[OnhookError | None] = self._loop.create_future()
        """Done at the end, with why: None after a stop with everything confirmed."""
        self._task = self._loop.create_task(self._run())

    # For the application.

    def settle(self, delivery: DeliveryView, pending: Pending) -> None:
        """See Settler."""
        if self._held.get(delivery.event_id) is not delivery:
            pending.resolve(UnavailableError("the delivery was given back: its grace is over"))
            return
        del self._held[delivery.event_id]
        pending.delivery_id = delivery._id
        stream = delivery._stream
        assert stream is not None
        if not stream.settle(pending):
            self._keep_if_ack([pending])
            self._place_orphans()
        stream.settled()
        if self._stopping:
            self._changed.set()

    def extend(self, delivery: DeliveryView, pending: Pending) -> None:
        """See Settler."""
        pending.delivery_id = delivery._id
        stream = delivery._stream
        if (
            stream is None
            or self._held.get(delivery.event_id) is not delivery
            or not stream.extend(delivery, pending)
        ):
            pending.resolve(UnavailableError("the stream of the delivery was lost"))

    def pause(self, paused: bool) -> None:
        """Stops or restarts new deliveries."""
        if self._stopping:
            return
        self._paused = paused
        for attempt in self._attempts:
            attempt.stream.pause(paused)

    def stop(self, grace: Duration | None) -> None:
        """Begins to stop."""
        if grace is not None:
            self._grace = seconds_of(grace)
            if self._stopping:
                # A stop may be made shorter, or longer, while it is under way.
                self._held_until = self._loop.time() + self._grace
        self._stop_wanted.set()
        self._changed.set()

    # From start to end.

    async def _until(
        self, predicate: Callable[[], bool], deadline: Callable[[], float] = lambda: math.inf
    ) -> None:
        """Waits until the predicate holds, or the deadline, which may move, is over."""
        while not predicate():
            self._changed.clear()
            left = deadline() - self._loop.time()
            if left <= 0:
                return
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._changed.wait(), None if left == math.inf else left)

    async def _run(self) -> None:
        keeper = self._loop.create_task(self._keep_open())
        keeper.add_done_callback(lambda _: self._changed.set())
        try:
            await self._until(lambda: self._stop_wanted.is_set() or keeper.done())
            error = keeper.result() if keeper.done() else None
            self._begin_stop(error)
            await self._handlers_done(error)
            self._release_held()
            deadline = self._loop.time() + _CONFIRMATION_TIMEOUT
            await self._until(lambda: self._all_confirmed() or keeper.done(), lambda: deadline)
            if keeper.done():
                error = keeper.result()
            self._closing = True
            keeper.cancel()
            await self._end_streams(deadline)
            unconfirmed = len(self._orphans)
            self._give_orphans_up()
            if error is None and unconfirmed:
                error = UnconfirmedError(unconfirmed)
        except Exception as fault:
            # A fault of this library: told, rather than waited for.
            log.exception("the subscription failed")
            error = OnhookError(f"{type(fault).__name__}: {fault}", code=grpc.StatusCode.INTERNAL)
            self._inbox.close(error)
        except asyncio.CancelledError:
            # The event loop ends: nobody is to wait for what does not come.
            self._inbox.close(None)
            self.finished.cancel()
            raise
        self._teller.tell(State.STOPPED, error)
        self.finished.set_result(error)

    async def _handlers_done(self, error: OnhookError | None) -> None:
        def in_vain() -> bool:
            # Nothing can be settled any more, and no handler is to be waited for.
            return error is not None and not self._attempts and not self._options.concurrency

        await self._until(lambda: not self._held or in_vain(), lambda: self._held_until)

    async def _keep_open(self) -> OnhookError:
        # Before Python 3.12, wait_for may lose a cancellation.
        while not self._closing:
            self._teller.tell(State.CONNECTING)
            try:
                attempt = self._start_attempt()
            except ConfigurationError as error:
                return error
            await self._attempt_over(attempt)
            stream = attempt.stream
            if attempt.going_away is not None:
                if attempt.going_away is GoAwayReason.SUBSCRIPTION_DELETED:
                    return NotFoundError("the subscription was deleted", domain="onhook.client")
                cause: OnhookError = UnavailableError("the gateway goes away")
                wait = self._backoff.after_go_away(stream.lived(), stream.was_healthy)
                # No more than two at a time.
                for other in self._attempts:
                    if other is not attempt:
                        other.stream.give_up(cause)
            else:
                cause = attempt.error or UnavailableError("the gateway ended the stream")
                if self._ends.is_final(cause, self._loop.time()):
                    return cause
                wait = self._backoff.after_loss(stream.lived(), stream.was_healthy)
            if wait > 0:
                self._teller.tell(State.BACKING_OFF, cause)
                await asyncio.sleep(wait)
        raise asyncio.CancelledError

    async def _attempt_over(self, attempt: Attempt) -> None:
        await self._until(lambda: attempt.ended or attempt.going_away is not None)

    def _begin_stop(self, error: OnhookError | None) -> None:
        self.pause(True)
        self._stopping = True
        self._held_until = self._loop.time() + self._grace
        waiting = self._inbox.take_back()
        self._inbox.close(error)
        for delivery in waiting:
            del self._held[delivery.event_id]
            self._release(delivery)

    def _release(self, delivery: DeliveryView) -> None:
        pending = Pending(Action.RELEASE, "the consumer stops")
        pending.delivery_id = delivery._id
        stream = delivery._stream
        if stream is not None:
            # False: the end of the stream gives it back as well.
            stream.settle(pending)
            stream.settled()

    def _release_held(self) -> None:
        held, self._held = self._held, {}
        for delivery in held.values():
            self._release(delivery)
        self._inbox.abandon()

    def _all_confirmed(self) -> bool:
        return not self._orphans and not any(a.stream.awaits_answers for a in self._attempts)

    async def _end_streams(self, deadline: float) -> None:
        for attempt in self._attempts:
            if attempt.stream.is_open:
                attempt.stream.close_when_idle()
            else:
                attempt.stream.give_up(UnavailableError("the consumer stops"))
        await self._until(lambda: not self._attempts, lambda: deadline)
        for attempt in self._attempts:
            attempt.stream.give_up(UnavailableError("the consumer stops"))
        while self._tasks:
            await asyncio.wait(self._tasks)

    # Streams.

    def _start_attempt(self) -> Attempt:
        lease = self._connections.acquire()
        stream = SubscribeStream(
            lease, self._options.opening(), seconds_of(self._options.max_extension), self
        )
        if self._paused:
            stream.pause(True)
        attempt = Attempt(stream)
        self._attempts.append(attempt)
        task = self._loop.create_task(self._run_attempt(attempt))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return attempt

    async def _run_attempt(self, attempt: Attempt) -> None:
        stream = attempt.stream
        try:
            attempt.error = await stream.run()
        except Exception as fault:
            log.exception("a stream failed")
            attempt.error = OnhookError(str(fault), code=grpc.StatusCode.INTERNAL)
        finally:
            if attempt.drain is not None:
                attempt.drain.cancel()
            self._attempts.remove(attempt)
            if self._current is stream:
                self._current = None
            self._drop_waiting(stream)
            self._keep_if_ack(stream.take_unconfirmed())
            self._place_orphans()
            attempt.ended = True
            self._changed.set()

    def _drop_waiting(self, stream: SubscribeStream) -> None:
        # What waits comes again on another stream.
        waiting = self._inbox.take_back()
        for delivery in waiting:
            if delivery._stream is stream:
                del self._held[delivery.event_id]
        self._inbox.put([delivery for delivery in waiting if delivery._stream is not stream])

    def _keep_if_ack(self, unconfirmed: Iterable[Pending]) -> None:
        for pending in unconfirmed:
            if pending.action is Action.ACK:
                self._orphans.append(pending)
            else:
                # The end of the stream has given it back.
                pending.resolve(UnavailableError("the stream was lost before the answer came"))

    def _place_orphans(self) -> None:
        if self._current is None or not self._orphans:
            return
        orphans, self._orphans = self._orphans, []
        for orphan in orphans:
            if not self._current.settle(orphan):
                self._orphans.append(orphan)

    def _give_orphans_up(self) -> None:
        for orphan in self._orphans:
            orphan.resolve(UnavailableError("the gateway did not confirm before the end"))
        self._orphans.clear()

    # What the streams tell: see Listener.

    def on_opened(self, stream: SubscribeStream, _opened: pb.SubscribeOpened) -> None:
        """See Listener."""
        self._current = stream
        self._ends.let_in()
        for attempt in self._attempts:
            if attempt.going_away is not None:
                attempt.stream.close_when_idle()
        self._place_orphans()
        self._teller.tell(State.STREAMING)

    def on_deliveries(self, stream: SubscribeStream, deliveries: pb.Deliveries) -> None:
        """See Listener."""
        held, make, settler = self._held, self._make, self._settler
        fresh: list[DeliveryType] = []
        taken: list[DeliveryView] = []
        for message in deliveries.deliveries:
            event_id = message.event.event_id
            delivery = held.get(event_id)
            if delivery is not None:
                self._replace(delivery, message, stream)
                taken.append(delivery)
                continue
            delivery = make(message, event_id, settler, stream)
            taken.append(delivery)
            fresh.append(delivery)
            if not self._stopping:
                held[event_id] = delivery
        if not taken:
            return
        first = deliveries.deliveries[0]
        left = (
            to_timedelta(first.ack_deadline).total_seconds()
            if first.HasField("ack_deadline")
            else None
        )
        stream.on_held(taken, left)
        if self._stopping:
            for delivery in fresh:
                self._release(delivery)
        else:
            self._inbox.put(fresh)

    def _replace(
        self, delivery: DeliveryView, message: pb.Delivery, stream: SubscribeStream
    ) -> None:
        # It is here already, waiting or begun: not handled twice, and settled by the newest.
        before = delivery._stream
        if before is not None:
            before.settled()
        delivery._stream = stream
        delivery._id = message.delivery_id
        if not delivery._begun:
            delivery._message = message
            delivery._event = None

    def on_go_away(self, stream: SubscribeStream, go_away: pb.GoAway) -> None:
        """See Listener."""
        reason = GoAwayReason(go_away.reason)
        # Of age alone, the gateway goes on delivering until the replacement is open; of anything
        # else, nothing more comes.
        if reason is not GoAwayReason.MAX_AGE:
            stream.close_when_idle()
        stream.retire_connection()
        for attempt in self._attempts:
            if attempt.stream is stream and attempt.going_away is None:
                attempt.going_away = reason
                if go_away.HasField("drain_deadline"):
                    drain = to_timedelta(go_away.drain_deadline).total_seconds()
                    # A little before the gateway loses patience, so that its OK still comes.
                    early = max(0, min(drain / 10, _DRAIN_MARGIN))
                    attempt.drain = self._loop.call_later(
                        drain - early, self._drain_over, attempt, early + _DRAIN_MARGIN
                    )
        self._changed.set()

    def _drain_over(self, attempt: Attempt, patience: float) -> None:
        attempt.stream.close_now()
        attempt.drain = self._loop.call_later(
            patience, attempt.stream.give_up, UnavailableError("the drain deadline is over")
        )

    def on_answered(self) -> None:
        """See Listener."""
        if self._stopping:
            self._changed.set()

    def held_on(self, stream: SubscribeStream) -> list[DeliveryView]:
        """See Listener."""
        return [delivery for delivery in self._held.values() if delivery._stream is stream]
