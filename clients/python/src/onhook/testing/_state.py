"""What a fake gateway has and owes. Everything is guarded by `GatewayState.lock`."""

from __future__ import annotations

import itertools
import queue
import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta

import grpc

from onhook._durations import Duration, to_duration_message
from onhook._enums import AckResult, Action, RedeliveryReason
from onhook.testing._deliveries import Settlement
from onhook.v1 import release_event_pb2
from onhook.v1 import release_event_service_pb2 as pb

_LARGEST_BATCH = 100


@dataclass
class Owed:
    """An event that is to be delivered to a subscription."""

    event: release_event_pb2.ReleaseEvent
    attempt: int = 1
    reason: RedeliveryReason = RedeliveryReason.UNSPECIFIED


@dataclass
class Outstanding(Owed):
    """An event that a stream has."""

    stream: Stream | None = None


@dataclass
class Subscription:
    """What one subscription owes, and who has what."""

    owed: deque[Owed] = field(default_factory=deque)
    outstanding: dict[str, Outstanding] = field(default_factory=dict)
    # By delivery_id: the events of all attempts there ever were.
    attempts: dict[str, Owed] = field(default_factory=dict)

    def take(self, delivery_id: str, action: Action) -> Owed | None:
        """The event that is settled with this id; None: it is no longer to be settled by it."""
        one: Owed | None = self.outstanding.pop(delivery_id, None)
        earlier = self.attempts.get(delivery_id)
        if one is not None or earlier is None or action is not Action.ACK:
            return one
        # An acknowledgement settles by whichever attempt.
        event_id = earlier.event.event_id
        for key, other in list(self.outstanding.items()):
            if other.event.event_id == event_id:
                return self.outstanding.pop(key)
        for owed in list(self.owed):
            if owed.event.event_id == event_id:
                self.owed.remove(owed)
                return owed
        return None


@dataclass(frozen=True)
class End:
    """A stream is to end."""

    code: grpc.StatusCode
    message: str


class Stream:
    """A stream, as the thread that serves it sees it: a queue of what to send."""

    def __init__(self, opening: pb.SubscribeOpen | None) -> None:
        self.opening = opening
        self.outgoing: queue.SimpleQueue[pb.SubscribeResponse | pb.WatchResponse | End] = (
            queue.SimpleQueue()
        )
        self.is_silent = False
        self.is_paused = False
        self.goes_away = False
        self.most = 1000
        if opening is not None and opening.HasField("max_outstanding_events"):
            self.most = opening.max_outstanding_events

    def end(self, code: grpc.StatusCode, message: str) -> None:
        """It ends, after what is on its way."""
        self.outgoing.put(End(code, message))

    def go_away(self, message: pb.GoAway) -> None:
        """It is told so."""
        self.goes_away = True
        if self.opening is not None:
            self.outgoing.put(pb.SubscribeResponse(go_away=message))
        else:
            self.outgoing.put(pb.WatchResponse(go_away=message))
            self.end(grpc.StatusCode.UNAVAILABLE, "the gateway goes away")

    def say(self, response: pb.SubscribeResponse) -> None:
        """Sends it, unless the stream is silent."""
        if not self.is_silent:
            self.outgoing.put(response)


