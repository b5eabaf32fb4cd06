"""Waiting for what should happen, with a bound, and saying what did not."""

import threading
import time

PATIENCE_S = 60
_NOBODY = threading.Event()


class Failure(Exception):
    """A scenario went otherwise than the contract says."""


def check(holds, what):
    if not holds:
        raise Failure(what)


def check_equal(found, wanted, what):
    if found != wanted:
        raise Failure(f"{what}: {found!r}, wanted {wanted!r}")


def wait_until(holds, what, patience_s=PATIENCE_S):
    """Returns the first true value of `holds()`."""
    end = time.monotonic() + patience_s
    while True:
        value = holds()
        if value:
            return value
        if time.monotonic() >= end:
            raise Failure(f"did not come about in {patience_s} s: {what}")
        _NOBODY.wait(0.02)
