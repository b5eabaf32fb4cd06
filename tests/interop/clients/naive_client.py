#!/usr/bin/env python3
"""A client as one writes it on bare stubs on the first day, behind the commands of PROTOCOL.md: no extension, no
second stream, nothing sent again, a stop that just closes. What the scenarios must find fault with."""

import base64
import json
import queue
import sys
import threading

import grpc
from onhook.v1 import release_event_service_pb2 as api
from onhook.v1 import release_event_service_pb2_grpc as service

ACTIONS = {"fail": api.NackRequest.ACTION_RETRY, "retry": api.NackRequest.ACTION_RETRY,
           "park": api.NackRequest.ACTION_PARK, "skip": api.NackRequest.ACTION_SKIP,
           "release": api.NackRequest.ACTION_RELEASE}
_writing = threading.Lock()


def report(kind, **members):
    with _writing:
        print(json.dumps({"report": kind, **members}), flush=True)


class Receiver:
    """One stream; when it ends, so does all."""

    def __init__(self, server, command):
        opening = api.SubscribeOpen(subscription=command["subscription"])
        if command.get("create"):
            opening.create_if_missing.SetInParent()
        if "ack_deadline_ms" in command:
            opening.ack_deadline.FromMilliseconds(command["ack_deadline_ms"])
        self._at_once = command.get("concurrency", 1) if command["form"] == "handler" else 1_000_000
        self._requests = queue.Queue()
        self._requests.put(api.SubscribeRequest(open=opening))
        self._waiting, self._running, self._count = queue.Queue(), {}, 0
        self._changing = threading.Lock()
        self._log = open(command["log"], "a", encoding="utf-8") if "log" in command else None
        self._auto, self._handled, self._asked = command.get("auto"), 0, {}
        report("state", state="connecting")
        self._call = service.ReleaseEventServiceStub(grpc.insecure_channel(server)).Subscribe(
            iter(self._requests.get, None))
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        code = None
        try:
            for response in self._call:
                if response.HasField("opened"):
                    report("state", state="streaming")
                for delivery in response.deliveries.deliveries:
                    if self._auto:
                        self._take(delivery)
                    else:
                        self._waiting.put(delivery)
                        self._begin()
                if response.HasField("ack_results"):
                    report("settled", number=self._asked.get(response.ack_results.request_id), ok=True)
        except grpc.RpcError as error:
            code = error.code().name
        if self._log:
            self._log.close()
        report("state", state="stopped")
        report("ended", ok=code is None, code=code, reason="", message="")

    def _take(self, delivery):
        self._handled += 1
        if self._log:
            self._log.write(f"{delivery.event.event_id} {delivery.attempt}\n")
        self._requests.put(api.SubscribeRequest(ack=api.AckRequest(delivery_ids=[delivery.delivery_id])))

    def count(self):
        report("count", handled=self._handled, elapsed_ms=0)

    def _begin(self):
        with self._changing:
            while len(self._running) < self._at_once and not self._waiting.empty():
                delivery = self._waiting.get()
                self._count += 1
                self._running[self._count] = delivery
                report("delivery", number=self._count, delivery_id=delivery.delivery_id, attempt=delivery.attempt,
                       event_id=delivery.event.event_id, cursor=delivery.cursor, traceparent=None, native={},
                       redelivery_reason=api.Delivery.RedeliveryReason.Name(delivery.redelivery_reason)[18:],
                       event=base64.b64encode(delivery.event.SerializeToString()).decode())

    def settle(self, command):
        delivery = self._running.pop(command["number"])
        request = api.SubscribeRequest()
        if command["how"] == "ack":
            request.ack.delivery_ids.append(delivery.delivery_id)
            request.ack.request_id = command["number"]
            self._asked[command["number"]] = command["number"]
        else:
            request.nack.delivery_ids.append(delivery.delivery_id)
            request.nack.action = ACTIONS[command["how"]]
            request.nack.reason = command.get("reason", "")
            if "delay_ms" in command:
                request.nack.delay.FromMilliseconds(command["delay_ms"])
        self._requests.put(request)
        self._begin()

    def stop(self):
        self._requests.put(None)


def main():
    server = receiver = None
    for line in sys.stdin:
        command = json.loads(line)
        do = command["do"]
        if do == "connect":
            server = command["server"]
        elif do == "subscribe":
            receiver = Receiver(server, command)
        elif do == "settle":
            receiver.settle(command)
        elif do == "count":
            receiver.count()
        elif do == "stop":
            receiver.stop()
        elif do not in ("pause", "resume", "extend"):  # those it has not got to
            sys.exit(2)


if __name__ == "__main__":
    main()
