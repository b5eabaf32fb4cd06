"""The event loop, in a thread of its own, that a blocking client's streams belong to."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_Result = TypeVar("_Result")


class LoopThread:
    """Runs until it is closed. Threads: any."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        # A program that forgets to close its client ends all the same.
        self._thread = threading.Thread(target=self._run, name="onhook", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        self.loop.close()

    def start(self, coroutine: Coroutine[Any, Any, _Result]) -> concurrent.futures.Future[_Result]:
        """Has it run there."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def run(self, coroutine: Coroutine[Any, Any, _Result]) -> _Result:
        """Has it run there, and waits for it. Not in the loop's own thread, which would wait for
        itself: from a state hook, say."""
        if threading.current_thread() is self._thread:
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

    def close(self) -> None:
        """Ends the thread."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join()
