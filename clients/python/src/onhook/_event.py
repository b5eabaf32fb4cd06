"""The release event as Python has it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from onhook._durations import to_datetime, to_timedelta
from onhook._enums import Authentication, ReleaseReason
from onhook.v1 import release_event_pb2


class ReleaseEvent:
    """The hang-up of one call.

    A view on the protobuf message, which is at hand as `message` with all it holds, fields of
    newer versions included. A value that the vendor did not send is None; an empty text was sent,
    and is empty. Times are in UTC. Not to be changed; equal events have equal messages.
    """

    __slots__ = ("message",)

    message: release_event_pb2.ReleaseEvent

    def __init__(self, message: release_event_pb2.ReleaseEvent) -> None:
        self.message = message

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ReleaseEvent) and self.message == other.message

    def __hash__(self) -> int:
        return hash(self.message.event_id)

    def __repr__(self) -> str:
        # Numbers and call data are personal: a log that shows an event must not show them.
        return f"<ReleaseEvent {self.message.event_id!r} release_reason={self.release_reason!r}>"

    def _text(self, field: str) -> str | None:
        return str(getattr(self.message, field)) if self.message.HasField(field) else None  # type: ignore[arg-type]

    def _time(self, field: str) -> datetime | None:
        present = self.message.HasField(field)  # type: ignore[arg-type]
        return to_datetime(getattr(self.message, field)) if present else None

    def _duration(self, field: str) -> timedelta | None:
        present = self.message.HasField(field)  # type: ignore[arg-type]
        return to_timedelta(getattr(self.message, field)) if present else None

    @property
    def event_id(self) -> str:
        """Identifies the event by its content: the key for doing things once."""
        return self.message.event_id

    @property
    def source(self) -> str:
        """Name of the configured source that the callback came in by."""
        return self.message.source

    @property
    def authentication(self) -> Authentication:
        """How the callback proved that it came from the vendor."""
        return Authentication(self.message.authentication)

    @property
    def call_serial_no(self) -> str | None:
        """Identifies the call; what createCall returned."""
        return self._text("call_serial_no")

    @property
    def service_no(self) -> str | None:
        """Identifies the agent."""
        return self._text("service_no")

    @property
    def called(self) -> str | None:
        """The customer's telephone number."""
        return self._text("called")

    @property
    def caller(self) -> str | None:
        """The telephone number bound to the agent who started the call."""
        return self._text("caller")

    @property
    def caller_present(self) -> str | None:
        """The number that the customer's telephone displayed."""
        return self._text("caller_present")

    @property
    def call_data(self) -> str | None:
        """Text that was given to createCall, unchanged: the key for correlating with a CRM."""
        return self._text("call_data")

    @property
    def create_call_time(self) -> datetime | None:
        """When the call was started."""
        return self._time("create_call_time")

    @property
    def alerting_time(self) -> datetime | None:
        """When the customer's telephone began to ring."""
        return self._time("alerting_time")

    @property
    def talking_time(self) -> datetime | None:
        """When the customer was connected."""
        return self._time("talking_time")

    @property
    def release_time(self) -> datetime | None:
        """When the call was released."""
        return self._time("release_time")

    @property
    def talk_duration(self) -> timedelta | None:
        """How long was talked, as the vendor says: do not bill on it alone."""
        return self._duration("talk_duration")

    @property
    def recordfile(self) -> str | None:
        """Path of the recording on the vendor's media server. Not a URL."""
        return self._text("recordfile")

    @property
    def location_id(self) -> str | None:
        """The media node that holds the recording."""
        return self._text("location_id")

    @property
    def release_reason(self) -> ReleaseReason | None:
        """Why the call ended, as far as the vendor documents its code; None: it gave no reason."""
        value = self.message.release_reason
        return ReleaseReason(value) if value else None

    @property
    def release_reason_code(self) -> str | None:
        """The vendor's releaseReason exactly as sent."""
        return self._text("release_reason_code")

    @property
    def agent_alerting_time(self) -> datetime | None:
        """When the agent's telephone began to ring."""
        return self._time("agent_alerting_time")

    @property
    def agent_talking_time(self) -> datetime | None:
        """When the agent was connected."""
        return self._time("agent_talking_time")

    @property
    def agent_release_time(self) -> datetime | None:
        """When the agent's leg was released."""
        return self._time("agent_release_time")

    @property
    def agent_talk_duration(self) -> timedelta | None:
        """How long the agent talked."""
        return self._duration("agent_talk_duration")

    @property
    def extra(self) -> Mapping[str, str]:
        """Fields that are not documented, and values that their field's type cannot give back."""
        return MappingProxyType(dict(self.message.extra))

    @property
    def time_zone(self) -> str:
        """IANA name of the zone in which the vendor's times were read."""
        return self.message.time_zone

    @property
    def received_at(self) -> datetime | None:
        """When the callback arrived, by the gateway's clock; microseconds."""
        return self._time("received_at")

    @property
    def traceparent(self) -> str | None:
        """The callback's W3C `traceparent` header."""
        return self._text("traceparent")

    @property
    def masked(self) -> bool:
        """Whether numbers and texts are hidden, for want of the permission see_numbers."""
        return self.message.masked
