"""Deliveries whose settlements are awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Generator

from onhook._delivery import DeliveryView, extension_arguments, retry_arguments
from onhook._durations import Duration
from onhook._enums import Action
from onhook._settlement import Pending, short_reason


class Confirmation(Pending):
    """The gateway's answer to a settlement or an extension; to be awaited, or not.

    Awaiting it returns once what was asked for is done, and durable. It raises AbortedError if a
    later attempt of the event exists or the event is settled already (never of an
    acknowledgement), NotFoundError if the gateway does not know the delivery (any more), and
    UnavailableError if no answer came before the end of the stream, or, of an acknowledgement,
    before the end of the subscription. Nobody has to await: an acknowledgement is repeated until
    it is confirmed all the same.
    """

    __slots__ = ("_waiter",)

    def __init__(
        self, action: Action | None, reason: str = "", delay: Duration | None = None
    ) -> None:
        super().__init__(action, reason, delay)
        self._waiter: asyncio.Future[None] | None = None

    def done(self) -> bool:
        """Whether it is answered, or never will be."""
        return self._done

    def resolve(self, error: Exception | None = None) -> None:
        super().resolve(error)  # type: ignore[arg-type]
        if self._waiter is not None:
            self._waiter.set_result(None)

    def __await__(self) -> Generator[object, None, None]:
        if not self._done:
            if self._waiter is None:
                self._waiter = asyncio.get_running_loop().create_future()
            # One who waits and is cancelled leaves the others waiting.
            yield from asyncio.shield(self._waiter).__await__()
        if self.error is not None:
            raise self.error


class Delivery(DeliveryView):
    """One attempt to hand over one event, to be settled once.

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
