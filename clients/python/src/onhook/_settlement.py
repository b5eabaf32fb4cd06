"""What is said of a delivery, and what a handler raises to say it."""

from __future__ import annotations

from onhook._durations import Duration, seconds_of
from onhook._enums import Action
from onhook._errors import OnhookError

_MAX_REASON_CHARACTERS = 1024
_LONGEST_DELAY = 3600.0


class Settle(Exception):
    """Raised by a handler, however deep, to settle its delivery otherwise than by a retry.

    A `reason` goes to the gateway, where it is shown and logged: no personal data; its first 1,024
    characters count.
    """

    action = Action.RETRY

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.delay: Duration | None = None


class Retry(Settle):
    """Not now: again after `delay`, or after the gateway's backoff. Counts as an attempt."""

    def __init__(self, reason: str = "", *, delay: Duration | None = None) -> None:
        super().__init__(reason)
        self.delay = checked_delay(delay)


def checked_delay(delay: Duration | None) -> Duration | None:
    """Raises ValueError if the gateway would not take the delay, which would end the stream."""
    if delay is not None and not 0 <= seconds_of(delay) <= _LONGEST_DELAY:
        raise ValueError("a delay is at least 0 and at most an hour")
    return delay


class Park(Settle):
    """Never like this: straight to the dead letters."""

    action = Action.PARK


class Skip(Settle):
    """Done with, without having been processed."""

    action = Action.SKIP


class Release(Settle):
    """Not here: to another consumer at once. Counts as no attempt."""

    action = Action.RELEASE


class Pending:
    """One thing said of one delivery, until the gateway has answered; belongs to the event loop.

    Without an `action` it is an extension, by `delay`.
    """

    __slots__ = ("_done", "action", "delay", "delivery_id", "error", "reason")

    def __init__(
        self, action: Action | None, reason: str = "", delay: Duration | None = None
    ) -> None:
        self.action = action
        self.reason = reason
        self.delay = delay
        self.delivery_id = ""
        self.error: OnhookError | None = None
        self._done = False

    def resolve(self, error: OnhookError | None = None) -> None:
        """The gateway has done as asked, or never will."""
        self.error = error
        self._done = True

    def says_the_same(self, other: Pending) -> bool:
        """Whether one request can say both."""
        return (
            self.action == other.action
            and self.reason == other.reason
            and self.delay == other.delay
        )


def settlement_of(failure: BaseException) -> tuple[Action, str, Duration | None]:
    """What a handler that raised `failure` has said of its delivery."""
    if isinstance(failure, Settle):
        return failure.action, _words(failure.reason), failure.delay
    return Action.RETRY, _words(failure) or type(failure).__name__, None


def _words(said: object) -> str:
    # Whatever an application has for a reason, its handler's answer is not lost for it.
    try:
        return short_reason("" if said is None else str(said))
    except Exception:
        return type(said).__name__


def short_reason(reason: str) -> str:
    """As much of a reason as counts, without the halves of characters that UTF-8 cannot say."""
    return reason[:_MAX_REASON_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
