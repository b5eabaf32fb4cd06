"""The README's examples run."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from onhook import Action
from onhook.testing import FakeGateway

README = Path(__file__).parents[1] / "README.md"
BLOCKS: list[str] = re.findall(
    r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL
)


def block_with(words: str) -> str:
    (found,) = [block for block in BLOCKS if words in block]
    return found


def start(block: str, gateway: FakeGateway, folder: Path) -> subprocess.Popen[str]:
    program = folder / "program.py"
    program.write_text(block.replace("127.0.0.1:50051", gateway.address), encoding="utf-8")
    command = [sys.executable, str(program)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ("words", "ending"),
    [
        ("for delivery in subscription:", signal.SIGINT),
        ("concurrency=4", signal.SIGINT),
        *(
            (words, number)
            for words in ("signal.signal(number", "add_signal_handler(number")
            for number in (signal.SIGINT, signal.SIGTERM)
        ),
    ],
)
def test_a_consumer_prints_what_comes_and_acknowledges_it(
    gateway: FakeGateway, tmp_path: Path, words: str, ending: signal.Signals
) -> None:
    event = gateway.publish()
    with start(block_with(words), gateway, tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == event.event_id
        assert gateway.settlement(event).action is Action.ACK
        process.send_signal(ending)
        _, words_of_error = process.communicate(timeout=20)
    if "(number" in words:
        assert (process.returncode, words_of_error) == (0, "")
    else:
        assert words_of_error.strip().endswith("KeyboardInterrupt")


def test_the_log_is_read(gateway: FakeGateway, tmp_path: Path) -> None:
    event = gateway.publish(call_serial_no="c-1")
    with start(block_with("client.watch"), gateway, tmp_path) as process:
        printed, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    assert printed.splitlines() == [
        f"{event.event_id} cursor-1",
        "to go on from: cursor-1",
        f"{event.event_id} {{}}",
    ]


def test_the_tests_it_shows_pass(tmp_path: Path) -> None:
    program = tmp_path / "test_shown.py"
    program.write_text(block_with("def test_a_call_is_wrapped_up"), encoding="utf-8")
    arguments = ["-q", "-p", "no:cacheprovider", str(program)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed" in done.stdout, done.stdout


@pytest.mark.parametrize("block", BLOCKS)
def test_every_block_compiles(block: str) -> None:
    compile(block, "README.md", "exec")
