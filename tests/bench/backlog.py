#!/usr/bin/env python3
"""Measures the gateway with and without a backlog and stalled readers, in turn, and reports medians.

Called by backlog.sh, which says what it takes and gives.
"""

import argparse
import glob
import os
import subprocess
import sys
import tempfile
import time

import benchmark
import servers

WITHOUT = "2,000 callbacks a second"
STALLED = "... beside 64 stalled readers"
BACKLOG = "... beside a dead subscription's backlog"
CATCH_UP = "catching up, beside 1,000 callbacks a second"

STALLED_READERS = 64
LOAD = ["--connections=16", "--rate=2000", "--subscribers=1", "--latest"]

# See benchmark.MARKS. Stalled readers need a log that is worth stalling at, so both stand on the full
# store and are compared with each other.
MARKS = [
    ("a backlog: p99 of callbacks against without <= 1.2",
     lambda of: of(BACKLOG, "p99_us") / of(WITHOUT, "p99_us"), "times", lambda value: value <= 1.2),
    ("a backlog: peak of resident memory < 256 MiB",
     lambda of: of(BACKLOG, "server_peak_mib"), "MiB", lambda value: value < 256),
    ("64 stalled readers: p99 of callbacks against without them <= 1.2",
     lambda of: of(STALLED, "p99_us") / of(BACKLOG, "p99_us"), "times", lambda value: value <= 1.2),
    ("64 stalled readers: peak of resident memory, each stream's part",
     lambda of: 1024 * (of(STALLED, "server_peak_mib") - of(BACKLOG, "server_peak_mib"))
     / STALLED_READERS, "KiB", lambda value: value < 2048),
    ("catching up: events/s to one consumer >= 150,000",
     lambda of: of(CATCH_UP, "events_per_second"), "", lambda value: value >= 150000),
    ("catching up: peak of resident memory < 256 MiB",
     lambda of: of(CATCH_UP, "server_peak_mib"), "MiB", lambda value: value < 256),
    ("the write-ahead log's largest size < 64 MiB",
     lambda of: of(CATCH_UP, "log_mib"), "MiB", lambda value: value < 64),
]

COLUMNS = [
    ("requests/s", "requests_per_second", "{:,.0f}"), ("events/s", "events_per_second", "{:,.0f}"),
    ("p50 us", "p50_us", "{:,.0f}"), ("p99 us", "p99_us", "{:,.0f}"),
    ("server CPU us", "server_cpu_us", "{:.1f}"), ("peak RSS MiB", "server_peak_mib", "{:.0f}"),
    ("WAL MiB", "log_mib", "{:.0f}"), ("errors", "errors", "{:.0f}"),
]


class Store:
    """The filled store."""

    def __init__(self, build, folder, events):
        self.folder = folder
        self.events = events
        if not glob.glob(os.path.join(folder, "onhook.db")):
            print(f"filling a store with {events:,} events", file=sys.stderr)
            subprocess.run([os.path.join(build, "backlog_bench"), f"--fill={events}",
                            f"--directory={folder}"], check=True)

    def numbers(self):
        """A flag for one measurement: callbacks that the store has not seen. They grow faster than
        any case posts them, so another run of the day may go on with the same store."""
        return f"--first_number={self.events + int(time.time() % 86400 * 3000)}"

    def log_mib(self):
        path = os.path.join(self.folder, "onhook.db-wal")
        return os.path.getsize(path) / 2**20 if os.path.exists(path) else 0


def steady(arguments, store, more, folder=None):
    with servers.onhookd(arguments.build, folder) as running:
        result = benchmark.run_bench(arguments.build, [*running.flags, *LOAD, *more, store.numbers(),
                                                       f"--seconds={arguments.seconds}"])
        # SQLite never shrinks it while it is open: this is its largest size.
        result["log_mib"] = store.log_mib() if folder else 0
        return result


def catch_up(arguments, store):
    with servers.onhookd(arguments.build, store.folder) as running:
        result = benchmark.run_bench(
            arguments.build, [*running.flags, f"--catch_up={store.events}", store.numbers()],
            program="backlog_bench")
        result["log_mib"] = store.log_mib()
        return result


def measure(arguments, store):
    """Returns {case: [result of each round]}."""
    cases = [
        (WITHOUT, lambda: steady(arguments, store, [])),
        (BACKLOG, lambda: steady(arguments, store, [], store.folder)),
        (STALLED, lambda: steady(arguments, store, [f"--stalled_readers={STALLED_READERS}"],
                                 store.folder)),
        (CATCH_UP, lambda: catch_up(arguments, store)),
    ]
    results = {}
    for number in range(1, arguments.rounds + 1):
        for name, run in cases:
            print(f"round {number} of {arguments.rounds}: {name}", file=sys.stderr)
            results.setdefault(name, []).append(run())
    return results


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/backlog.sh", description="See the script's head.")
    parser.add_argument("--events", type=int, default=5_000_000, help="that the dead subscription is owed")
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement, at most 25")
    parser.add_argument("--rounds", type=int, default=3, help="the medians are over so many")
    parser.add_argument("--build", default="build/release", help="folder of the programs")
    parser.add_argument("--output", default="build/bench/backlog", help="folder of the results")
    parser.add_argument("--store", help="folder of the filled store; made if it is missing, and kept")
    arguments = parser.parse_args()
    if arguments.seconds > 25:
        parser.error("--seconds: a stalled stream is ended after 30 s")
    with tempfile.TemporaryDirectory(prefix="onhook-bench-") as directory:
        store = Store(arguments.build, arguments.store or os.path.join(directory, "store"),
                      arguments.events)
        report = {"circumstances": benchmark.circumstances(arguments.build)}
        report["circumstances"]["backlog"] = f"{arguments.events:,} events"
        try:
            report["results"] = measure(arguments, store)
        except RuntimeError as error:
            sys.exit(f"not measured: {error}")
    report["marks"] = benchmark.judge(report["results"], MARKS)
    sys.exit(0 if benchmark.publish(report, COLUMNS, arguments.output) else 1)


if __name__ == "__main__":
    main()
