"""One attempt to hand over one event, without the ways to settle it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from onhook._durations import Duration, seconds_of, to_timedelta
from onhook._enums import Action, RedeliveryReason
from onhook._errors import AlreadySettledError
from onhook._event import ReleaseEvent
from onhook._settlement import Pending, checked_delay, short_reason
from onhook.v1 import release_event_service_pb2

if TYPE_CHECKING:
    from onhook._stream import SubscribeStream

_SHORTEST_DEADLINE = 1.0
_LONGEST_DEADLINE = 600.0


class Settler(Protocol):
    """Takes what is said of a delivery; any thread's, or the event loop's."""

    def settle(self, delivery: DeliveryView, pending: Pending) -> None:
        """It is settled like this."""

    def extend(self, delivery: DeliveryView, pending: Pending) -> None:
        """More time is asked for."""


class DeliveryView:
    """What a delivery tells about itself."""

    __slots__ = (
        "_begun",
        "_deadline",
        "_due",
        "_event",
        "_id",
        "_last",
        "_message",
        "_settled",
        "_settler",
        "_stream",
        "event_id",
    )

    event_id: str
    """Identifies the event by its content: the key for doing things once."""

    def __init__(
        self,
        message: release_event_service_pb2.Delivery,
        event_id: str,
        settler: Settler,
        stream: SubscribeStream | None,
    ) -> None:
        self.event_id = event_id
        self._message = message
        self._id = message.delivery_id
        self._settler = settler
        self._stream = stream
        self._settled = False
        self._begun = False
        self._event: ReleaseEvent | None = None
        # When the lease is to be extended, by how much, and until when at most.
        self._due = 0.0
        self._deadline = 0.0
        self._last = 0.0

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.event_id!r} attempt={self.attempt}>"

    @property
    def message(self) -> release_event_service_pb2.Delivery:
        """The protobuf message."""
        return self._message

    @property
    def delivery_id(self) -> str:
        """Names this attempt."""
        return self._message.delivery_id

    @property
    def event(self) -> ReleaseEvent:
        """The event."""
        if self._event is None:
            self._event = ReleaseEvent(self._message.event)
        return self._event

    @property
    def cursor(self) -> str:
        """The event's place in the log, as a watch takes it."""
        return self._message.cursor

    @property
    def attempt(self) -> int:
        """Number of this attempt, from 1."""
        return self._message.attempt

    @property
    def redelivery_reason(self) -> RedeliveryReason:
        """Why the event comes again; UNSPECIFIED: it is its first attempt."""
        return RedeliveryReason(self._message.redelivery_reason)

    @property
    def ack_deadline(self) -> timedelta | None:
        """Time to settle it, counted from its sending; None: without limit."""
        present = self._message.HasField("ack_deadline")
        return to_timedelta(self._message.ack_deadline) if present else None

    @property
    def trace_context(self) -> dict[str, str]:
        """The callback's W3C trace context: a carrier for a propagator of OpenTelemetry."""
        event = self._message.event
        return {"traceparent": event.traceparent} if event.HasField("traceparent") else {}

    @property
    def is_settled(self) -> bool:
        """Whether it was said what becomes of it."""
        return self._settled

    def _settle(self, pending: Pending) -> None:
        if self._settled:
            raise AlreadySettledError(f"the delivery of {self.event_id} was settled before")
        self._settled = True
        self._settler.settle(self, pending)

    def _check_unsettled(self) -> None:
        if self._settled:
            raise AlreadySettledError(f"the delivery of {self.event_id} was settled before")


def retry_arguments(delay: Duration | None, reason: str) -> tuple[Action, str, Duration | None]:
    """The arguments of a Pending that asks for a retry."""
    return Action.RETRY, short_reason(reason), checked_delay(delay)


def extension_arguments(deadline: Duration) -> tuple[None, str, Duration]:
    """The arguments of a Pending that asks for more time."""
    if not _SHORTEST_DEADLINE <= seconds_of(deadline) <= _LONGEST_DEADLINE:
        raise ValueError("a deadline is at least 1 second and at most 10 minutes")
    return None, "", deadline
