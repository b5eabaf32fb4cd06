"""What the library brings for the tests of its users: point 22 of the contract."""

from __future__ import annotations

from datetime import timedelta

import pytest

import onhook
import onhook.aio
from onhook import Action, RedeliveryReason
from onhook.testing import (
    FakeGateway,
    make_aio_delivery,
    make_delivery,
    make_event,
    outcome,
    outcome_async,
)


def fetch_recording(delivery: onhook.Delivery) -> None:
    if delivery.event.recordfile is None:
        raise onhook.Park("no recording")
    if delivery.attempt == 1:
        raise TimeoutError("the media server is slow")


def test_a_handler_is_called_without_a_gateway() -> None:
    said = outcome(fetch_recording, make_delivery(call_serial_no="c-1"))
    assert (said.action, said.reason) == (Action.PARK, "no recording")
    said = outcome(fetch_recording, make_delivery(recordfile="a.wav"))
    assert (said.action, said.reason) == (Action.RETRY, "the media server is slow")
    assert outcome(fetch_recording, make_delivery(recordfile="a.wav", attempt=2)).attempt == 2


async def test_an_asynchronous_handler_is_called_without_a_gateway() -> None:
    async def handle(delivery: onhook.aio.Delivery) -> None:
        await delivery.extend(60)
        await delivery.nack(delay=5, reason="later")

    said = await outcome_async(handle, make_aio_delivery())
    assert (said.action, said.delay) == (Action.RETRY, timedelta(seconds=5))


def test_a_made_delivery_tells_what_it_was_made_of() -> None:
    event = make_event(traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    delivery = make_delivery(
        event, attempt=3, redelivery_reason=RedeliveryReason.NACKED, ack_deadline=30
    )
    assert delivery.event == event
    assert delivery.event_id == event.event_id
    assert (delivery.attempt, delivery.redelivery_reason) == (3, RedeliveryReason.NACKED)
    assert delivery.ack_deadline == timedelta(seconds=30)
    assert delivery.trace_context == {"traceparent": event.traceparent}
    assert make_delivery().trace_context == {}
    assert make_delivery().ack_deadline is None
    assert repr(delivery) == f"<Delivery '{event.event_id}' attempt=3>"


def test_what_was_not_settled_is_told_so() -> None:
    delivery = make_delivery()
    with pytest.raises(onhook.AlreadySettledError):
        delivery.ack()
        delivery.ack()
    with pytest.raises(ValueError, match="an hour"):
        make_delivery().nack(delay=3601)
    with pytest.raises(ValueError, match="an hour"):
        onhook.Retry(delay=timedelta(hours=2))


def test_a_delivery_of_a_gateway_has_its_outcome_there(
    gateway: FakeGateway, blocking_client: onhook.Client
) -> None:
    gateway.publish()
    with blocking_client.subscribe("crm") as subscription:
        delivery = next(subscription)
        with pytest.raises(TypeError, match="make_delivery"):
            outcome(lambda _: None, delivery)


def test_two_consumers_share_a_subscription_and_two_subscriptions_do_not(
    gateway: FakeGateway, blocking_client: onhook.Client
) -> None:
    with (
        blocking_client.subscribe("crm", lambda _: None, consumer_name="a"),
        blocking_client.subscribe("crm", lambda _: None, consumer_name="b"),
        blocking_client.subscribe("billing", lambda _: None, consumer_name="c"),
    ):
        gateway.wait_until(lambda: gateway.open_streams == 3)
        for _ in range(50):
            gateway.publish()
        gateway.wait_until(lambda: len(gateway.settlements) == 100)
    by_subscription: dict[str, set[str]] = {}
    for one in gateway.settlements:
        by_subscription.setdefault(one.subscription, set()).add(one.event_id)
    assert {name: len(ids) for name, ids in by_subscription.items()} == {"crm": 50, "billing": 50}


def test_waiting_for_what_does_not_happen_ends(gateway: FakeGateway) -> None:
    with pytest.raises(TimeoutError):
        gateway.settlement(gateway.publish(), timeout=0.01)


def test_a_subscription_that_does_not_exist_is_not_found(
    gateway: FakeGateway, blocking_client: onhook.Client
) -> None:
    gateway.missing_subscriptions.add("crm")
    with pytest.raises(onhook.NotFoundError):
        blocking_client.subscribe("crm", lambda _: None).wait(timeout=10)
