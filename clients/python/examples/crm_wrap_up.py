"""Writes each call that has ended into a CRM, once.

    python examples/crm_wrap_up.py wrap_ups.db [SERVER]

The same event may come again: the event_id is the table's key, so a second time changes nothing.
It is acknowledged only after the row is on disk.
"""

from __future__ import annotations

import signal
import sqlite3
import sys

import onhook

TABLE = """
CREATE TABLE IF NOT EXISTS wrap_up (
  event_id TEXT PRIMARY KEY, crm_key TEXT, customer TEXT, talked_seconds REAL, ended_by TEXT)
"""


class WrapUps:
    """The CRM's table. One connection, for the one thread of a handler."""

    def __init__(self, path: str) -> None:
        self._database = sqlite3.connect(path, check_same_thread=False)
        self._database.execute(TABLE)

    def write(self, delivery: onhook.Delivery) -> None:
        """The handler: returning acknowledges, raising has the event come again."""
        event = delivery.event
        talked = event.talk_duration
        row = (
            event.event_id,
            event.call_data,
            event.called,
            None if talked is None else talked.total_seconds(),
            None if event.release_reason is None else event.release_reason.name,
        )
        # Committed at the end of the block, or not at all.
        with self._database:
            self._database.execute("INSERT OR IGNORE INTO wrap_up VALUES (?, ?, ?, ?, ?)", row)


def main() -> None:
    """Runs until it is interrupted or terminated."""
    wrap_ups = WrapUps(sys.argv[1])
    server = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1:50051"
    with onhook.Client(server) as client:
        subscription = client.subscribe("crm", wrap_ups.write, create_if_missing=True)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: subscription.begin_stop())
        subscription.wait()


if __name__ == "__main__":
    main()
