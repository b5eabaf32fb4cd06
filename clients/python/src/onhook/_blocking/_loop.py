"""The event loop, in a thread of its own, that a blocking client's streams belong to."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_Result = TypeVar("_Result")


class LoopThread:
    """Starts when it is first needed, so that a client made before a fork serves the child, and
    runs until it is closed. Threads: any."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal handler may come in between
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._is_closed = False

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop; raises RuntimeError once it is closed."""
        with self._lock:
            if self._is_closed:
                raise RuntimeError("the client is closed")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                # A program that forgets to close its client ends all the same.
                self._thread = threading.Thread(target=self._run, name="onhook", daemon=True)
                self._thread.start()
            return self._loop

    def _run(self) -> None:
        assert self._loop is not None
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    @property
    def is_current(self) -> bool:
        """Whether this is called from the loop's own thread."""
        return threading.current_thread() is self._thread

    def start(self, coroutine: Coroutine[Any, Any, _Result]) -> concurrent.futures.Future[_Result]:
        """Has it run there."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def run(self, coroutine: Coroutine[Any, Any, _Result]) -> _Result:
        """Has it run there, and waits for it. Not in the loop's own thread, which would wait for
        itself: from a state hook, say."""
        if self.is_current:
            coroutine.close()
            raise RuntimeError("this waits for the thread that it was called from")
        future = self.start(coroutine)
        try:
            return future.result()
        except BaseException:
            # Interrupted: nobody waits for it any more.
            future.cancel()
            raise

    def call(self, function: Callable[[], _Result]) -> _Result:
        """The same for a function."""

        async def called() -> _Result:
            return function()

        return self.run(called())

    def close(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Has a last thing run there, and ends the thread."""
        with self._lock:
            loop, thread = self._loop, self._thread
            was_closed, self._is_closed = self._is_closed, True
        if loop is None or thread is None or was_closed:
            return
        asyncio.run_coroutine_threadsafe(last(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
