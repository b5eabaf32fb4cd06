"""What is said of deliveries, over asyncio: points 3 to 7 of the contract."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import grpc
import pytest

import onhook
import onhook.aio
from onhook import AckResult, Action, RedeliveryReason
from onhook.testing import FakeGateway


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


async def test_a_handler_that_returns_has_acknowledged(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    handled: list[str] = []

    async def handle(delivery: onhook.aio.Delivery) -> None:
        assert gateway.settlements == []
        handled.append(delivery.event_id)

    event = gateway.publish()
    async with client.subscribe("crm", handle):
        assert (await gateway.settlement_async(event)).action is Action.ACK
    assert handled == [event.event_id]


async def test_a_handler_may_be_a_plain_function(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    event = gateway.publish()
    async with client.subscribe("crm", lambda delivery: None):
        assert (await gateway.settlement_async(event)).action is Action.ACK


@pytest.mark.parametrize(
    ("raised", "action", "reason", "delay"),
    [
        (RuntimeError("no database"), Action.RETRY, "no database", None),
        (RuntimeError(), Action.RETRY, "RuntimeError", None),
        (RuntimeError("x" * 2000), Action.RETRY, "x" * 1024, None),
        (RuntimeError("half a \ud800 pair"), Action.RETRY, "half a ? pair", None),
        (onhook.Retry("later", delay=90), Action.RETRY, "later", timedelta(seconds=90)),
        (onhook.Retry("soon"), Action.RETRY, "soon", None),
        (onhook.Park("no such file"), Action.PARK, "no such file", None),
        (onhook.Park(OSError("no file")), Action.PARK, "no file", None),  # type: ignore[arg-type]
        (onhook.Park(None), Action.PARK, "", None),  # type: ignore[arg-type]
        (Unspeakable(), Action.RETRY, "Unspeakable", None),
        (onhook.Skip("not ours"), Action.SKIP, "not ours", None),
        (onhook.Release("too busy"), Action.RELEASE, "too busy", None),
        (asyncio.CancelledError("its own"), Action.RETRY, "its own", None),
    ],
)
async def test_what_a_handler_raises_says_what_becomes_of_the_event(
    gateway: FakeGateway,
    client: onhook.aio.Client,
    raised: BaseException,
    action: Action,
    reason: str,
    delay: timedelta | None,
) -> None:
    async def handle(delivery: onhook.aio.Delivery) -> None:
        if delivery.redelivery_reason is RedeliveryReason.UNSPECIFIED:
            raise raised

    event = gateway.publish()
    async with client.subscribe("crm", handle):
        said = await gateway.settlement_async(event)
    assert (said.action, said.reason, said.delay) == (action, reason, delay)


async def test_an_event_that_was_given_back_comes_again_with_attempt_and_reason(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    seen: list[tuple[int, RedeliveryReason]] = []

    async def handle(delivery: onhook.aio.Delivery) -> None:
        seen.append((delivery.attempt, delivery.redelivery_reason))
        if delivery.attempt == 1:
            raise RuntimeError("not yet")

    gateway.publish()
    async with client.subscribe("crm", handle):
        await gateway.wait_until_async(lambda: len(gateway.settlements) == 2)
    assert seen == [(1, RedeliveryReason.UNSPECIFIED), (2, RedeliveryReason.NACKED)]


async def test_a_handler_that_settled_by_itself_is_not_settled_again(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    async def handle(delivery: onhook.aio.Delivery) -> None:
        delivery.skip("not ours")
        raise RuntimeError("too late to matter")

    event = gateway.publish()
    async with client.subscribe("crm", handle):
        assert (await gateway.settlement_async(event)).action is Action.SKIP
    assert len(gateway.settlements) == 1


@pytest.mark.parametrize("how", ["ack", "nack", "park", "skip", "release"])
async def test_each_settlement_of_an_iteration_is_confirmed(
    gateway: FakeGateway, client: onhook.aio.Client, how: str
) -> None:
    expected = {"nack": Action.RETRY}.get(how) or Action[how.upper()]
    event = gateway.publish()
    async with client.subscribe("crm") as subscription:
        delivery = await anext(subscription)
        confirmation = getattr(delivery, how)()
        await confirmation
        assert confirmation.done()
        assert gateway.settlements[0].action is expected
        assert gateway.settlements[0].event_id == event.event_id
        await subscription.stop(grace=0)


async def test_a_delivery_is_settled_once(gateway: FakeGateway, client: onhook.aio.Client) -> None:
    gateway.publish()
    async with client.subscribe("crm") as subscription:
        delivery = await anext(subscription)
        delivery.ack()
        assert delivery.is_settled
        with pytest.raises(onhook.AlreadySettledError):
            delivery.nack()
        with pytest.raises(onhook.AlreadySettledError):
            delivery.extend(10)


async def test_a_stale_settlement_is_told_to_who_awaits_it(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    gateway.publish()
    gateway.answer_next(AckResult.STALE)
    async with client.subscribe("crm") as subscription:
        delivery = await anext(subscription)
        with pytest.raises(onhook.AbortedError):
            await delivery.nack()


async def test_an_unknown_delivery_is_told_to_who_awaits_it(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    gateway.publish()
    gateway.answer_next(AckResult.UNKNOWN)
    async with client.subscribe("crm") as subscription:
        delivery = await anext(subscription)
        with pytest.raises(onhook.NotFoundError):
            await delivery.ack()


async def test_what_could_not_be_stored_now_is_asked_again(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    gateway.publish()
    gateway.answer_next(AckResult.RETRY_LATER)
    async with client.subscribe("crm") as subscription:
        delivery = await anext(subscription)
        await delivery.ack()
    assert [one.action for one in gateway.settlements] == [Action.ACK]


async def test_an_unanswered_acknowledgement_is_sent_again_on_the_next_stream(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    event = gateway.publish()
    async with client.subscribe("crm") as subscription:
        delivery = await anext(subscription)
        gateway.withhold_answers()
        confirmation = delivery.ack()
        await gateway.settlement_async(event)
        assert not confirmation.done()
        gateway.withhold_answers(False)
        gateway.end_streams()
        await confirmation
    assert len(gateway.connections) == 2


async def test_a_handler_that_outlives_its_stream_is_acknowledged_on_the_next(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    event = gateway.publish()
    async with client.subscribe("crm") as subscription:
        delivery = await anext(subscription)
        gateway.end_streams()
        await gateway.wait_until_async(lambda: len(gateway.openings) == 2)
        await delivery.ack()
    assert [one.event_id for one in gateway.settlements] == [event.event_id]
    assert gateway.settlements[0].action is Action.ACK


async def test_a_nack_of_a_lost_stream_is_given_up(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    gateway.publish()
    async with client.subscribe("crm") as subscription:
        delivery = await anext(subscription)
        gateway.withhold_answers()
        confirmation = delivery.nack(reason="not now")
        await gateway.wait_until_async(lambda: len(gateway.settlements) == 1)
        gateway.withhold_answers(False)
        gateway.end_streams()
        with pytest.raises(onhook.UnavailableError):
            await confirmation
        again = await anext(subscription)
        await again.ack()


async def test_one_who_waits_and_is_cancelled_leaves_the_others_waiting(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    gateway.publish()
    async with client.subscribe("crm") as subscription:
        delivery = await anext(subscription)
        gateway.withhold_answers()
        confirmation = delivery.ack()

        async def wait() -> None:
            await confirmation

        first, second = asyncio.ensure_future(wait()), asyncio.ensure_future(wait())
        await gateway.wait_until_async(lambda: len(gateway.settlements) == 1)
        first.cancel()
        gateway.withhold_answers(False)
        gateway.end_streams()
        await second
        assert first.cancelled()


async def test_acknowledgements_gather_while_one_is_under_way(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    for _ in range(50):
        gateway.publish()
    async with client.subscribe("crm") as subscription:
        deliveries = [await anext(subscription) for _ in range(50)]
        gateway.withhold_answers()
        first = deliveries[0].ack()
        await gateway.wait_until_async(lambda: len(gateway.settlements) == 1)
        for delivery in deliveries[1:-1]:
            delivery.ack()
        # What is said behind them arrives, so they had their chance to leave.
        deliveries[-1].extend(10)
        await gateway.wait_until_async(lambda: len(gateway.extensions) == 1)
        assert len(gateway.settlements) == 1
        gateway.withhold_answers(False)
        gateway.end_streams()
        await first
        await deliveries[-1].ack()
    assert len({one.event_id for one in gateway.settlements}) == 50


async def test_what_is_handled_and_what_waits_is_extended_until_it_is_settled(
    client: onhook.aio.Client, gateway: FakeGateway
) -> None:
    begun = asyncio.Event()
    go_on = asyncio.Event()

    async def handle(delivery: onhook.aio.Delivery) -> None:
        begun.set()
        await go_on.wait()

    first, second = gateway.publish(), gateway.publish()
    async with client.subscribe("crm", handle, ack_deadline=0.05):
        await begun.wait()
        both = {(one.event_id, timedelta(seconds=1)) for one in (first, second)}
        await gateway.wait_until_async(lambda: both <= set(gateway.extensions))
        go_on.set()
        await gateway.settlement_async(second)


async def test_an_extension_ends_at_its_upper_bound(
    client: onhook.aio.Client, gateway: FakeGateway
) -> None:
    gateway.publish()
    async with client.subscribe("crm", ack_deadline=0.05, max_extension=0.01) as subscription:
        first = await anext(subscription)
        marker = gateway.publish()
        second = await anext(subscription)
        await second.extend(10)
        assert gateway.extensions == [(marker.event_id, timedelta(seconds=10))]
        first.ack()
        second.ack()


async def test_an_explicit_extension_is_confirmed_or_refused(
    client: onhook.aio.Client, gateway: FakeGateway
) -> None:
    event = gateway.publish()
    async with client.subscribe("crm") as subscription:
        delivery = await anext(subscription)
        await delivery.extend(timedelta(minutes=1))
        assert gateway.extensions == [(event.event_id, timedelta(minutes=1))]
        gateway.answer_next(AckResult.STALE)
        with pytest.raises(onhook.AbortedError):
            await delivery.extend(60)
        with pytest.raises(ValueError, match="at least 1 second"):
            delivery.extend(0.5)
        delivery.ack()


async def test_an_event_that_comes_again_while_it_waits_is_handled_once_by_its_newest_delivery(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    gateway.publish()
    async with client.subscribe("crm") as subscription:
        first = await anext(subscription)
        waiting = gateway.publish()
        gateway.redeliver(waiting)
        # The answer comes behind both deliveries.
        await first.extend(10)
        marker = gateway.publish()
        second, third = await anext(subscription), await anext(subscription)
        assert (second.event_id, second.attempt) == (waiting.event_id, 2)
        assert third.event_id == marker.event_id
        # Of its first delivery, this would be refused.
        await second.park()
        first.ack()
        third.ack()


async def test_an_event_that_comes_again_while_it_is_handled_settles_by_the_newest_delivery(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    event = gateway.publish()
    async with client.subscribe("crm") as subscription:
        delivery = await anext(subscription)
        gateway.redeliver(event)
        marker = gateway.publish()
        assert (await anext(subscription)).event_id == marker.event_id
        # Of its first delivery, this would be refused.
        await delivery.nack(reason="no")
        again = await anext(subscription)
        assert (again.event_id, again.attempt) == (event.event_id, 3)
        await subscription.stop(grace=0)


async def test_what_the_gateway_refuses_with_an_error_is_retried_on_the_next_stream(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    gateway.refuse(grpc.StatusCode.INTERNAL, times=3)
    event = gateway.publish()
    async with client.subscribe("crm", lambda _: None):
        await gateway.settlement_async(event)
