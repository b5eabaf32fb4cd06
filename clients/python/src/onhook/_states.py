"""Tells how a subscription or a watch is connected."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from onhook._enums import State
from onhook._errors import OnhookError

log = logging.getLogger("onhook")


@dataclass(frozen=True)
class StateChange:
    """How a subscription or a watch is connected from now on."""

    state: State
    error: OnhookError | None = None
    """Why: the cause of a lost stream, or what ended it; None after a stop."""


StateHook = Callable[[StateChange], None]


class StateTeller:
    """Calls the hook at each change, and logs what keeps a stream from being open."""

    def __init__(self, hook: StateHook | None, what: str, server: str) -> None:
        self._hook = hook
        self._what = what
        self._server = server
        self._last: StateChange | None = None
        self._is_lost = False

    def tell(self, state: State, error: OnhookError | None = None) -> None:
        """This is the state from now on."""
        self._log(state, error)
        change = StateChange(state, error)
        if self._hook is None or change == self._last:
            return
        self._last = change
        try:
            self._hook(change)
        except Exception:
            log.exception("the state hook failed")

    def _log(self, state: State, error: OnhookError | None) -> None:
        # Once each time: a gateway that is away for a night is one line, not thousands.
        if state is State.BACKING_OFF and not self._is_lost:
            self._is_lost = True
            log.warning(
                "%s has no stream from %s, and tries on: %s", self._what, self._server, error
            )
        elif state is State.STREAMING and self._is_lost:
            self._is_lost = False
            log.info("%s has a stream from %s again", self._what, self._server)
