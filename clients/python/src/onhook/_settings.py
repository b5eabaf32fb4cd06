"""How a client connects, and what a subscription is to be set to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from google.protobuf.duration_pb2 import Duration as DurationMessage

from onhook._durations import Duration, to_duration_message
from onhook._enums import StartPosition
from onhook.v1 import subscription_pb2

StrPath: TypeAlias = str | Path


@dataclass(frozen=True)
class Tls:
    """TLS, and who this client is by certificate. All files are PEM, and are read again for each
    connection; half of a new pair leaves in use what was read before."""

    ca_file: StrPath | None = None
    """Who may have signed the gateway's certificate; None: the authorities of this system."""
    certificate_file: StrPath | None = None
    """This client's certificate, then those that signed it but for the root."""
    key_file: StrPath | None = None
    """Its key, without a passphrase."""
    server_name: str | None = None
    """The name that the gateway's certificate must be for, where that is not the address's."""


@dataclass(frozen=True)
class Reconnect:
    """How long to wait before a stream that was lost is opened again.

    `initial`, then twice as long each time up to `maximum`, each wait shortened at random by up to
    half. A stream that was up for longer than `maximum`, or brought something, starts anew.
    """

    initial: Duration = 0.1
    maximum: Duration = 30.0
    rotation_patience: Duration = 120.0
    """For how long UNAUTHENTICATED is tried again by a client that was let in before and shows a
    certificate or a token: its files may change later than the gateway's."""


@dataclass(frozen=True)
class EventFilter:
    """Which events are wanted: of each list that is not empty one member must match."""

    sources: Sequence[str] = ()
    service_nos: Sequence[str] = ()
    release_reason_codes: Sequence[str] = ()

    def to_message(self) -> subscription_pb2.EventFilter:
        """The filter as the gateway takes it."""
        return subscription_pb2.EventFilter(
            sources=self.sources,
            service_nos=self.service_nos,
            release_reason_codes=self.release_reason_codes,
        )


@dataclass(frozen=True)
class BacklogLimit:
    """What a subscription may owe before its oldest events are given up; None does not bound."""

    age: Duration | None = None
    bytes: int | None = None

    def to_message(self) -> subscription_pb2.BacklogLimit:
        """The limit as the gateway takes it."""
        return subscription_pb2.BacklogLimit(age=_message_of(self.age), bytes=self.bytes)


@dataclass(frozen=True)
class Unlimited:
    """Says that delivery attempts are not limited."""


@dataclass(frozen=True)
class SubscriptionSpec:
    """What a subscription is set to when it is created. None: the gateway's default."""

    start_position: StartPosition | None = None
    filter: EventFilter | None = None
    ack_deadline: Duration | None = None
    max_delivery_attempts: int | Unlimited | None = None
    minimum_retry_time: Duration | None = None
    max_unacked_events: int | None = None
    expire_after_unused: Duration | None = None
    backlog_limit: BacklogLimit | None = None

    def to_message(self) -> subscription_pb2.SubscriptionSpec:
        """The specification as the gateway takes it."""
        message = subscription_pb2.SubscriptionSpec(
            max_unacked_events=self.max_unacked_events,
            ack_deadline=_message_of(self.ack_deadline),
            minimum_retry_time=_message_of(self.minimum_retry_time),
            expire_after_unused=_message_of(self.expire_after_unused),
        )
        if self.start_position is not None:
            message.start_position = subscription_pb2.StartPosition.ValueType(self.start_position)
        if self.filter is not None:
            message.filter.CopyFrom(self.filter.to_message())
        if isinstance(self.max_delivery_attempts, Unlimited):
            message.unlimited_delivery_attempts.SetInParent()
        elif self.max_delivery_attempts is not None:
            message.max_delivery_attempts = self.max_delivery_attempts
        if self.backlog_limit is not None:
            message.backlog_limit.CopyFrom(self.backlog_limit.to_message())
        return message


def _message_of(duration: Duration | None) -> DurationMessage | None:
    return None if duration is None else to_duration_message(duration)


@dataclass(frozen=True)
class ConnectionSettings:
    """All that says how the gateway is reached; a Client's own arguments."""

    server: str = "127.0.0.1:50051"
    tls: Tls | None = None
    token_file: StrPath | None = None
    allow_cleartext_token: bool = False
    lookup_timeout: Duration = 10.0
    reconnect: Reconnect = field(default_factory=Reconnect)

    @property
    def shows_credentials(self) -> bool:
        """Whether this client has something to show, which may be changed while it runs."""
        return self.token_file is not None or (
            self.tls is not None and self.tls.certificate_file is not None
        )
