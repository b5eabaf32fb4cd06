"""The program of one client library, as PROTOCOL.md has it."""

import base64
import collections
import json
import subprocess
import threading
import time

from onhook.v1 import release_event_pb2 as event_api
from waiting import PATIENCE_S, Failure, check_equal


class ClientProgram:
    """Runs until it is closed. What it reports is kept by kind, and can be waited for."""

    def __init__(self, command, server, **connect):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, encoding="utf-8")
        self.words = collections.deque(maxlen=30)  # of standard error
        self._reports = collections.defaultdict(collections.deque)
        self._changed = threading.Condition()
        self._over = False
        self.all = []
        for read in (self._read, self._read_words):
            threading.Thread(target=read, daemon=True).start()
        self.tell("connect", server=server, **connect)

    def _read(self):
        for line in self.process.stdout:
            try:
                report = json.loads(line)
            except ValueError:
                self.words.append(f"no JSON: {line}")
                continue
            report["at"] = time.monotonic()
            with self._changed:
                self._reports[report["report"]].append(report)
                self.all.append(report)
                self._changed.notify_all()
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def _read_words(self):
        for line in self.process.stderr:
            self.words.append(line)

    def tell(self, do, **members):
        try:
            self.process.stdin.write(json.dumps({"do": do, **members}) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failure(f"the program ended before {do}: {''.join(self.words)}") from None

    def next(self, kind, patience_s=PATIENCE_S):
        """The next report of a kind."""
        with self._changed:
            self._changed.wait_for(lambda: self._reports[kind] or self._over, patience_s)
            if not self._reports[kind]:
                last = [{name: value for name, value in report.items() if name not in ("event", "native")}
                        for report in self.all[-6:]]
                raise Failure(f"no report `{kind}`{' before its end' if self._over else f' in {patience_s} s'}; "
                              f"the last: {last}; its words: {''.join(self.words)[-1500:]}")
            return self._reports[kind].popleft()

    def has(self, kind):
        with self._changed:
            return bool(self._reports[kind])

    def seen(self, kind):
        """All reports of a kind, taken or not."""
        with self._changed:
            return [report for report in self.all if report["report"] == kind]

    def await_state(self, state, patience_s=PATIENCE_S):
        while True:
            report = self.next("state", patience_s)
            if report["state"] == state:
                return report

    def delivery(self, patience_s=PATIENCE_S):
        return self.next("delivery", patience_s)

    def settle(self, delivery, how="ack", **members):
        self.tell("settle", number=delivery["number"], how=how, **members)

    def confirmed(self, number):
        """The next `settled`, which must be a success of that delivery."""
        report = self.next("settled")
        check_equal((report["number"], report["ok"]), (number, True), f"the confirmation, {report}")

    def handled(self):
        self.tell("count")
        return self.next("count")

    def stop(self, grace_ms=30000):
        """Stops, and returns how it ended."""
        self.tell("stop", grace_ms=grace_ms)
        return self.next("ended")

    def stopped_well(self, grace_ms=30000):
        ended = self.stop(grace_ms)
        check_equal(ended["ok"], True, f"the stop, {ended}")

    def close(self):
        """Ends it as a parent's end does, and returns its exit code."""
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            return self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure("the program outlives its standard input") from None

    def kill(self):
        self.process.kill()
        return self.process.wait(timeout=PATIENCE_S)


def event_of(report):
    """The message that the library gave back."""
    return event_api.ReleaseEvent.FromString(base64.b64decode(report["event"]))


def call_of(report):
    return event_of(report).call_serial_no


def logged(path):
    """[(event_id, attempt)] of a `log`."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [(event_id, int(attempt)) for event_id, attempt in (line.split() for line in lines)]
