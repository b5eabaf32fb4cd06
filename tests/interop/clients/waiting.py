"""Waiting for what should happen, with a bound, and saying what did not."""

import os
import re
import threading
import time

PATIENCE_S = float(os.environ.get("ONHOOK_INTEROP_PATIENCE_S", "60"))
_NOBODY = threading.Event()


class Failure(Exception):
    """A scenario went otherwise than the contract says."""


def check(holds, what):
    if not holds:
        raise Failure(what)


def check_equal(found, wanted, what):
    if found != wanted:
        raise Failure(f"{what}: {_shortened(found)}, wanted {_shortened(wanted)}")


def _shortened(value):
    """So that 64 KiB of callData leave the rest to be seen."""
    text = repr(value)
    return re.sub(r"(.)\1{99,}", lambda match: f"{match[1]}...({len(match[0])})", text)


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
