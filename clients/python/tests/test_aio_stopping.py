"""How a subscription stops, over asyncio: point 16 of the contract."""

from __future__ import annotations

import asyncio

import pytest

import onhook
import onhook.aio
from onhook import Action
from onhook.testing import FakeGateway


async def test_what_nobody_has_begun_is_released_and_what_runs_is_acknowledged(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def handle(delivery: onhook.aio.Delivery) -> None:
        begun.set()
        await go_on.wait()

    events = [gateway.publish() for _ in range(4)]
    subscription = client.subscribe("crm", handle)
    await begun.wait()
    subscription.begin_stop()
    await gateway.wait_until_async(lambda: len(gateway.settlements) == 3)
    go_on.set()
    await subscription.wait()
    said = {one.event_id: one.action for one in gateway.settlements}
    assert said[events[0].event_id] is Action.ACK
    assert [said[event.event_id] for event in events[1:]] == [Action.RELEASE] * 3
    assert gateway.ended_well == 1


async def test_a_stop_returns_only_after_the_confirmation(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    event = gateway.publish()
    async with client.subscribe("crm") as subscription:
        delivery = await anext(subscription)
        gateway.withhold_answers()
        confirmation = delivery.ack()
        await gateway.settlement_async(event)
        stopping = asyncio.ensure_future(subscription.stop())
        await asyncio.sleep(0)
        assert not confirmation.done()
        gateway.withhold_answers(False)
        gateway.end_streams()
        await stopping
        assert confirmation.done()
        await confirmation


async def test_a_handler_that_outlives_its_grace_is_cancelled_and_its_event_released(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def handle(delivery: onhook.aio.Delivery) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    event = gateway.publish()
    subscription = client.subscribe("crm", handle)
    await begun.wait()
    await subscription.stop(grace=0)
    assert cancelled.is_set()
    assert [(one.event_id, one.action) for one in gateway.settlements] == [
        (event.event_id, Action.RELEASE)
    ]


async def test_what_is_settled_after_its_grace_is_told_so(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    gateway.publish()
    subscription = client.subscribe("crm")
    delivery = await anext(subscription)
    await subscription.stop(grace=0)
    with pytest.raises(onhook.UnavailableError):
        await delivery.ack()
    assert gateway.settlements[0].action is Action.RELEASE


async def test_a_stop_says_how_many_acknowledgements_are_not_confirmed(
    gateway: FakeGateway, client: onhook.aio.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onhook._engine._CONFIRMATION_TIMEOUT", 0.05)
    event, other = gateway.publish(), gateway.publish()
    subscription = client.subscribe("crm")
    delivery, second = await anext(subscription), await anext(subscription)
    gateway.withhold_answers()
    confirmation = delivery.ack()
    await gateway.settlement_async(event)
    second.ack()
    with pytest.raises(onhook.UnconfirmedError) as raised:
        await subscription.stop()
    assert raised.value.count == 2
    with pytest.raises(onhook.UnavailableError):
        await confirmation
    assert other.event_id == second.event_id


async def test_a_stop_finds_its_way_over_a_lost_stream(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    gateway.publish()
    subscription = client.subscribe("crm")
    delivery = await anext(subscription)
    subscription.begin_stop()
    gateway.end_streams()
    delivery.ack()
    await subscription.wait()
    assert [one.action for one in gateway.settlements] == [Action.ACK]


async def test_what_comes_while_a_handler_still_runs_is_released(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    first = gateway.publish()
    subscription = client.subscribe("crm")
    held = await anext(subscription)
    # It is on its way already when the stop begins.
    second = gateway.publish()
    subscription.begin_stop()
    assert (await gateway.settlement_async(second)).action is Action.RELEASE
    held.ack()
    await subscription.wait()
    assert gateway.settlement(first).action is Action.ACK


async def test_the_iteration_ends_after_a_stop(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    subscription = client.subscribe("crm")

    async def iterate() -> list[onhook.aio.Delivery]:
        return [delivery async for delivery in subscription]

    iteration = asyncio.ensure_future(iterate())
    await gateway.wait_until_async(lambda: gateway.open_streams == 1)
    await subscription.stop()
    assert await iteration == []
    assert subscription.is_stopped
    await subscription.stop()


async def test_a_block_that_is_left_by_an_exception_does_not_wait_for_its_deliveries(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    event = gateway.publish()
    with pytest.raises(KeyError):
        async with client.subscribe("crm") as subscription:
            await anext(subscription)
            raise KeyError("the application's own")
    assert gateway.settlement(event).action is Action.RELEASE


async def test_a_handler_that_would_wait_for_itself_is_told_so(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    seen: list[str] = []

    async def handle(delivery: onhook.aio.Delivery) -> None:
        with pytest.raises(RuntimeError, match="begin_stop"):
            await subscription.stop()
        seen.append(delivery.event_id)
        subscription.begin_stop()

    event = gateway.publish()
    subscription = client.subscribe("crm", handle)
    await subscription.wait()
    assert seen == [event.event_id]
    assert gateway.settlement(event).action is Action.ACK


async def test_closing_the_client_stops_its_subscriptions(gateway: FakeGateway) -> None:
    client = onhook.aio.Client(gateway.address)
    gateway.publish()
    subscription = client.subscribe("crm", lambda _: None)
    await gateway.wait_until_async(lambda: len(gateway.settlements) == 1)
    await client.close()
    assert subscription.is_stopped
    assert gateway.ended_well == 1


async def test_batches_hold_what_is_there(gateway: FakeGateway, client: onhook.aio.Client) -> None:
    for _ in range(250):
        gateway.publish()
    sizes: list[int] = []
    async with client.subscribe("crm") as subscription:
        async for batch in subscription.batches(max_events=40):
            sizes.append(len(batch))
            for delivery in batch:
                delivery.ack()
            if sum(sizes) == 250:
                break
    assert max(sizes) == 40
    assert len({one.event_id for one in gateway.settlements}) == 250


async def test_the_deliveries_of_a_handler_are_not_to_be_iterated_over(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    async with client.subscribe("crm", lambda _: None) as subscription:
        with pytest.raises(TypeError):
            aiter(subscription)


def test_an_event_loop_that_ends_leaves_nobody_waiting(gateway: FakeGateway) -> None:
    async def forgetful() -> None:
        client = onhook.aio.Client(gateway.address)
        gateway.publish()
        begun = asyncio.Event()

        async def handle(delivery: onhook.aio.Delivery) -> None:
            begun.set()
            await asyncio.Event().wait()

        client.subscribe("crm", handle)
        await begun.wait()

    asyncio.run(asyncio.wait_for(forgetful(), 5))
    # Nothing was said of the event: it comes again.
    assert gateway.settlements == []


async def test_a_stop_that_is_under_way_can_be_made_shorter(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    event, waiting = gateway.publish(), gateway.publish()
    subscription = client.subscribe("crm")
    held = await anext(subscription)
    subscription.begin_stop(grace=3600)
    assert (await gateway.settlement_async(waiting)).action is Action.RELEASE
    await subscription.stop(grace=0)
    assert gateway.settlement(event).action is Action.RELEASE
    assert held.event_id == event.event_id
