"""Instructions that the gateway executes for one event: by the processor's counter where perf can read
it, which virtual machines seldom allow, else by callgrind, which counts the program's own only and not
the kernel's.

Each count is the difference of two runs of different length, so that start and end are not in it.
"""

import contextlib
import os
import re
import signal
import subprocess
import tempfile

import servers

# Under callgrind everything takes fifty times as long.
SETTINGS = ("--acknowledge-timeout=1m",)


def perf_counts():
    """Whether perf can count instructions here, of other processes of this user."""
    try:
        done = subprocess.run(["perf", "stat", "-x,", "-e", "instructions:u", "true"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    except OSError:
        return False
    return counted_by_perf(done.stderr) is not None


def counted_by_perf(text):
    """The count in what `perf stat -x,` writes; None if there is none."""
    found = re.search(r"^(\d+),[^,]*,instructions", text, re.MULTILINE)
    return int(found.group(1)) if found else None


def counted_by_callgrind(text):
    """The count in a file of callgrind; None if there is none."""
    found = re.search(r"^(?:summary|totals): (\d+)", text, re.MULTILINE)
    return int(found.group(1)) if found else None


@contextlib.contextmanager
def _under_callgrind(build, counted):
    with tempfile.TemporaryDirectory(prefix="onhook-bench-") as directory:
        file = os.path.join(directory, "counted")
        with servers.onhookd(build, settings=SETTINGS, under=(
                "valgrind", "--tool=callgrind", f"--callgrind-out-file={file}")) as server:
            yield server
        with open(file, encoding="utf-8") as text:
            counted.append(counted_by_callgrind(text.read()))


@contextlib.contextmanager
def _under_perf(build, counted):
    with servers.onhookd(build) as server:
        perf = subprocess.Popen(["perf", "stat", "-x,", "-e", "instructions:u", "-p", str(server.pid)],
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            yield server
        finally:
            perf.send_signal(signal.SIGINT)
            counted.append(counted_by_perf(perf.communicate()[1]))


def per_event(build, posts, load):
    """A result; load(server, posts) posts so many callbacks and returns what came of them."""
    by_perf = perf_counts()
    counting = _under_perf if by_perf else _under_callgrind
    # The counter is cheap, and noisier: it runs at full speed.
    short, long = (posts * 20, posts * 100) if by_perf else (posts, posts * 5)
    counted = []
    ok = True
    said = ""
    for length in (short, long):
        with counting(build, counted) as server:
            done = load(server, length)
            ok = ok and done["ok"] and done["accepted"] == length
            said = said or done["said"]
    if None in counted:
        raise RuntimeError("the instructions were not counted")
    return {"instructions": (counted[1] - counted[0]) / (long - short),
            "counted_by": "perf" if by_perf else "callgrind", "ok": ok, "said": said}
