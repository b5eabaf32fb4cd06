"""The real gateway as a process, with a vendor that posts to it and stubs that look into it."""

import http.client
import json
import queue
import signal
import subprocess
import threading

import grpc
from gateway_stores import STORES
from onhook.v1 import release_event_service_pb2 as events_api
from onhook.v1 import release_event_service_pb2_grpc as events_service
from onhook.v1 import subscription_service_pb2 as subscriptions_api
from onhook.v1 import subscription_service_pb2_grpc as subscriptions_service
from waiting import PATIENCE_S, Failure, check, check_equal, wait_until

CALL_TIMEOUT_S = 20
LISTENERS = ("http", "grpc", "admin")


class Gateway:
    """onhookd on a store of its own, of that engine. Its ports stay the same over restarts."""

    def __init__(self, program, folder, *settings, engine="sqlite", insecure_look=True):
        self.program = program
        self.folder = folder
        self._store = STORES[engine](folder)
        self.settings = ["--acknowledge-when=stored", *self._store.settings(settings)]
        self.ports = {}
        self.process = None
        self.log = []
        self._insecure_look = insecure_look
        self._http = None
        self._posting = threading.Lock()
        self._channel = None
        self.start()

    def start(self):
        wait_until(self._start_once, "the gateway has its ports")

    def _start_once(self):
        """False: somebody's connection has one of its ports for the moment."""
        ports = {name: self.ports.get(name, 0) for name in LISTENERS}
        self.process = subprocess.Popen(
            [self.program, *self.settings,
             *(f"--{name}-listen=127.0.0.1:{port}" for name, port in ports.items())],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=self.folder)
        lines = queue.Queue()
        threading.Thread(target=self._read, args=(self.process.stderr, lines), daemon=True).start()
        heard = set()
        while heard != set(LISTENERS):
            try:
                line = lines.get(timeout=PATIENCE_S)
            except queue.Empty:
                line = None
            if line is None:
                raise Failure("the gateway did not start: " + "".join(self.log[-5:]))
            if "the port is taken" in line and any(ports.values()):
                self.process.wait(timeout=PATIENCE_S)
                return False
            if not line.startswith("{"):
                raise Failure(f"the gateway did not start: {line}")
            entry = json.loads(line)
            if entry.get("msg") == "listening" and entry["listener"] in LISTENERS:
                self.ports[entry["listener"]] = int(entry["address"].rpartition(":")[2])
                heard.add(entry["listener"])
        return True

    def _read(self, stream, lines):
        for line in stream:
            self.log.append(line)
            lines.put(line)
        lines.put(None)

    @property
    def server(self):
        return f"127.0.0.1:{self.ports['grpc']}"

    def stop(self):
        self._end(signal.SIGTERM)

    def kill(self):
        self._end(signal.SIGKILL)

    def _end(self, number):
        if self.process is None:
            return
        self.process.send_signal(number)
        self.process.wait(timeout=PATIENCE_S)
        self.process = None
        if self._http is not None:
            self._http.close()
            self._http = None

    # The vendor.

    def post(self, call, headers=None, **fields):
        """One callback, which must be answered with success."""
        body = json.dumps({"callSerialNo": call, "called": "88880067", **fields}).encode()
        with self._posting:
            try:
                answer = self._answer(body, headers or {})
            except (ConnectionError, http.client.HTTPException):
                # The connection was idle for longer than the gateway keeps it. A repeat does no harm.
                self._http = None
                answer = self._answer(body, headers or {})
        check_equal(answer["retCode"], "0", f"the answer to {call}")

    def _answer(self, body, headers):
        if self._http is None:
            self._http = http.client.HTTPConnection("127.0.0.1", self.ports["http"], timeout=PATIENCE_S)
        self._http.request("POST", "/release-events", body, headers)
        return json.loads(self._http.getresponse().read())

    def post_all(self, calls):
        for call in calls:
            self.post(call)
        return calls

    # What it knows.

    def _stub(self, kind):
        check(self._insecure_look, "this gateway is not looked into")
        if self._channel is None:
            self._channel = grpc.insecure_channel(self.server, [("grpc.initial_reconnect_backoff_ms", 100),
                                                                ("grpc.max_reconnect_backoff_ms", 200)])
        return kind(self._channel)

    def events(self):
        return self._stub(events_service.ReleaseEventServiceStub)

    def subscriptions(self):
        return self._stub(subscriptions_service.SubscriptionServiceStub)

    @staticmethod
    def _ask(method, request):
        """An answer; a connection that a restart has just broken is tried again."""
        def answer():
            try:
                return method(request, timeout=CALL_TIMEOUT_S, wait_for_ready=True)
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.UNAVAILABLE:
                    return None
                raise
        return wait_until(answer, "the gateway answers")

    def create(self, name, **spec):
        request = subscriptions_api.CreateSubscriptionRequest(name=name)
        request.spec.SetInParent()
        for member, value in spec.items():
            getattr(request.spec, member).FromMilliseconds(value)
        self._ask(self.subscriptions().CreateSubscription, request)

    def stats(self, name):
        request = subscriptions_api.GetSubscriptionRequest(name=name)
        return self._ask(self.subscriptions().GetSubscription, request).subscription.stats

    def wait_settled(self, name, patience_s=PATIENCE_S):
        wait_until(lambda: self.stats(name).backlog_events == 0, f"{name} owes nothing", patience_s)

    def wait_streams(self, name, count):
        def holds():
            try:
                return self.stats(name).connected_streams == count
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.NOT_FOUND:
                    return False
                raise
        wait_until(holds, f"{name} has {count} streams")

    def event_ids(self, call):
        request = events_api.ListEventsRequest(call_serial_no=call)
        answer = self._ask(self.events().ListEvents, request)
        return [stored.event.event_id for stored in answer.stored_events]

    def all_event_ids(self):
        """Of what fits on one page, which must be all there is."""
        request = events_api.ListEventsRequest(page_size=1000)
        request.received_from.FromSeconds(1)
        answer = self._ask(self.events().ListEvents, request)
        check_equal(answer.next_page_token, "", "there is one page")
        return {stored.event.event_id for stored in answer.stored_events}

    def timeline(self, call, subscription):
        """(state, entries) of the one event of that call."""
        request = events_api.ListEventsRequest(call_serial_no=call)
        answer = self._ask(self.events().ListEvents, request)
        check_equal(len(answer.stored_events), 1, f"events of {call}")
        for timeline in answer.stored_events[0].timelines:
            if timeline.subscription == subscription:
                return events_api.SubscriptionTimeline.State.Name(timeline.state)[6:], list(timeline.entries)
        return None, []

    def state(self, call, subscription):
        return self.timeline(call, subscription)[0]

    def dead_letters(self, name):
        request = subscriptions_api.ListDeadLettersRequest(subscription=name)
        return list(self._ask(self.subscriptions().ListDeadLetters, request).dead_letters)

    def close(self):
        if self._channel is not None:
            self._channel.close()
        if self.process is not None:
            self._end(signal.SIGKILL)
        self._store.close()