class GatewayState:
    """All there is."""

    def __init__(
        self, heartbeat_interval: float, ack_deadline: Duration | None, token: str | None
    ) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.heartbeat_interval = heartbeat_interval
        self.ack_deadline = ack_deadline
        self.token = token
        self.log: list[release_event_pb2.ReleaseEvent] = []
        self.trimmed = 0
        self.subscriptions: dict[str, Subscription] = {}
        self.missing: set[str] = set()
        self.streams: list[Stream] = []
        self.watches: list[Stream] = []
        self.openings: list[pb.SubscribeOpen] = []
        self.peers: list[str] = []
        self.settlements: list[Settlement] = []
        self.extensions: list[tuple[str, timedelta]] = []
        self.ended_well = 0
        self.refusals: list[tuple[grpc.StatusCode, str, bytes]] = []
        self.results: list[AckResult] = []
        self.withholds_answers = False
        self._delivery_ids = itertools.count(1)

    def notice(self) -> None:
        """Something happened elsewhere."""
        with self.changed:
            self.changed.notify_all()

    def all_streams(self) -> list[Stream]:
        """Of both kinds."""
        return [*self.streams, *self.watches]

    def store(self, event: release_event_pb2.ReleaseEvent) -> None:
        """An event came."""
        self.log.append(event)
        for subscription in self.subscriptions.values():
            subscription.owed.append(Owed(event))
        self.deliver()

    def owe_again(self, event: release_event_pb2.ReleaseEvent, reason: RedeliveryReason) -> None:
        """An event is to come again, as a further attempt."""
        for subscription in self.subscriptions.values():
            attempt = 1
            for key, one in list(subscription.outstanding.items()):
                if one.event.event_id == event.event_id:
                    attempt = one.attempt
                    del subscription.outstanding[key]
            subscription.owed.append(Owed(event, attempt + 1, reason))
        self.deliver()

    def trim(self, count: int) -> None:
        """The oldest events go."""
        self.trimmed = min(self.trimmed + count, len(self.log))
        self.changed.notify_all()

    def attach(self, stream: Stream, peer: str) -> None:
        """A stream was opened."""
        assert stream.opening is not None
        name = stream.opening.subscription
        if name not in self.subscriptions:
            self.missing.discard(name)
            self.subscriptions[name] = Subscription(deque(Owed(event) for event in self.log))
        self.streams.append(stream)
        self.openings.append(stream.opening)
        self.peers.append(peer)
        opened = pb.SubscribeOpened(
            max_outstanding_events=stream.most,
            max_outstanding_bytes=stream.opening.max_outstanding_bytes or 16 << 20,
            store_id="fake",
            backlog_events=len(self.subscriptions[name].owed),
            server_version="0.0.0-fake",
        )
        opened.heartbeat_interval.CopyFrom(to_duration_message(self.heartbeat_interval))
        stream.say(pb.SubscribeResponse(opened=opened))
        self.deliver()

    def detach(self, stream: Stream) -> None:
        """A stream has ended; what it had comes again."""
        if stream not in self.streams:
            return
        self.streams.remove(stream)
        assert stream.opening is not None
        subscription = self.subscriptions.get(stream.opening.subscription)
        if subscription is not None:
            lost = [key for key, one in subscription.outstanding.items() if one.stream is stream]
            for key in reversed(lost):
                one = subscription.outstanding.pop(key)
                again = Owed(one.event, one.attempt, RedeliveryReason.STREAM_LOST)
                subscription.owed.appendleft(again)
        self.deliver()

    def deliver(self) -> None:
        """Hands out what can be, and tells whoever waits that something happened."""
        for name, subscription in self.subscriptions.items():
            while subscription.owed:
                stream = self._receiver(name, subscription)
                if stream is None:
                    break
                room = min(
                    stream.most - self._held_by(stream, subscription),
                    _LARGEST_BATCH,
                    len(subscription.owed),
                )
                batch = [subscription.owed.popleft() for _ in range(room)]
                self._send(stream, subscription, batch)
        self.changed.notify_all()

    def _held_by(self, stream: Stream, subscription: Subscription) -> int:
        return sum(one.stream is stream for one in subscription.outstanding.values())

    def _receiver(self, name: str, subscription: Subscription) -> Stream | None:
        able = [
            stream
            for stream in self.streams
            if stream.opening is not None
            and stream.opening.subscription == name
            and not (stream.is_paused or stream.goes_away or stream.is_silent)
            and self._held_by(stream, subscription) < stream.most
        ]
        return min(able, key=lambda one: self._held_by(one, subscription), default=None)

    def _send(self, stream: Stream, subscription: Subscription, batch: list[Owed]) -> None:
        deliveries = pb.Deliveries()
        for owed in batch:
            delivery_id = f"d-{next(self._delivery_ids)}"
            subscription.outstanding[delivery_id] = Outstanding(
                owed.event, owed.attempt, owed.reason, stream
            )
            subscription.attempts[delivery_id] = owed
            message = deliveries.deliveries.add(
                delivery_id=delivery_id,
                event=owed.event,
                cursor=self.cursor_of(owed.event),
                attempt=owed.attempt,
                redelivery_reason=pb.Delivery.RedeliveryReason.ValueType(owed.reason),
            )
            deadline: Duration | None = self.ack_deadline
            if stream.opening is not None and stream.opening.HasField("ack_deadline"):
                message.ack_deadline.CopyFrom(stream.opening.ack_deadline)
            elif deadline is not None:
                message.ack_deadline.CopyFrom(to_duration_message(deadline))
        stream.say(pb.SubscribeResponse(deliveries=deliveries))

    def cursor_of(self, event: release_event_pb2.ReleaseEvent) -> str:
        """Its place in the log."""
        return f"cursor-{next(n for n, one in enumerate(self.log, 1) if one is event)}"

    def settle(
        self, stream: Stream, delivery_id: str, action: Action, reason: str, delay: timedelta | None
    ) -> AckResult | None:
        """Something is said of a delivery; None: done as asked."""
        assert stream.opening is not None
        subscription = self.subscriptions[stream.opening.subscription]
        if self.results:
            return self.results.pop(0)
        one = subscription.take(delivery_id, action)
        if one is None:
            # An acknowledgement once more does no harm.
            return None if action is Action.ACK else AckResult.STALE
        self.settlements.append(
            Settlement(
                one.event.event_id,
                action,
                reason,
                delay,
                one.attempt,
                stream.opening.subscription,
                stream.opening.consumer_name,
            )
        )
        if action is Action.RETRY:
            again = Owed(one.event, one.attempt + 1, RedeliveryReason.NACKED)
            subscription.owed.append(again)
        elif action is Action.RELEASE:
            subscription.owed.append(Owed(one.event, one.attempt, RedeliveryReason.RELEASED))
        return None

    def extend(self, stream: Stream, delivery_id: str, deadline: timedelta) -> AckResult | None:
        """More time is asked for; None: granted."""
        assert stream.opening is not None
        if self.results:
            return self.results.pop(0)
        subscription = self.subscriptions[stream.opening.subscription]
        one = subscription.outstanding.get(delivery_id)
        if one is None:
            return AckResult.STALE
        self.extensions.append((one.event.event_id, deadline))
        return None
