"""Fetches the recording of each call that has ended.

    python examples/recording_fetch.py DIRECTORY MEDIA_SERVER [SERVER]

What may pass, as a server that is busy, is tried again later; what will not, as a recording that
does not exist, is parked, where a person finds it: `onhook dead-letters list recordings`. A call
without a recording is done with.
"""

from __future__ import annotations

import asyncio
import hashlib
import signal
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import onhook
import onhook.aio

# Answers of the media server that will be the same tomorrow.
PERMANENT = {400, 403, 404, 410}


class Recordings:
    """A directory of recordings, and where they come from."""

    def __init__(self, directory: Path, media_server: str) -> None:
        self._directory = directory
        self._media_server = media_server.rstrip("/")

    def path_of(self, event: onhook.ReleaseEvent) -> Path:
        """Where the recording of an event is kept: the same each time the event comes."""
        return self._directory / f"{hashlib.sha256(event.event_id.encode()).hexdigest()}.wav"

    async def fetch(self, delivery: onhook.aio.Delivery) -> None:
        """The handler. A slow download keeps its event: its deadline is extended meanwhile."""
        event = delivery.event
        if not event.recordfile:
            raise onhook.Skip("the call was not recorded")
        if self.path_of(event).exists():
            return
        try:
            await asyncio.to_thread(self._download, event)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in PERMANENT:
                raise onhook.Park(f"the media server says {error.code}") from error
            raise onhook.Retry(f"the media server says {error.code}", delay=60) from error

    def _download(self, event: onhook.ReleaseEvent) -> None:
        address = f"{self._media_server}/{urllib.parse.quote(event.recordfile or '')}"
        path = self.path_of(event)
        unfinished = path.with_suffix(".part")
        with urllib.request.urlopen(address, timeout=30) as answer:
            unfinished.write_bytes(answer.read())
        # Whole or not at all, whatever is killed.
        unfinished.rename(path)


async def main() -> None:
    """Runs until it is interrupted or terminated."""
    recordings = Recordings(Path(sys.argv[1]), sys.argv[2])
    server = sys.argv[3] if len(sys.argv) > 3 else "127.0.0.1:50051"
    async with onhook.aio.Client(server) as client:
        subscription = client.subscribe(
            "recordings", recordings.fetch, create_if_missing=True, concurrency=8
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, subscription.begin_stop)
        await subscription.wait()


if __name__ == "__main__":
    asyncio.run(main())
