"""Times and durations between Python's types and protobuf's."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TypeAlias

from google.protobuf.duration_pb2 import Duration as DurationMessage
from google.protobuf.timestamp_pb2 import Timestamp as TimestampMessage

Duration: TypeAlias = timedelta | float
"""A length of time: a `timedelta`, or a number of seconds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


def seconds_of(duration: Duration) -> float:
    """The seconds of `duration`."""
    return duration.total_seconds() if isinstance(duration, timedelta) else float(duration)


def to_duration_message(duration: Duration) -> DurationMessage:
    """`duration` as protobuf has it, to the microsecond."""
    if not isinstance(duration, timedelta):
        duration = timedelta(seconds=duration)
    # Protobuf wants both parts to have one sign; timedelta keeps all but the days positive.
    microseconds = abs(duration // _MICROSECOND)
    sign = -1 if duration < timedelta() else 1
    return DurationMessage(
        seconds=sign * (microseconds // 1_000_000), nanos=sign * (microseconds % 1_000_000) * 1000
    )


def to_timedelta(message: DurationMessage) -> timedelta:
    """A protobuf duration as Python has it; what is finer than a microsecond is cut off."""
    return timedelta(seconds=message.seconds, microseconds=int(message.nanos / 1000))


def to_datetime(message: TimestampMessage) -> datetime:
    """A protobuf time as Python has it, in UTC; what is finer than a microsecond is cut off."""
    return _EPOCH + timedelta(seconds=message.seconds, microseconds=message.nanos // 1000)


def to_timestamp_message(time: datetime) -> TimestampMessage:
    """`time`, which must know its zone, as protobuf has it."""
    if time.tzinfo is None:
        raise ValueError("a time without a zone could mean any moment of a day: give it a tzinfo")
    seconds, rest = divmod(time - _EPOCH, timedelta(seconds=1))
    return TimestampMessage(seconds=seconds, nanos=(rest // _MICROSECOND) * 1000)
