"""Notices that a stream has fallen silent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

DEFAULT_INTERVAL = 15.0
"""What a gateway that does not say promises: something every so many seconds."""

_INTERVALS = 2


class SilenceAlarm:
    """Calls `on_silence` once when nothing was heard for twice the promised interval."""

    def __init__(self, on_silence: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_silence = on_silence
        self._limit = _INTERVALS * DEFAULT_INTERVAL
        self._heard = self._loop.time()
        self._handle: asyncio.TimerHandle | None = None
        self._arm(self._heard + self._limit)

    def heard(self) -> None:
        """Something came."""
        self._heard = self._loop.time()

    def promise(self, interval: float) -> None:
        """The gateway says that it is never silent for longer than `interval` seconds."""
        if interval > 0 and interval * _INTERVALS != self._limit:
            self._limit = _INTERVALS * interval
            self._arm(self._heard + self._limit)

    def close(self) -> None:
        """No alarm from now on."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self, when: float) -> None:
        self.close()
        self._handle = self._loop.call_at(when, self._check, when)

    def _check(self, due: float) -> None:
        now = self._loop.time()
        silent_until = self._heard + self._limit
        if now < silent_until:
            self._arm(silent_until)
        elif now - due > self._limit / 4:
            # This loop was kept from running, so what came meanwhile may not have been read yet.
            self._arm(now + self._limit / 4)
        else:
            self._handle = None
            self._on_silence()
