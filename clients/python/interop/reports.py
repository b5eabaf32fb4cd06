"""What both interop programs report, and how; see tests/interop/clients/PROTOCOL.md."""

from __future__ import annotations

import base64
import json
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from typing import Any

import onhook
import onhook.aio

OPTIONAL_TEXTS = (
    "call_data",
    "call_serial_no",
    "called",
    "caller",
    "caller_present",
    "location_id",
    "recordfile",
    "release_reason_code",
    "service_no",
)
_writing = threading.Lock()


def report(kind: str, **members: Any) -> None:
    """One line for whoever runs the scenario."""
    line = json.dumps({"report": kind, **members})
    with _writing:
        print(line, flush=True)


def enum_name(value: onhook.OpenEnum) -> str:
    """A value's name, or its number if it has none."""
    return value.name if value.is_known else str(int(value))


def serialised(event: onhook.ReleaseEvent) -> str:
    """The event as the library would send it."""
    return base64.b64encode(event.message.SerializeToString()).decode()


def _rfc3339(time_: datetime | None) -> str | None:
    if time_ is None:
        return None
    text = time_.astimezone(timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def native(event: onhook.ReleaseEvent) -> dict[str, Any]:
    """The event as the library's own types have it."""
    talk = event.talk_duration
    reason = event.release_reason
    return {
        "call_serial_no": event.call_serial_no,
        "called": event.called,
        "call_data": event.call_data,
        "release_time": _rfc3339(event.release_time),
        "talk_duration_ms": None if talk is None else talk // timedelta(milliseconds=1),
        "release_reason": None if reason is None else enum_name(reason),
        "extra": dict(event.extra),
        "unset": [name for name in OPTIONAL_TEXTS if getattr(event, name) is None],
    }


def report_delivery(number: int, delivery: onhook.Delivery | onhook.aio.Delivery) -> None:
    """A delivery waits for its `settle`."""
    report(
        "delivery",
        number=number,
        delivery_id=delivery.delivery_id,
        event_id=delivery.event_id,
        cursor=delivery.cursor,
        attempt=delivery.attempt,
        redelivery_reason=enum_name(delivery.redelivery_reason),
        traceparent=delivery.trace_context.get("traceparent"),
        event=serialised(delivery.event),
        native=native(delivery.event),
    )


def report_state(change: onhook.StateChange) -> None:
    """The state hook."""
    members: dict[str, Any] = {"state": change.state.value}
    if change.error is not None:
        members.update(code=change.error.code.name, message=change.error.message)
    report("state", **members)


def report_answer(kind: str, number: int, error: onhook.OnhookError | None) -> None:
    """The gateway has answered a settlement or an extension."""
    code = "OK" if error is None else error.code.name
    report(kind, number=number, ok=error is None, code=code)


def report_ended(error: onhook.OnhookError | None) -> None:
    """The subscription or the watch has ended."""
    if error is None:
        report("ended", ok=True, code="OK", reason="", message="")
        return
    members: dict[str, Any] = {}
    if isinstance(error, onhook.GapError):
        members["gap"] = {"oldest_cursor": error.oldest_cursor, "events_lost": error.events_lost}
    report(
        "ended",
        ok=False,
        code=error.code.name,
        reason=error.reason,
        message=error.message,
        **members,
    )


def report_got(stored: onhook.StoredEvent | None, error: onhook.OnhookError | None) -> None:
    """A look-up is done."""
    if stored is None:
        code = error.code.name if error is not None else "OK"
        report("got", found=False, code=code, event=None, native=None, states={})
        return
    report(
        "got",
        found=True,
        code="OK",
        event=serialised(stored.event),
        native=native(stored.event),
        states={name: enum_name(one.state) for name, one in stored.timelines.items()},
    )


class Counter:
    """How many events were handled, and in what time."""

    def __init__(self) -> None:
        self.handled = 0
        self._first = 0.0
        self._last = 0.0

    def handle(self, count: int = 1) -> None:
        """So many more, now."""
        self._last = time.monotonic()
        if self.handled == 0:
            self._first = self._last
        self.handled += count

    def report(self) -> None:
        """Answers `count`."""
        elapsed = round((self._last - self._first) * 1000, 3)
        report("count", handled=self.handled, elapsed_ms=elapsed)


def client_arguments(command: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a client, of a `connect` command."""
    arguments: dict[str, Any] = {"server": command["server"]}
    files = ("ca_file", "certificate_file", "key_file", "server_name")
    tls = {name: command[name] for name in files if command.get(name)}
    if tls:
        arguments["tls"] = onhook.Tls(**tls)
    if command.get("token_file"):
        arguments["token_file"] = command["token_file"]
    if command.get("backoff_max_ms"):
        maximum = timedelta(milliseconds=command["backoff_max_ms"])
        arguments["reconnect"] = onhook.Reconnect(
            initial=min(timedelta(milliseconds=100), maximum), maximum=maximum
        )
    return arguments


def subscribe_arguments(command: dict[str, Any]) -> dict[str, Any]:
    """The options of a subscription, of a `subscribe` command."""
    arguments: dict[str, Any] = {"on_state": report_state}
    for name in ("consumer_name", "max_outstanding_events", "concurrency"):
        if command.get(name) is not None:
            arguments[name] = command[name]
    if command.get("create"):
        arguments["create_if_missing"] = True
    for name in ("ack_deadline", "max_extension", "grace"):
        if command.get(f"{name}_ms") is not None:
            arguments[name] = timedelta(milliseconds=command[f"{name}_ms"])
    return arguments


def watch_arguments(command: dict[str, Any]) -> dict[str, Any]:
    """The options of a watch, of a `watch` command."""
    arguments: dict[str, Any] = {"on_state": report_state}
    if command.get("position"):
        arguments["position"] = onhook.StartPosition[command["position"].upper()]
    for name in ("after_cursor", "stop_at_end", "observe_only"):
        if command.get(name) is not None:
            arguments[name] = command[name]
    return arguments


def milliseconds(command: dict[str, Any], name: str) -> timedelta | None:
    """A duration of a command."""
    value = command.get(name)
    return None if value is None else timedelta(milliseconds=value)


def failure_of(command: dict[str, Any]) -> Exception:
    """What a handler raises for a `settle` other than `ack`."""
    reason = command.get("reason", "")
    how = command["how"]
    if how == "fail":
        return RuntimeError(reason)
    if how == "retry":
        return onhook.Retry(reason, delay=milliseconds(command, "delay_ms"))
    kinds = {"park": onhook.Park, "skip": onhook.Skip, "release": onhook.Release}
    return kinds[how](reason)


def refuse_command(command: dict[str, Any]) -> None:
    """It is none that the protocol knows."""
    print(f"unknown command: {command}", file=sys.stderr)
