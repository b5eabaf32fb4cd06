"""The examples do what they say."""

from __future__ import annotations

import importlib.util
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest

import onhook
from onhook import Action
from onhook.testing import FakeGateway, make_aio_delivery, make_event, outcome_async

EXAMPLES = Path(__file__).parents[1] / "examples"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_call_is_wrapped_up_once_however_often_it_comes(
    gateway: FakeGateway, tmp_path: Path
) -> None:
    path = tmp_path / "wrap_ups.db"
    event = gateway.publish(
        call_data="crm-7",
        called="88880067",
        talk_duration=timedelta(seconds=6),
        release_reason=onhook.ReleaseReason.CALLED_HUNG_UP,
    )
    command: list[str | Path] = [sys.executable, EXAMPLES / "crm_wrap_up.py", path, gateway.address]
    with subprocess.Popen(command) as process:
        gateway.settlement(event)
        gateway.redeliver(event)
        gateway.wait_until(lambda: len(gateway.settlements) == 2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    assert {one.action for one in gateway.settlements} == {Action.ACK}
    database = sqlite3.connect(path)
    rows = database.execute("SELECT * FROM wrap_up").fetchall()
    database.close()
    assert rows == [(event.event_id, "crm-7", "88880067", 6.0, "CALLED_HUNG_UP")]


class MediaServer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status = {"/there.wav": 200, "/busy.wav": 503}.get(self.path, 404)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b"sound")

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""


@pytest.fixture
def media_server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), MediaServer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("recordfile", "action", "reason"),
    [
        ("there.wav", Action.ACK, ""),
        ("gone.wav", Action.PARK, "the media server says 404"),
        ("busy.wav", Action.RETRY, "the media server says 503"),
        (None, Action.SKIP, "the call was not recorded"),
    ],
)
async def test_a_recording_is_fetched_parked_or_tried_again(
    media_server: str, tmp_path: Path, recordfile: str | None, action: Action, reason: str
) -> None:
    recordings = load("recording_fetch").Recordings(tmp_path, media_server)
    event = make_event(recordfile=recordfile)
    said = await outcome_async(recordings.fetch, make_aio_delivery(event))
    assert (said.action, said.reason) == (action, reason)
    if action is Action.ACK:
        assert recordings.path_of(event).read_bytes() == b"sound"
        again = load("recording_fetch").Recordings(tmp_path, "http://127.0.0.1:9")
        assert (await outcome_async(again.fetch, make_aio_delivery(event))).action is Action.ACK


async def test_a_media_server_that_is_away_has_the_event_come_again(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), MediaServer) as server:
        away = f"http://127.0.0.1:{server.server_address[1]}"
    recordings = load("recording_fetch").Recordings(tmp_path, away)
    said = await outcome_async(recordings.fetch, make_aio_delivery(recordfile="a.wav"))
    assert said.action is Action.RETRY
