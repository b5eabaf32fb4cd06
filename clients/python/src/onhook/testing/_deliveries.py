"""Events and deliveries that no gateway made."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from onhook import _blocking, aio
from onhook._blocking._delivery import Delivery
from onhook._blocking._subscription import Handler, run_handler
from onhook._delivery import DeliveryView
from onhook._durations import Duration, seconds_of, to_duration_message, to_timestamp_message
from onhook._enums import Action, RedeliveryReason
from onhook._event import ReleaseEvent
from onhook._settlement import Pending
from onhook.aio._subscription import run_handler as run_aio_handler
from onhook.v1 import release_event_pb2
from onhook.v1 import release_event_service_pb2 as pb

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Settlement:
    """What was said of a delivery."""

    event_id: str
    action: Action
    reason: str = ""
    delay: timedelta | None = None
    attempt: int = 1
    subscription: str = ""
    consumer_name: str = ""


def make_event(**fields: Any) -> ReleaseEvent:
    """An event with these fields, as `ReleaseEvent` names and types them; None: unset.

    `event_id` is made up, and differs each time, unless it is given.
    """
    serial = fields.setdefault("call_serial_no", f"call-{next(_numbers)}")
    fields.setdefault("event_id", f"v1-{next(_numbers):032x}-{serial}")
    fields.setdefault("source", "default")
    message = release_event_pb2.ReleaseEvent()
    for name, value in fields.items():
        if value is None:
            continue
        if isinstance(value, datetime):
            getattr(message, name).CopyFrom(to_timestamp_message(value))
        elif isinstance(value, timedelta):
            getattr(message, name).CopyFrom(to_duration_message(value))
        elif isinstance(value, Mapping):
            getattr(message, name).update(value)
        else:
            setattr(message, name, value)
    return ReleaseEvent(message)


class _Recorder:
    """Confirms everything at once, and remembers it."""

    def __init__(self) -> None:
        self.settlement: Settlement | None = None

    def settle(self, delivery: DeliveryView, pending: Pending) -> None:
        delay = pending.delay
        self.settlement = Settlement(
            delivery.event_id,
            pending.action if pending.action is not None else Action.RETRY,
            pending.reason,
            None if delay is None else timedelta(seconds=seconds_of(delay)),
            delivery.attempt,
        )
        pending.resolve()

    def extend(self, delivery: DeliveryView, pending: Pending) -> None:
        pending.resolve()


def _message(
    event: ReleaseEvent | None,
    attempt: int,
    redelivery_reason: RedeliveryReason,
    ack_deadline: Duration | None,
    fields: Mapping[str, Any],
) -> pb.Delivery:
    chosen = event if event is not None else make_event(**fields)
    message = pb.Delivery(
        delivery_id=f"delivery-{next(_numbers)}",
        event=chosen.message,
        cursor=f"cursor-{next(_numbers)}",
        attempt=attempt,
        redelivery_reason=pb.Delivery.RedeliveryReason.ValueType(redelivery_reason),
    )
    if ack_deadline is not None:
        message.ack_deadline.CopyFrom(to_duration_message(ack_deadline))
    return message


def make_delivery(
    event: ReleaseEvent | None = None,
    *,
    attempt: int = 1,
    redelivery_reason: RedeliveryReason = RedeliveryReason.UNSPECIFIED,
    ack_deadline: Duration | None = None,
    **fields: Any,
) -> _blocking._delivery.Delivery:
    """A delivery of `event`, or of `make_event(**fields)`, for handlers of the blocking client.
    What is said of it is confirmed at once."""
    message = _message(event, attempt, redelivery_reason, ack_deadline, fields)
    return Delivery(message, message.event.event_id, _Recorder(), None)


def make_aio_delivery(
    event: ReleaseEvent | None = None,
    *,
    attempt: int = 1,
    redelivery_reason: RedeliveryReason = RedeliveryReason.UNSPECIFIED,
    ack_deadline: Duration | None = None,
    **fields: Any,
) -> aio.Delivery:
    """The same for handlers of `onhook.aio`."""
    message = _message(event, attempt, redelivery_reason, ack_deadline, fields)
    return aio.Delivery(message, message.event.event_id, _Recorder(), None)


def _recorded(delivery: DeliveryView) -> Settlement:
    recorder = delivery._settler
    if not isinstance(recorder, _Recorder):
        raise TypeError("this delivery was not made by make_delivery")
    if recorder.settlement is None:
        raise AssertionError("the delivery was not settled")
    return recorder.settlement


def outcome(handler: Handler, delivery: Delivery) -> Settlement:
    """Calls a handler as a subscription would, and returns what that says of the delivery."""
    run_handler(handler, delivery)
    return _recorded(delivery)


async def outcome_async(handler: aio.Handler, delivery: aio.Delivery) -> Settlement:
    """The same for handlers of `onhook.aio`."""
    await run_aio_handler(handler, delivery)
    return _recorded(delivery)
