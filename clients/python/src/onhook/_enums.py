"""The enumerations of the API, which keep values that they do not know yet."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import TypeVar

_Member = TypeVar("_Member", bound="OpenEnum")


class OpenEnum(IntEnum):
    """An enumeration that a newer gateway may extend.

    A number without a name is a member all the same: `ReleaseReason(99)` equals 99, is called
    `UNKNOWN_99`, and says `is_known == False`. Printed, a member is its name, or such a number.
    """

    @classmethod
    def _missing_(cls: type[_Member], value: object) -> _Member | None:
        if not isinstance(value, int):
            return None
        # Not remembered: the gateway's numbers must not make this grow.
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return member

    # In every version of Python, whose own ways differ.
    def __str__(self) -> str:
        return self._name_ if self.is_known else str(self._value_)

    def __format__(self, specification: str) -> str:
        if specification[-1:] in tuple("bcdoxXeEfFgGn%"):
            return int.__format__(self, specification)
        return format(str(self), specification)

    @property
    def is_known(self) -> bool:
        """Whether this version of the library has a name for it."""
        return self._name_ in type(self).__members__


class Authentication(OpenEnum):
    """How a callback proved that it came from the vendor."""

    UNSPECIFIED = 0
    NONE = 1
    PATH = 2
    BEARER = 3
    BASIC = 4
    SIGNATURE = 5
    UNVERIFIED = 6


class ReleaseReason(OpenEnum):
    """Why a call ended. "Caller" is the agent's leg of the call, "called" the customer's."""

    UNSPECIFIED = 0
    CALLED_HUNG_UP = 1
    CALLER_HUNG_UP = 2
    CALL_TO_CALLER_FAILED = 3
    CALL_TO_CALLED_FAILED = 4
    CALLER_NO_ANSWER = 5
    CALLED_NO_ANSWER = 6
    OTHER = 7


class RedeliveryReason(OpenEnum):
    """Why an event comes again; UNSPECIFIED on its first attempt."""

    UNSPECIFIED = 0
    STREAM_LOST = 1
    DEADLINE_EXPIRED = 2
    NACKED = 3
    RELEASED = 4
    SEEK = 5
    REDRIVEN = 6


class StartPosition(OpenEnum):
    """Either end of the log."""

    UNSPECIFIED = 0
    EARLIEST = 1
    LATEST = 2


class TimelineState(OpenEnum):
    """Where an event stands in a subscription."""

    UNSPECIFIED = 0
    PENDING = 1
    DELIVERED = 2
    ACKED = 3
    SKIPPED = 4
    PARKED = 5
    FILTERED = 6
    DROPPED_BY_LIMIT = 7
    DISCARDED = 8


class TimelineKind(OpenEnum):
    """One kind of thing that happens to an event in a subscription."""

    UNSPECIFIED = 0
    DELIVERED = 1
    ACKED = 2
    NACKED = 3
    DEADLINE_EXPIRED = 4
    STREAM_LOST = 5
    PARKED = 6
    REDRIVEN = 7
    SKIPPED = 8
    DISCARDED = 9


class GoAwayReason(OpenEnum):
    """Why the gateway ends a stream."""

    UNSPECIFIED = 0
    SHUTDOWN = 1
    MAX_AGE = 2
    SUBSCRIPTION_DELETED = 3
    PERMISSION_REVOKED = 4


class AckResult(OpenEnum):
    """Why a settlement was not done as asked."""

    UNSPECIFIED = 0
    STALE = 1
    UNKNOWN = 2
    RETRY_LATER = 3


class Action(OpenEnum):
    """What becomes of a delivery. The numbers but for ACK's are those of `NackRequest.Action`."""

    ACK = 0
    RETRY = 1
    PARK = 2
    SKIP = 3
    RELEASE = 4


class State(Enum):
    """How a subscription or a watch is connected."""

    CONNECTING = "connecting"
    STREAMING = "streaming"
    BACKING_OFF = "backing_off"
    STOPPED = "stopped"

    def __str__(self) -> str:
        return self.name
