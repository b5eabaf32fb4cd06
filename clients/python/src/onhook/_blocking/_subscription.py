"""A durable subscription for threads, in either form."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TypeAlias

from onhook._blocking._delivery import Confirmation, Delivery
from onhook._blocking._loop import LoopThread
from onhook._connection import Connections
from onhook._delivery import DeliveryView
from onhook._durations import Duration, seconds_of
from onhook._engine import Engine, SubscribeOptions
from onhook._errors import OnhookError, UnavailableError
from onhook._settlement import Pending, Settle, settlement_of
from onhook._states import StateHook

log = logging.getLogger("onhook")

Handler: TypeAlias = Callable[[Delivery], object]
"""What is called with each delivery, in a thread of the subscription."""


class Inbox:
    """Deliveries that nobody has begun. Put by the loop's thread, taken by any.

    A deque hands each item to one thread without a lock; the condition is for those who wait.
    """

    def __init__(self) -> None:
        self._items: deque[Delivery] = deque()
        self._filled = threading.Condition()
        self._closed = False
        self._error: OnhookError | None = None

    def put(self, deliveries: list[Delivery]) -> None:
        """See _engine.Inbox."""
        with self._filled:
            self._items.extend(deliveries)
            self._filled.notify(len(deliveries))

    def take_back(self) -> list[Delivery]:
        """See _engine.Inbox."""
        return self.take_more(len(self._items))

    def close(self, error: OnhookError | None) -> None:
        """See _engine.Inbox."""
        with self._filled:
            self._closed = True
            self._error = error
            self._filled.notify_all()

    def abandon(self) -> None:
        """See _engine.Inbox. A thread cannot be made to end."""

    def take(self) -> Delivery | None:
        """The next delivery, which is begun with that; None: there will be none. Raises the error
        that ended the subscription."""
        while True:
            try:
                delivery = self._items.popleft()
            except IndexError:
                pass
            else:
                delivery._begun = True
                return delivery
            # Not in the except: who is interrupted here is not to read of an empty deque.
            with self._filled:
                if not self._items and self._closed:
                    if self._error is not None:
                        raise self._error
                    return None
                if not self._items:
                    self._filled.wait()

    def take_more(self, most: int) -> list[Delivery]:
        """What can be taken without waiting."""
        taken: list[Delivery] = []
        while len(taken) < most:
            try:
                taken.append(self._items.popleft())
            except IndexError:
                break
        return taken


class Settlements:
    """Carries what threads say of deliveries to the loop's thread, many at a time."""

    def __init__(self, loop_thread: LoopThread) -> None:
        self._loop = loop_thread.loop
        self._said: deque[tuple[DeliveryView, Pending]] = deque()
        self._is_carried = False
        self.engine: Engine[Delivery] | None = None

    def settle(self, delivery: DeliveryView, pending: Pending) -> None:
        """See Settler."""
        self._say(delivery, pending)

    def extend(self, delivery: DeliveryView, pending: Pending) -> None:
        """See Settler."""
        self._say(delivery, pending)

    def _say(self, delivery: DeliveryView, pending: Pending) -> None:
        self._said.append((delivery, pending))
        if self._is_carried:
            return
        self._is_carried = True
        try:
            self._loop.call_soon_threadsafe(self._carry)
        except RuntimeError:
            # The client was closed, and its loop with it.
            self._is_carried = False
            while self._said:
                self._said.popleft()[1].resolve(UnavailableError("the client is closed"))

    def _carry(self) -> None:
        # First: what is said from here on is carried by this or by the next.
        self._is_carried = False
        engine = self.engine
        assert engine is not None
        for _ in range(len(self._said)):
            delivery, pending = self._said.popleft()
            if pending.action is None:
                engine.extend(delivery, pending)
            else:
                engine.settle(delivery, pending)


