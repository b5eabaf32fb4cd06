"""The interop program on the blocking client; see tests/interop/clients/PROTOCOL.md."""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from pathlib import Path
from typing import Any, TextIO

import reports

import onhook


class Program:
    """Does what it is told; what waits has its own thread."""

    def __init__(self) -> None:
        self.client: onhook.Client | None = None
        self.subscription: onhook.Subscription | None = None
        self.watch: onhook.Watch | None = None
        self.counter = reports.Counter()
        self.counting = threading.Lock()
        self.deliveries: dict[int, onhook.Delivery] = {}
        self.outcomes: dict[int, queue.SimpleQueue[dict[str, Any]]] = {}
        self.log: TextIO | None = None

    def spawn(self, function: Any, *arguments: Any) -> None:
        threading.Thread(target=function, args=arguments, daemon=True).start()

    def do(self, command: dict[str, Any]) -> None:
        actions = {
            "connect": self.connect,
            "subscribe": self.subscribe,
            "settle": self.settle,
            "extend": self.extend,
            "pause": self.pause,
            "resume": self.resume,
            "stop": self.stop,
            "count": self.count,
            "watch": self.start_watch,
            "get": self.get,
            "list": self.list,
        }
        action = actions.get(command.get("do", ""))
        if action is None:
            reports.refuse_command(command)
            os._exit(2)
        action(command)

    def connect(self, command: dict[str, Any]) -> None:
        self.client = onhook.Client(**reports.client_arguments(command))

    def subscribe(self, command: dict[str, Any]) -> None:
        assert self.client is not None
        if command.get("log"):
            self.log = Path(command["log"]).open("a", encoding="utf-8")  # noqa: SIM115 -- until the end
        acks = command.get("auto") == "ack"
        handler = self.acknowledge if acks else self.handle
        is_handler = command["form"] == "handler"
        self.subscription = self.client.subscribe(
            command["subscription"],
            handler if is_handler else None,
            **reports.subscribe_arguments(command),
        )
        if is_handler:
            self.spawn(self.await_end)
        else:
            self.spawn(self.iterate, acks)

    def acknowledge(self, delivery: onhook.Delivery) -> None:
        with self.counting:
            self.counter.handle()
            self.note(delivery)

    def note(self, delivery: onhook.Delivery) -> None:
        if self.log is not None:
            self.log.write(f"{delivery.event_id} {delivery.attempt}\n")

    def keep(self, delivery: onhook.Delivery) -> int:
        with self.counting:
            self.counter.handle()
            number = self.counter.handled
            self.note(delivery)
            self.deliveries[number] = delivery
            return number

    def handle(self, delivery: onhook.Delivery) -> None:
        outcome: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        number = self.keep(delivery)
        self.outcomes[number] = outcome
        reports.report_delivery(number, delivery)
        command = outcome.get()
        if command["how"] != "ack":
            raise reports.failure_of(command)

    def iterate(self, acks: bool) -> None:
        assert self.subscription is not None
        try:
            for delivery in self.subscription:
                if acks:
                    delivery.ack()
                    self.acknowledge(delivery)
                else:
                    reports.report_delivery(self.keep(delivery), delivery)
        except onhook.OnhookError:
            pass  # told by await_end
        self.await_end()

    def await_end(self) -> None:
        assert self.subscription is not None
        error: onhook.OnhookError | None = None
        try:
            self.subscription.wait()
        except onhook.OnhookError as raised:
            error = raised
        if self.log is not None:
            self.log.close()
        reports.report_ended(error)

    def settle(self, command: dict[str, Any]) -> None:
        number = command["number"]
        if number in self.outcomes:
            self.outcomes.pop(number).put(command)
            return
        delivery = self.deliveries.pop(number)
        reason = command.get("reason", "")
        how = command["how"]
        if how == "ack":
            confirmation = delivery.ack()
        elif how in ("fail", "retry"):
            confirmation = delivery.nack(reports.milliseconds(command, "delay_ms"), reason)
        else:
            confirmation = getattr(delivery, how)(reason)
        self.spawn(self.await_answer, "settled", number, confirmation)

    def extend(self, command: dict[str, Any]) -> None:
        number = command["number"]
        deadline = reports.milliseconds(command, "deadline_ms")
        assert deadline is not None
        confirmation = self.deliveries[number].extend(deadline)
        self.spawn(self.await_answer, "extended", number, confirmation)

    def await_answer(self, kind: str, number: int, confirmation: onhook.Confirmation) -> None:
        reports.report_answer(kind, number, confirmation.exception())

    def pause(self, _command: dict[str, Any]) -> None:
        assert self.subscription is not None
        self.subscription.pause()

    def resume(self, _command: dict[str, Any]) -> None:
        assert self.subscription is not None
        self.subscription.resume()

    def stop(self, command: dict[str, Any]) -> None:
        if self.watch is not None:
            self.spawn(self.watch.stop)
        elif self.subscription is not None:
            self.subscription.begin_stop(reports.milliseconds(command, "grace_ms"))

    def count(self, _command: dict[str, Any]) -> None:
        self.counter.report()

    def start_watch(self, command: dict[str, Any]) -> None:
        assert self.client is not None
        self.watch = self.client.watch(**reports.watch_arguments(command))
        self.spawn(self.read_watch, self.watch)

    def read_watch(self, watch: onhook.Watch) -> None:
        error: onhook.OnhookError | None = None
        try:
            for watched in watch:
                reports.report(
                    "watched",
                    event_id=watched.event.event_id,
                    cursor=watched.cursor,
                    event=reports.serialised(watched.event),
                )
        except onhook.OnhookError as raised:
            error = raised
        reports.report_ended(error)

    def get(self, command: dict[str, Any]) -> None:
        def get(client: onhook.Client) -> None:
            try:
                reports.report_got(client.get_event(command["event_id"]), None)
            except onhook.OnhookError as error:
                reports.report_got(None, error)

        assert self.client is not None
        self.spawn(get, self.client)

    def list(self, command: dict[str, Any]) -> None:
        def list_(client: onhook.Client) -> None:
            listing = client.list_events(
                command["call_serial_no"], page_size=command.get("page_size", 0)
            )
            reports.report("listed", event_ids=[stored.event.event_id for stored in listing])

        assert self.client is not None
        self.spawn(list_, self.client)


program = Program()
for line in sys.stdin:
    program.do(json.loads(line))
# Whatever is under way.
sys.stdout.flush()
os._exit(0)
