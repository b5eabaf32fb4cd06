"""Deliveries for threads."""

from __future__ import annotations

import threading

from onhook._delivery import DeliveryView, extension_arguments, retry_arguments
from onhook._durations import Duration, seconds_of
from onhook._enums import Action
from onhook._errors import OnhookError
from onhook._settlement import Pending, short_reason

_waiting = threading.Lock()


class Confirmation(Pending):
    """The gateway's answer to a settlement or an extension; a future, to be asked or not.

    Nobody has to ask: an acknowledgement is repeated until it is confirmed all the same.
    """

    __slots__ = ("_waiter",)

    def __init__(
        self, action: Action | None, reason: str = "", delay: Duration | None = None
    ) -> None:
        super().__init__(action, reason, delay)
        self._waiter: threading.Event | None = None

    def done(self) -> bool:
        """Whether it is answered, or never will be."""
        return self._done

    def result(self, timeout: Duration | None = None) -> None:
        """Returns once what was asked for is done, and durable.

        Raises AbortedError if a later attempt of the event exists or the event is settled already
        (never of an acknowledgement), NotFoundError if the gateway does not know the delivery (any
        more), UnavailableError if no answer came before the end of the stream, or, of an
        acknowledgement, of the subscription; and TimeoutError after `timeout`.
        """
        error = self.exception(timeout)
        if error is not None:
            raise error

    def exception(self, timeout: Duration | None = None) -> OnhookError | None:
        """What `result` would raise; None: it is done."""
        if not self._done:
            with _waiting:
                if self._waiter is None:
                    self._waiter = threading.Event()
            # Answered before the waiter was there: nobody sets it.
            seconds = None if timeout is None else seconds_of(timeout)
            if not self._done and not self._waiter.wait(seconds):
                raise TimeoutError("the gateway has not answered yet")
        return self.error

    def resolve(self, error: OnhookError | None = None) -> None:
        super().resolve(error)
        if self._waiter is not None:
            self._waiter.set()


class Delivery(DeliveryView):
    """One attempt to hand over one event, to be settled once, by any thread.

    Each way to settle it returns a Confirmation at once, and raises AlreadySettledError the second
    time.
    """

    __slots__ = ()

    def ack(self) -> Confirmation:
        """Done: the event does not come again."""
        confirmation = Confirmation(Action.ACK)
        self._settle(confirmation)
        return confirmation

    def nack(self, delay: Duration | None = None, reason: str = "") -> Confirmation:
        """Not now: again after `delay`, or after the gateway's backoff. Counts as an attempt."""
        confirmation = Confirmation(*retry_arguments(delay, reason))
        self._settle(confirmation)
        return confirmation

    def park(self, reason: str = "") -> Confirmation:
        """Never like this: straight to the dead letters."""
        return self._give_back(Action.PARK, reason)

    def skip(self, reason: str = "") -> Confirmation:
        """Done with, without having been processed."""
        return self._give_back(Action.SKIP, reason)

    def release(self, reason: str = "") -> Confirmation:
        """Not here: to another consumer at once. Counts as no attempt."""
        return self._give_back(Action.RELEASE, reason)

    def extend(self, deadline: Duration) -> Confirmation:
        """Asks for `deadline` from now to settle it: 1 second to 10 minutes. Within
        `max_extension` that is renewed by itself."""
        self._check_unsettled()
        confirmation = Confirmation(*extension_arguments(deadline))
        self._settler.extend(self, confirmation)
        return confirmation

    def _give_back(self, action: Action, reason: str) -> Confirmation:
        confirmation = Confirmation(action, short_reason(reason))
        self._settle(confirmation)
        return confirmation
