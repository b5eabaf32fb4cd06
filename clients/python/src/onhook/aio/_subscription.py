"""A durable subscription, in either form."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import TypeAlias

from onhook._connection import Connections
from onhook._durations import Duration
from onhook._engine import Engine, SubscribeOptions
from onhook._errors import OnhookError
from onhook._settlement import Settle, settlement_of
from onhook._states import StateHook
from onhook.aio._delivery import Confirmation, Delivery

log = logging.getLogger("onhook")

Handler: TypeAlias = Callable[[Delivery], Awaitable[object] | object]
"""What is called with each delivery: a coroutine function, or a function that does not block."""

# So many deliveries that could be taken without waiting, and others have their turn.
_TURN = 64


class Inbox:
    """Deliveries that nobody has begun."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._items: deque[Delivery] = deque()
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._closed = False
        self._error: OnhookError | None = None
        self._taken = 0
        self.on_abandon: Callable[[], None] = lambda: None

    def put(self, deliveries: list[Delivery]) -> None:
        """See _engine.Inbox."""
        self._items.extend(deliveries)
        self._wake(len(deliveries))

    def take_back(self) -> list[Delivery]:
        """See _engine.Inbox."""
        items = list(self._items)
        self._items.clear()
        return items

    def close(self, error: OnhookError | None) -> None:
        """See _engine.Inbox."""
        self._closed = True
        self._error = error
        self._wake(len(self._waiters))

    def abandon(self) -> None:
        """See _engine.Inbox."""
        self.on_abandon()

    def _wake(self, count: int) -> None:
        while count > 0 and self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                count -= 1

    async def take(self) -> Delivery | None:
        """The next delivery, which is begun with that; None: there will be none. Raises the error
        that ended the subscription."""
        self._taken += 1
        if self._taken >= _TURN:
            self._taken = 0
            await asyncio.sleep(0)
        while not self._items:
            if self._closed:
                if self._error is not None:
                    raise self._error
                return None
            self._taken = 0
            waiter: asyncio.Future[None] = self._loop.create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                # It may have been woken for a delivery that another can take.
                if waiter.done() and not waiter.cancelled():
                    self._wake(1)
                raise
        delivery = self._items.popleft()
        delivery._begun = True
        return delivery

    def take_more(self, most: int) -> list[Delivery]:
        """What can be taken without waiting."""
        taken = [self._items.popleft() for _ in range(min(most, len(self._items)))]
        for delivery in taken:
            delivery._begun = True
        return taken


class Subscription:
    """Receives the events of a durable subscription, at least once each, until it is stopped.

    With a handler it runs by itself, and `wait` tells its end. Without, it is an asynchronous
    iterator of deliveries, which several tasks may share; the iteration ends after a stop, and
    raises what ended the subscription. As a context manager it is stopped at the end of the block;
    if that is left by an exception, without waiting for deliveries that were not settled.

    A lost stream is opened again under the same name for as long as it takes; acknowledgements
    that were not confirmed are repeated there.
    """

    def __init__(
        self,
        connections: Connections,
        options: SubscribeOptions,
        handler: Handler | None,
        on_state: StateHook | None,
    ) -> None:
        self._handler = handler
        self._abandoned = False
        self._inbox = Inbox()
        self._inbox.on_abandon = self._cancel_handlers
        self._engine: Engine[Delivery] = Engine(
            connections, options, self._inbox, Delivery, None, on_state
        )
        loop = asyncio.get_running_loop()
        self._handlers = [loop.create_task(self._work()) for _ in range(options.concurrency)]

    def pause(self) -> None:
        """Stops new deliveries; the stream stays, and what is here goes on."""
        self._engine.pause(True)

    def resume(self) -> None:
        """Goes on after a pause."""
        self._engine.pause(False)

    def begin_stop(self, grace: Duration | None = None) -> None:
        """Begins what `stop` does, and returns at once: for handlers, hooks and signal handlers."""
        self._engine.stop(grace)

    async def stop(self, grace: Duration | None = None) -> None:
        """Stops gracefully, and returns once that is done. Not for handlers, which it waits for.

        What nobody has begun is released at once: it counts as no attempt, and another consumer
        has it. What was begun has `grace` (the subscription's, if None) to be settled; then
        handlers are cancelled, and it is released too. Raises UnconfirmedError if
        acknowledgements were not confirmed within 10 s beyond that, and what had ended the
        subscription before.
        """
        self._check_may_wait()
        self.begin_stop(grace)
        await self.wait()

    async def wait(self) -> None:
        """Returns once the subscription was stopped; raises what ended it otherwise."""
        self._check_may_wait()
        error = await asyncio.shield(self._engine.finished)
        if self._handlers:
            await asyncio.wait(self._handlers)
        if error is not None:
            raise error

    @property
    def is_stopped(self) -> bool:
        """Whether it has ended."""
        return self._engine.finished.done()

    def __aiter__(self) -> Subscription:
        if self._handler is not None:
            raise TypeError("the deliveries of this subscription go to its handler")
        return self

    async def __anext__(self) -> Delivery:
        delivery = await self._inbox.take()
        if delivery is None:
            raise StopAsyncIteration
        return delivery

    async def batches(self, max_events: int = 100) -> AsyncIterator[list[Delivery]]:
        """Iterates over lists of what is there: one delivery at least, `max_events` at most. For
        those who store many events in one transaction; nothing waits for a batch to fill."""
        if max_events < 1:
            raise ValueError("a batch has at least one event")
        async for delivery in self:
            yield [delivery, *self._inbox.take_more(max_events - 1)]

    async def __aenter__(self) -> Subscription:
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exception is None:
            await self.stop()
            return
        try:
            await self.stop(grace=0 if self._handler is None else None)
        except OnhookError:
            # The exception that is on its way says more.
            log.info("the subscription ended with an error too", exc_info=True)

    def _check_may_wait(self) -> None:
        if asyncio.current_task() in self._handlers:
            raise RuntimeError("this would wait for its own caller: use begin_stop")

    def _cancel_handlers(self) -> None:
        self._abandoned = True
        for handler in self._handlers:
            handler.cancel()

    async def _work(self) -> None:
        handler = self._handler
        assert handler is not None
        while True:
            try:
                delivery = await self._inbox.take()
            except OnhookError:
                return
            if delivery is None:
                return
            try:
                await run_handler(handler, delivery)
            except asyncio.CancelledError as cancelled:
                if self._abandoned:
                    raise
                # The handler's own: where this task is cancelled with its loop, nothing more comes.
                _settle_failed(delivery, cancelled)


async def run_handler(handler: Handler, delivery: Delivery) -> None:
    """Has one delivery handled, and settled by what becomes of that."""
    try:
        result = handler(delivery)
        if inspect.isawaitable(result):
            await result
    except Exception as failure:
        _settle_failed(delivery, failure)
    else:
        if not delivery._settled:
            delivery.ack()


def _settle_failed(delivery: Delivery, failure: BaseException) -> None:
    if delivery._settled:
        log.warning("the handler failed after it had settled %r", delivery, exc_info=failure)
        return
    if not isinstance(failure, Settle):
        log.warning("the handler failed with %r, which comes again", delivery, exc_info=failure)
    delivery._settle(Confirmation(*settlement_of(failure)))
