"""What both clients make of the arguments of their methods."""

from __future__ import annotations

from datetime import datetime

from onhook._credentials import check_address
from onhook._durations import Duration, seconds_of, to_timestamp_message
from onhook._engine import SubscribeOptions
from onhook._enums import StartPosition
from onhook._settings import (
    ConnectionSettings,
    EventFilter,
    Reconnect,
    StrPath,
    SubscriptionSpec,
    Tls,
)
from onhook.v1 import release_event_service_pb2 as pb
from onhook.v1 import subscription_pb2


def connection_settings(
    server: str,
    tls: Tls | bool,
    token_file: StrPath | None,
    allow_cleartext_token: bool,
    lookup_timeout: Duration,
    reconnect: Reconnect | None,
) -> ConnectionSettings:
    """The settings of a client. Raises ConfigurationError if the address is none."""
    check_address(server)
    chosen = (Tls() if tls else None) if isinstance(tls, bool) else tls
    return ConnectionSettings(
        server=server,
        tls=chosen,
        token_file=token_file,
        allow_cleartext_token=allow_cleartext_token,
        lookup_timeout=lookup_timeout,
        reconnect=reconnect or Reconnect(),
    )


def subscribe_options(
    subscription: str,
    create_if_missing: bool | SubscriptionSpec,
    consumer_name: str,
    max_outstanding_events: int,
    max_outstanding_bytes: int,
    concurrency: int,
    ack_deadline: Duration | None,
    max_extension: Duration,
    grace: Duration,
    has_handler: bool,
) -> SubscribeOptions:
    """The options of a subscription. Raises ValueError if one cannot be meant."""
    if concurrency < 1:
        raise ValueError("concurrency is at least 1")
    if seconds_of(max_extension) < 0 or seconds_of(grace) < 0:
        raise ValueError("max_extension and grace are at least 0")
    if isinstance(create_if_missing, bool):
        spec = SubscriptionSpec() if create_if_missing else None
    else:
        spec = create_if_missing
    return SubscribeOptions(
        subscription=subscription,
        consumer_name=consumer_name,
        create_if_missing=spec,
        max_outstanding_events=max_outstanding_events,
        max_outstanding_bytes=max_outstanding_bytes,
        ack_deadline=ack_deadline,
        max_extension=max_extension,
        concurrency=concurrency if has_handler else 0,
        grace=grace,
    )


def watch_request(
    position: StartPosition | None,
    after_cursor: str | None,
    since: datetime | None,
    stop_at_end: bool,
    filter: EventFilter | None,
    observe_only: bool,
    consumer_name: str,
) -> pb.WatchRequest:
    """The request of a watch. Raises ValueError if it is to begin at several places."""
    if sum(start is not None for start in (position, after_cursor, since)) > 1:
        raise ValueError("a watch begins at one of position, after_cursor and since")
    request = pb.WatchRequest(
        stop_at_end=stop_at_end, observe_only=observe_only, consumer_name=consumer_name
    )
    if position is not None:
        request.position = subscription_pb2.StartPosition.ValueType(position)
    elif after_cursor is not None:
        request.after_cursor = after_cursor
    elif since is not None:
        request.since_time.CopyFrom(to_timestamp_message(since))
    if filter is not None:
        request.filter.CopyFrom(filter.to_message())
    return request
