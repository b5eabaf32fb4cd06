"""What the scenarios' gateways keep their events in: SqliteStore, JetStreamStore.

Scenarios know nothing of this. Where JetStream does not promise what SQLite does (the table of
gateway/ARCHITECTURE.md), a scenario that meets the difference is given what it needs here, by name.
"""

from nats_server import NatsServer

# A gateway that was killed keeps what it had from its successor for so long. Unset 10 s; scenarios kill often.
OWNERSHIP = "--store-jetstream-ownership=2s"
# Nothing is removed that was stored within the deduplication window, since servers know identities only of what
# they keep. So a scenario in which events are removed has a short one.
REMOVES = "--store-retention-"
SHORT_WINDOW = "--store-deduplication-window=1s"


class SqliteStore:
    """A directory."""

    def __init__(self, folder):
        self._directory = folder / "store"

    def settings(self, wanted):
        """How a gateway is told of it, and what a scenario wants of that gateway."""
        return [f"--store-directory={self._directory}", *wanted]

    def close(self):
        pass


class JetStreamStore:
    """A nats-server that syncs each write and outlives its gateway."""

    def __init__(self, folder):
        self._server = NatsServer(folder / "nats")
        self._server.start()

    def settings(self, wanted):
        """As SqliteStore's, and what the differences ask for."""
        removing = any(setting.startswith(REMOVES) for setting in wanted)
        return ["--store-engine=jetstream", f"--store-jetstream-servers={self._server.url}",
                "--store-jetstream-replicas=1", "--store-jetstream-servers-sync-always=true", OWNERSHIP,
                *((SHORT_WINDOW,) if removing else ()), *wanted]

    def close(self):
        self._server.kill()


STORES = {"sqlite": SqliteStore, "jetstream": JetStreamStore}
