"""Keeps the status that the gateway ended a stream with from being taken for another."""

from __future__ import annotations

from typing import Any


class _PatientCall:
    """What a grpc.aio call is made on, but for one habit.

    When a write fails, since the gateway has just ended the stream, grpc.aio says INTERNAL, and
    forgets the status that comes a moment later: NOT_FOUND, say, which must not be repeated.
    Without that word it waits for the status, which comes whatever happened.
    """

    def __init__(self, call: Any) -> None:
        self._call = call

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)

    def set_internal_error(self, _words: str) -> None:
        """Not said."""


def keep_true_status(call: Any) -> Any:
    """The same call, which ends with the status that the gateway gave.

    This reaches into gRPC. Where there is nothing of that name any more it is left alone: at worst,
    another stream is opened, and told the same.
    """
    inner = getattr(call, "_cython_call", None)
    if inner is not None and hasattr(inner, "set_internal_error"):
        call._cython_call = _PatientCall(inner)
    return call
