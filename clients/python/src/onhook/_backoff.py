"""When a lost stream is opened again, and whether it is at all."""

from __future__ import annotations

import random
from collections.abc import Callable

import grpc

from onhook._durations import seconds_of
from onhook._errors import OnhookError, is_terminal
from onhook._settings import ConnectionSettings, Reconnect


class Backoff:
    """Growing, randomised waits between streams."""

    def __init__(
        self, settings: Reconnect, uniform: Callable[[float, float], float] = random.uniform
    ):
        self._initial = seconds_of(settings.initial)
        self._maximum = seconds_of(settings.maximum)
        self._uniform = uniform
        self._next = self._initial
        self._was_planned = False

    def after_loss(self, lived: float, was_healthy: bool) -> float:
        """The wait, in seconds, after a stream that was up for `lived` seconds, and brought an
        event or an answer if it was healthy."""
        self._was_planned = False
        if was_healthy or lived > self._maximum:
            self._next = self._initial
        longest = self._next
        self._next = min(longest * 2, self._maximum)
        return longest * self._uniform(0.5, 1.0)

    def after_go_away(self, lived: float, was_healthy: bool) -> float:
        """The same after a planned end: none, unless the one before was one as well, of a stream
        that was of no use."""
        was_planned, self._was_planned = self._was_planned, True
        if was_healthy or lived > self._maximum:
            self._next = self._initial
            return 0.0
        if not was_planned:
            return 0.0
        wait = self.after_loss(lived, was_healthy)
        self._was_planned = True
        return wait


class Ends:
    """Decides what the end of a stream means for who keeps it open.

    Who was let in before and is refused as UNAUTHENTICATED may just have files that change later
    than the gateway's. Who never was is simply wrong.
    """

    def __init__(self, settings: ConnectionSettings) -> None:
        patience = seconds_of(settings.reconnect.rotation_patience)
        self._patience = patience if settings.shows_credentials else 0.0
        self._was_let_in = False
        self._refused_at: float | None = None

    def let_in(self) -> None:
        """A stream was opened."""
        self._was_let_in = True
        self._refused_at = None

    def is_final(self, error: OnhookError, now: float) -> bool:
        """Whether no other stream is to be opened after one that ended like this."""
        if not is_terminal(error):
            return False
        if error.code != grpc.StatusCode.UNAUTHENTICATED or not self._was_let_in:
            return True
        if self._refused_at is None:
            self._refused_at = now
        return now - self._refused_at >= self._patience
