"""The client library of Onhook, which hands on what a contact centre says when a call has ended.

    import onhook

    with onhook.Client("127.0.0.1:50051") as client:
        with client.subscribe("crm", create_if_missing=True) as subscription:
            for delivery in subscription:
                store(delivery.event)
                delivery.ack()

`onhook.aio` is the same for asyncio, `onhook.testing` a gateway for tests, `onhook.v1` the code
generated from the proto files. Loggers: `onhook`.
"""

from onhook._blocking._client import Client
from onhook._blocking._delivery import Confirmation, Delivery
from onhook._blocking._subscription import Handler, Subscription
from onhook._blocking._watch import EventListing, Watch
from onhook._durations import Duration
from onhook._enums import (
    AckResult,
    Action,
    Authentication,
    GoAwayReason,
    OpenEnum,
    RedeliveryReason,
    ReleaseReason,
    StartPosition,
    State,
    TimelineKind,
    TimelineState,
)
from onhook._errors import (
    AbortedError,
    AlreadyExistsError,
    AlreadySettledError,
    ConfigurationError,
    DeadlineExceededError,
    FailedPreconditionError,
    GapError,
    InvalidArgumentError,
    NotFoundError,
    OnhookError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnauthenticatedError,
    UnavailableError,
    UnconfirmedError,
    UnimplementedError,
)
from onhook._event import ReleaseEvent
from onhook._lookup import StoredEvent, Timeline, TimelineEntry, WatchedEvent
from onhook._settings import (
    BacklogLimit,
    EventFilter,
    Reconnect,
    SubscriptionSpec,
    Tls,
    Unlimited,
)
from onhook._settlement import Park, Release, Retry, Settle, Skip
from onhook._states import StateChange, StateHook

__version__ = "0.1.0"

__all__ = [
    "AbortedError",
    "AckResult",
    "Action",
    "AlreadyExistsError",
    "AlreadySettledError",
    "Authentication",
    "BacklogLimit",
    "Client",
    "ConfigurationError",
    "Confirmation",
    "DeadlineExceededError",
    "Delivery",
    "Duration",
    "EventFilter",
    "EventListing",
    "FailedPreconditionError",
    "GapError",
    "GoAwayReason",
    "Handler",
    "InvalidArgumentError",
    "NotFoundError",
    "OnhookError",
    "OpenEnum",
    "Park",
    "PermissionDeniedError",
    "Reconnect",
    "RedeliveryReason",
    "Release",
    "ReleaseEvent",
    "ReleaseReason",
    "ResourceExhaustedError",
    "Retry",
    "Settle",
    "Skip",
    "StartPosition",
    "State",
    "StateChange",
    "StateHook",
    "StoredEvent",
    "Subscription",
    "SubscriptionSpec",
    "Timeline",
    "TimelineEntry",
    "TimelineKind",
    "TimelineState",
    "Tls",
    "UnauthenticatedError",
    "UnavailableError",
    "UnconfirmedError",
    "UnimplementedError",
    "Unlimited",
    "Watch",
    "WatchedEvent",
]
