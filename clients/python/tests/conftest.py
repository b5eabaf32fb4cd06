"""A gateway, and clients of both kinds, for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

import onhook
import onhook.aio
from onhook.testing import FakeGateway

# Short against a test, long against a call on loopback.
QUICK = onhook.Reconnect(initial=0.01, maximum=0.05, rotation_patience=30)


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    with FakeGateway() as gateway:
        yield gateway


@pytest.fixture
async def client(gateway: FakeGateway) -> AsyncIterator[onhook.aio.Client]:
    async with onhook.aio.Client(gateway.address, reconnect=QUICK) as client:
        yield client


@pytest.fixture
def blocking_client(gateway: FakeGateway) -> Iterator[onhook.Client]:
    with onhook.Client(gateway.address, reconnect=QUICK) as client:
        yield client


class States:
    """What a state hook was told."""

    def __init__(self) -> None:
        self.changes: list[onhook.StateChange] = []

    def __call__(self, change: onhook.StateChange) -> None:
        self.changes.append(change)

    @property
    def names(self) -> list[str]:
        return [change.state.value for change in self.changes]


@pytest.fixture
def states() -> States:
    return States()