class Subscription:
    """Receives the events of a durable subscription, at least once each, until it is stopped.

    With a handler it runs by itself, in `concurrency` threads, and `wait` tells its end. Without,
    it is an iterator of deliveries, which several threads may share; the iteration ends after a
    stop, and raises what ended the subscription. As a context manager it is stopped at the end of
    the block; if that is left by an exception, without waiting for deliveries that were not
    settled.

    A lost stream is opened again under the same name for as long as it takes; acknowledgements
    that were not confirmed are repeated there. Threads: any, on every method.
    """

    def __init__(
        self,
        loop_thread: LoopThread,
        connections: Connections,
        options: SubscribeOptions,
        handler: Handler | None,
        on_state: StateHook | None,
    ) -> None:
        self._loop_thread = loop_thread
        self._handler = handler
        self._inbox = Inbox()
        self._ended = threading.Event()
        self._error: OnhookError | None = None
        settlements = Settlements(loop_thread)

        def start() -> Engine[Delivery]:
            engine: Engine[Delivery] = Engine(
                connections, options, self._inbox, Delivery, settlements, on_state
            )
            settlements.engine = engine
            engine.finished.add_done_callback(self._on_finished)
            return engine

        self._engine = loop_thread.call(start)
        self._handlers = [
            # A handler that hangs does not keep the process from ending.
            threading.Thread(target=self._work, name=f"onhook-handler-{number}", daemon=True)
            for number in range(options.concurrency)
        ]
        for thread in self._handlers:
            thread.start()

    def pause(self) -> None:
        """Stops new deliveries; the stream stays, and what is here goes on."""
        self._loop_thread.loop.call_soon_threadsafe(self._engine.pause, True)

    def resume(self) -> None:
        """Goes on after a pause."""
        self._loop_thread.loop.call_soon_threadsafe(self._engine.pause, False)

    def begin_stop(self, grace: Duration | None = None) -> None:
        """Begins what `stop` does, and returns at once: for handlers, and for hooks."""
        if not self._ended.is_set():
            self._loop_thread.loop.call_soon_threadsafe(self._engine.stop, grace)

    def stop(self, grace: Duration | None = None) -> None:
        """Stops gracefully, and returns once that is done. Not for handlers, which it waits for.

        What nobody has begun is released at once: it counts as no attempt, and another consumer
        has it. What was begun has `grace` (the subscription's, if None) to be settled; then it is
        released too, though a handler that still runs is not interrupted. Raises UnconfirmedError
        if acknowledgements were not confirmed within 10 s beyond that, and what had ended the
        subscription before.
        """
        self._check_may_wait()
        self.begin_stop(grace)
        self.wait()

    def wait(self, timeout: Duration | None = None) -> None:
        """Returns once the subscription was stopped; raises what ended it otherwise, and
        TimeoutError after `timeout`."""
        self._check_may_wait()
        if not self._ended.wait(None if timeout is None else seconds_of(timeout)):
            raise TimeoutError("the subscription goes on")
        if self._error is not None:
            raise self._error

    @property
    def is_stopped(self) -> bool:
        """Whether it has ended."""
        return self._ended.is_set()

    def __iter__(self) -> Subscription:
        if self._handler is not None:
            raise TypeError("the deliveries of this subscription go to its handler")
        return self

    def __next__(self) -> Delivery:
        delivery = self._inbox.take()
        if delivery is None:
            raise StopIteration
        return delivery

    def batches(self, max_events: int = 100) -> Iterator[list[Delivery]]:
        """Iterates over lists of what is there: one delivery at least, `max_events` at most. For
        those who store many events in one transaction; nothing waits for a batch to fill."""
        if max_events < 1:
            raise ValueError("a batch has at least one event")
        for delivery in self:
            more = self._inbox.take_more(max_events - 1)
            for one in more:
                one._begun = True
            yield [delivery, *more]

    def __enter__(self) -> Subscription:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exception is None:
            self.stop()
            return
        try:
            self.stop(grace=0 if self._handler is None else None)
        except OnhookError:
            # The exception that is on its way says more.
            log.info("the subscription ended with an error too", exc_info=True)

    def _check_may_wait(self) -> None:
        if self._loop_thread.is_current or threading.current_thread() in self._handlers:
            raise RuntimeError("this would wait for its own caller: use begin_stop")

    def _on_finished(self, finished: asyncio.Future[OnhookError | None]) -> None:
        # The argument: an engine that ends at once does so before this object has it.
        self._error = None if finished.cancelled() else finished.result()
        self._ended.set()

    def _work(self) -> None:
        handler = self._handler
        assert handler is not None
        while True:
            try:
                delivery = self._inbox.take()
            except OnhookError:
                return
            if delivery is None:
                return
            run_handler(handler, delivery)


def run_handler(handler: Handler, delivery: Delivery) -> None:
    """Has one delivery handled, and settled by what becomes of that."""
    try:
        handler(delivery)
    except BaseException as failure:
        # SystemExit would end nothing but this thread, and leave its event to nobody.
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
