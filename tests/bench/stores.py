"""Stores that hold a backlog: events that the subscription "dead" is owed and nobody comes for."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile

# The numbers of the callbacks that one measurement may post, more than any does. Those of the next
# begin behind them, so that a store never takes one for the repeat of another.
NUMBERS_OF_ONE = 5_000_000

# What is filled so quickly that each measurement has its own: it would soon hold more of what was
# measured than of backlog.
SMALL = 100_000


class Stores:
    """Fills each store when it is first wanted. Without a folder to keep them in they are gone at the
    end."""

    def __init__(self, build, folder=None):
        self._build = build
        self._temporary = None
        if folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="onhook-bench-stores-")
            folder = self._temporary.name
        os.makedirs(folder, exist_ok=True)
        self._folder = folder

    def close(self):
        """Removes what is not to be kept."""
        if self._temporary:
            self._temporary.cleanup()

    @contextlib.contextmanager
    def holding(self, events, use=""):
        """The store that holds so many events, for one measurement. Those of another use have another,
        if it counts for them that hardly more is in it."""
        if events < SMALL:
            with tempfile.TemporaryDirectory(prefix="onhook-bench-") as directory:
                folder = os.path.join(directory, "store")
                self._fill(folder, events)
                yield Store(folder, events)
            return
        folder = os.path.join(self._folder, f"{events}{use}")
        if not os.path.exists(os.path.join(folder, "filled")):
            print(f"filling a store with {events:,} events", file=sys.stderr)
            self._fill(os.path.join(folder, "store"), events)
            _write(os.path.join(folder, "filled"), events)
        # Before it is used, so that a measurement that is cut short does no harm to the next.
        first_number = _read(os.path.join(folder, "filled"))
        _write(os.path.join(folder, "filled"), first_number + NUMBERS_OF_ONE)
        yield Store(os.path.join(folder, "store"), first_number)

    def _fill(self, folder, events):
        # What is left of a filling that was cut short is no store.
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        done = subprocess.run([os.path.join(self._build, "backlog_bench"), f"--fill={events}",
                               f"--directory={folder}"], check=False)
        if done.returncode != 0:
            raise RuntimeError(f"a store of {events} events could not be filled")


class Store:
    """A filled store's folder, and the number that callbacks to it may begin with."""

    def __init__(self, folder, first_number):
        self.folder = folder
        self.first_number = first_number

    def log_mib(self):
        """The size of its write-ahead log. SQLite never shrinks it while it is open: its largest."""
        path = os.path.join(self.folder, "onhook.db-wal")
        return os.path.getsize(path) / 2**20 if os.path.exists(path) else 0


def _read(path):
    with open(path, encoding="utf-8") as file:
        return int(file.read())


def _write(path, number):
    with open(path, "w", encoding="utf-8") as file:
        file.write(str(number))
