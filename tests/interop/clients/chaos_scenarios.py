"""S21, S22: whatever happens to connections and gateways, at times that chance chooses.

The seed is told when one fails; ONHOOK_INTEROP_SEED repeats the same choices, though not the same moments.
"""

import contextlib
import http.client
import json
import os
import random
import signal
import threading
import time

from client_program import logged
from waiting import PATIENCE_S, Failure, check, check_equal, wait_until

SETTINGS = ("--shutdown-drain-deadline=1s", "--grpc-heartbeat-interval=1s")
BACKOFF = {"backoff_max_ms": 1000}
EVENTS = 600
EVENTS_SETTLED = 80  # in each form
TROUBLES = {"cut": 6, "stall": 1, "kill": 2, "stop": 2}
MOST_TIMES_GIVEN_BACK = 2


@contextlib.contextmanager
def _chance(case):
    """A source of choices, whose seed is told if things go wrong."""
    seed = int(os.environ.get("ONHOOK_INTEROP_SEED") or random.SystemRandom().randrange(1 << 32))
    try:
        yield random.Random(seed)
    except BaseException:
        print(f"{case.language}: ONHOOK_INTEROP_SEED={seed}", flush=True)
        raise


class _Vendor(threading.Thread):
    """Posts on a connection of its own, each call until it is answered with success."""

    def __init__(self, gateway, calls, chance, longest_pause_s):
        super().__init__(daemon=True)
        self.calls = calls
        self.failure = None
        self._port = gateway.ports["http"]
        self._pauses = [chance.uniform(0, longest_pause_s) for _ in calls]
        self._over = threading.Event()

    def run(self):
        try:
            for call, pause in zip(self.calls, self._pauses, strict=True):
                wait_until(lambda call=call: self._over.is_set() or self._post(call), f"{call} is stored")
                self._over.wait(pause)
        except Failure as failure:
            self.failure = failure

    def _post(self, call):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)
        try:
            connection.request("POST", "/release-events", json.dumps({"callSerialNo": call, "called": "88880067"}))
            return json.loads(connection.getresponse().read())["retCode"] == "0"
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def ended(self):
        self.join()
        if self.failure is not None:
            raise self.failure

    def close(self):
        self._over.set()
        self.join()


class _Troubles:
    """What befalls a gateway and the way to it."""

    def __init__(self, gateway, proxy, chance):
        self._gateway = gateway
        self._proxy = proxy
        self._chance = chance
        self._nobody = threading.Event()

    def pause(self, shortest_s, longest_s):
        self._nobody.wait(self._chance.uniform(shortest_s, longest_s))

    def next(self):
        (kind,) = self._chance.choices(list(TROUBLES), TROUBLES.values())
        getattr(self, kind)()

    def cut(self):
        self._proxy.cut()
        if self._chance.random() < 0.3:  # the one that follows it, too
            self.pause(0, 0.2)
            self._proxy.cut()

    def stall(self):
        """Longer than 2 heartbeats, or shorter."""
        self._gateway.process.send_signal(signal.SIGSTOP)
        self.pause(0.5, 3)
        self._gateway.process.send_signal(signal.SIGCONT)

    def kill(self):
        self._gateway.kill()
        self.pause(0, 0.5)
        self._gateway.start()

    def stop(self):
        self._gateway.stop()
        self.pause(0, 0.5)
        self._gateway.start()


def s21_nothing_is_lost_whatever_happens(case):
    with _chance(case) as chance:
        gateway = case.gateway(*SETTINGS)
        proxy = case.proxy(gateway)
        log = case.folder / "all.log"
        client = case.subscriber(proxy, connect=BACKOFF, auto="ack", log=str(log), concurrency=chance.choice((1, 4)))
        calls = [f"c-{number}" for number in range(EVENTS)]
        troubles = _Troubles(gateway, proxy, chance)
        vendor = _Vendor(gateway, calls, chance, 0.03)
        with contextlib.closing(vendor):
            vendor.start()
            while vendor.is_alive():
                troubles.pause(0.05, 1)
                troubles.next()
            vendor.ended()
        gateway.wait_settled("crm")
        client.stopped_well()
        stored, found = gateway.all_event_ids(), logged(log)
        check(len(stored) >= EVENTS, f"{len(stored)} are stored")
        check_equal(stored - {event_id for event_id, _ in found}, set(), "events that were not handled")
        check_equal({event_id for event_id, _ in found} - stored, set(), "events that nobody posted")
        check_equal([each for each in found if each[1] != 1], [], "a loss and a restart count as no attempt")
        check_equal(client.close(), 0, "the exit code")


class _Application:
    """Settles what it is handed in ways that chance chooses, some at once, some later."""

    def __init__(self, client, chance):
        self._client = client
        self._chance = chance
        self._times = {}
        self._later = []

    def go_on(self):
        while self._client.has("delivery"):
            delivery = self._client.delivery()
            given_back = self._times.get(delivery["event_id"], 0)
            how = "ack" if given_back >= MOST_TIMES_GIVEN_BACK else self._chance.choices(
                ("ack", "retry", "release", "fail"), (5, 3, 3, 1))[0]
            self._times[delivery["event_id"]] = given_back + (how != "ack")
            wait = self._chance.choice((0, 0, 0.05, 0.3))
            self._later.append((time.monotonic() + wait, delivery, how))
        now = time.monotonic()
        due = [each for each in self._later if each[0] <= now]
        self._later = [each for each in self._later if each[0] > now]
        for _, delivery, how in due:
            more = {"delay_ms": self._chance.randrange(300)} if how == "retry" else {}
            self._client.settle(delivery, how, **more)

    def idle(self):
        return not self._later


def s22_every_event_is_settled_whatever_happens(case):
    with _chance(case) as chance:
        for form in ("handler", "iterator"):
            _settled_at_random(case, chance, form)


def _settled_at_random(case, chance, form):
    gateway = case.gateway(*SETTINGS)
    proxy = case.proxy(gateway)
    client = case.subscriber(proxy, form=form, connect=BACKOFF, concurrency=8,
                             max_outstanding_events=chance.choice((1, 10, 1000)))
    calls = [f"c-{number}" for number in range(EVENTS_SETTLED)]
    vendor = _Vendor(gateway, calls, chance, 0.08)
    troubles = _Troubles(gateway, proxy, random.Random(chance.random()))
    quiet = threading.Event()

    def trouble():
        while not quiet.is_set():
            troubles.pause(0.1, 1.2)
            troubles.next()

    application = _Application(client, chance)
    troubled = threading.Thread(target=trouble, daemon=True)
    with contextlib.closing(vendor):
        troubled.start()
        vendor.start()
        while vendor.is_alive():
            application.go_on()
            vendor.join(0.02)
        quiet.set()
        while troubled.is_alive():
            application.go_on()
            troubled.join(0.02)
        vendor.ended()

    def over():
        application.go_on()
        return application.idle() and gateway.stats("crm").backlog_events == 0

    wait_until(over, "crm owes nothing")
    client.stopped_well()
    states = {call: gateway.state(call, "crm") for call in calls}
    check_equal({call: state for call, state in states.items() if state != "ACKED"}, {}, f"not acknowledged, {form}")
    check_equal(gateway.dead_letters("crm"), [], "dead letters")
    check_equal(client.close(), 0, "the exit code")
