"""The interop program on `onhook.aio`; see tests/interop/clients/PROTOCOL.md."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TextIO

import reports

import onhook
import onhook.aio


class Program:
    """Does what it is told."""

    def __init__(self) -> None:
        self.client: onhook.aio.Client | None = None
        self.subscription: onhook.aio.Subscription | None = None
        self.watch: onhook.aio.Watch | None = None
        self.counter = reports.Counter()
        self.deliveries: dict[int, onhook.aio.Delivery] = {}
        self.outcomes: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.log: TextIO | None = None
        self.tasks: set[asyncio.Task[None]] = set()

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

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
        self.client = onhook.aio.Client(**reports.client_arguments(command))

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
            self.spawn(self.await_end())
        else:
            self.spawn(self.iterate_acknowledging() if acks else self.iterate())

    def acknowledge(self, delivery: onhook.aio.Delivery) -> None:
        self.counter.handle()
        self.note(delivery)

    def note(self, delivery: onhook.aio.Delivery) -> None:
        if self.log is not None:
            self.log.write(f"{delivery.event_id} {delivery.attempt}\n")

    def report_delivery(self, delivery: onhook.aio.Delivery) -> int:
        self.counter.handle()
        number = self.counter.handled
        self.note(delivery)
        self.deliveries[number] = delivery
        return number

    async def handle(self, delivery: onhook.aio.Delivery) -> None:
        number = self.report_delivery(delivery)
        outcome = self.outcomes[number] = asyncio.get_running_loop().create_future()
        reports.report_delivery(number, delivery)
        command = await outcome
        if command["how"] != "ack":
            raise reports.failure_of(command)

    async def iterate(self) -> None:
        assert self.subscription is not None
        try:
            async for delivery in self.subscription:
                reports.report_delivery(self.report_delivery(delivery), delivery)
        except onhook.OnhookError:
            pass  # told by await_end
        await self.await_end()

    async def iterate_acknowledging(self) -> None:
        assert self.subscription is not None
        try:
            async for delivery in self.subscription:
                delivery.ack()
                self.counter.handle()
                self.note(delivery)
        except onhook.OnhookError:
            pass  # told by await_end
        await self.await_end()

    async def await_end(self) -> None:
        assert self.subscription is not None
        error: onhook.OnhookError | None = None
        try:
            await self.subscription.wait()
        except onhook.OnhookError as raised:
            error = raised
        if self.log is not None:
            self.log.close()
        reports.report_ended(error)

    def settle(self, command: dict[str, Any]) -> None:
        number = command["number"]
        if number in self.outcomes:
            self.outcomes.pop(number).set_result(command)
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
        self.spawn(self.await_answer("settled", number, confirmation))

    def extend(self, command: dict[str, Any]) -> None:
        number = command["number"]
        deadline = reports.milliseconds(command, "deadline_ms")
        assert deadline is not None
        confirmation = self.deliveries[number].extend(deadline)
        self.spawn(self.await_answer("extended", number, confirmation))

    async def await_answer(
        self, kind: str, number: int, confirmation: onhook.aio.Confirmation
    ) -> None:
        error: onhook.OnhookError | None = None
        try:
            await confirmation
        except onhook.OnhookError as raised:
            error = raised
        reports.report_answer(kind, number, error)

    def pause(self, _command: dict[str, Any]) -> None:
        assert self.subscription is not None
        self.subscription.pause()

    def resume(self, _command: dict[str, Any]) -> None:
        assert self.subscription is not None
        self.subscription.resume()

    def stop(self, command: dict[str, Any]) -> None:
        async def stop() -> None:
            if self.watch is not None:
                await self.watch.stop()
            elif self.subscription is not None:
                # What goes wrong is told by await_end.
                with contextlib.suppress(onhook.OnhookError):
                    await self.subscription.stop(reports.milliseconds(command, "grace_ms"))

        self.spawn(stop())

    def count(self, _command: dict[str, Any]) -> None:
        self.counter.report()

    def start_watch(self, command: dict[str, Any]) -> None:
        assert self.client is not None
        self.watch = self.client.watch(**reports.watch_arguments(command))
        self.spawn(self.read_watch(self.watch))

    async def read_watch(self, watch: onhook.aio.Watch) -> None:
        error: onhook.OnhookError | None = None
        try:
            async for watched in watch:
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
        async def get(client: onhook.aio.Client) -> None:
            try:
                reports.report_got(await client.get_event(command["event_id"]), None)
            except onhook.OnhookError as error:
                reports.report_got(None, error)

        assert self.client is not None
        self.spawn(get(self.client))

    def list(self, command: dict[str, Any]) -> None:
        async def list_(client: onhook.aio.Client) -> None:
            listing = client.list_events(
                command["call_serial_no"], page_size=command.get("page_size", 0)
            )
            reports.report("listed", event_ids=[stored.event.event_id async for stored in listing])

        assert self.client is not None
        self.spawn(list_(self.client))


async def main() -> None:
    loop = asyncio.get_running_loop()
    program = Program()

    def failed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        loop.default_exception_handler(context)

    loop.set_exception_handler(failed)

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(program.do, json.loads(line))
        # Whatever is under way.
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    await asyncio.Event().wait()


asyncio.run(main())
