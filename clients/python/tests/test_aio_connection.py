"""How a subscription stays connected, over asyncio: points 8 to 15 of the contract."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import pytest
from conftest import QUICK, States

import onhook
import onhook.aio
from onhook import Action, GoAwayReason, RedeliveryReason
from onhook.testing import FakeGateway


async def test_it_opens_with_what_it_was_asked_for(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    spec = onhook.SubscriptionSpec(
        start_position=onhook.StartPosition.LATEST,
        filter=onhook.EventFilter(service_nos=["7001"]),
        ack_deadline=20,
        max_delivery_attempts=onhook.Unlimited(),
        minimum_retry_time=3600,
        max_unacked_events=5,
        expire_after_unused=7200,
        backlog_limit=onhook.BacklogLimit(age=60, bytes=1024),
    )
    async with client.subscribe(
        "crm",
        create_if_missing=spec,
        consumer_name="pod-1",
        max_outstanding_events=7,
        max_outstanding_bytes=8192,
        ack_deadline=2.5,
    ):
        await gateway.wait_until_async(lambda: len(gateway.openings) == 1)
    opening = gateway.openings[0]
    assert (opening.subscription, opening.consumer_name) == ("crm", "pod-1")
    assert (opening.max_outstanding_events, opening.max_outstanding_bytes) == (7, 8192)
    assert opening.ack_deadline.ToTimedelta().total_seconds() == 2.5
    assert opening.create_if_missing == spec.to_message()
    assert (
        opening.create_if_missing.WhichOneof("delivery_attempts") == "unlimited_delivery_attempts"
    )
    assert opening.create_if_missing.backlog_limit.bytes == 1024


async def test_a_subscription_to_be_created_by_default_says_so(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    gateway.missing_subscriptions.add("crm")
    event = gateway.publish()
    async with client.subscribe("crm", lambda _: None, create_if_missing=True):
        await gateway.settlement_async(event)


async def test_at_most_so_many_handlers_run_at_once(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    running, most = 0, 0
    go_on = asyncio.Event()
    begun = asyncio.Semaphore(0)

    async def handle(delivery: onhook.aio.Delivery) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        begun.release()
        await go_on.wait()
        running -= 1

    for _ in range(10):
        gateway.publish()
    async with client.subscribe("crm", handle, concurrency=3):
        for _ in range(3):
            await begun.acquire()
        go_on.set()
        await gateway.wait_until_async(lambda: len(gateway.settlements) == 10)
    assert most == 3


async def test_one_handler_at_a_time_has_the_events_in_order(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    seen: list[str] = []

    async def handle(delivery: onhook.aio.Delivery) -> None:
        await asyncio.sleep(0)
        seen.append(delivery.event_id)

    events = [gateway.publish() for _ in range(300)]
    async with client.subscribe("crm", handle):
        await gateway.wait_until_async(lambda: len(gateway.settlements) == 300)
    assert seen == [event.event_id for event in events]


async def test_pause_and_resume_stop_and_restart_deliveries_on_the_same_stream(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    first = gateway.publish()
    async with client.subscribe("crm") as subscription:
        held = await anext(subscription)
        subscription.pause()
        # The answer comes behind the pause.
        await held.extend(10)
        second = gateway.publish()
        await held.ack()
        assert [one.event_id for one in gateway.settlements] == [first.event_id]
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(anext(subscription), 0.02)
        subscription.resume()
        delivery = await anext(subscription)
        assert delivery.event_id == second.event_id
        await delivery.ack()
    assert len(gateway.connections) == 1


async def test_a_pause_outlives_its_stream(gateway: FakeGateway, client: onhook.aio.Client) -> None:
    gateway.publish()
    async with client.subscribe("crm") as subscription:
        held = await anext(subscription)
        subscription.pause()
        await held.ack()
        gateway.end_streams()
        await gateway.wait_until_async(lambda: len(gateway.openings) == 2)
        subscription.resume()
        event = gateway.publish()
        delivery = await anext(subscription)
        assert delivery.event_id == event.event_id
        await delivery.ack()


async def test_a_lost_stream_is_opened_again_and_each_state_told(
    gateway: FakeGateway, client: onhook.aio.Client, states: States
) -> None:
    async with client.subscribe("crm", on_state=states) as subscription:
        await gateway.wait_until_async(lambda: len(gateway.openings) == 1)
        gateway.publish()
        await (await anext(subscription)).ack()
        gateway.end_streams(grpc.StatusCode.INTERNAL, "a fault")
        event = gateway.publish()
        delivery = await anext(subscription)
        assert delivery.event_id == event.event_id
        await delivery.ack()
    assert states.names == [
        "connecting",
        "streaming",
        "backing_off",
        "connecting",
        "streaming",
        "stopped",
    ]
    cause = states.changes[2].error
    assert cause is not None
    assert (cause.code, cause.message) == (grpc.StatusCode.INTERNAL, "a fault")
    assert states.changes[-1].error is None


async def test_what_a_lost_stream_had_comes_again_once(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    events = [gateway.publish() for _ in range(5)]
    async with client.subscribe("crm") as subscription:
        held = await anext(subscription)
        gateway.end_streams()
        await gateway.wait_until_async(lambda: len(gateway.openings) == 2)
        last = gateway.publish()
        seen: list[onhook.aio.Delivery] = []
        while not seen or seen[-1].event_id != last.event_id:
            seen.append(await anext(subscription))
        assert {one.event_id for one in seen} == {one.event_id for one in [*events[1:], last]}
        assert seen[0].redelivery_reason in (
            RedeliveryReason.STREAM_LOST,
            RedeliveryReason.UNSPECIFIED,
        )
        held.ack()
        for delivery in seen:
            delivery.ack()
    assert {one.action for one in gateway.settlements} == {Action.ACK}


async def test_a_gateway_that_is_away_does_not_end_it(states: States) -> None:
    with FakeGateway() as gateway:
        address = gateway.address
    told = asyncio.Event()

    def on_state(change: onhook.StateChange) -> None:
        states(change)
        if change.state is onhook.State.BACKING_OFF:
            told.set()

    async with onhook.aio.Client(address, reconnect=QUICK) as client:
        subscription = client.subscribe("crm", on_state=on_state)
        await told.wait()
        assert not subscription.is_stopped
        await subscription.stop()
    assert states.changes[1].error is not None
    assert states.changes[1].error.code is grpc.StatusCode.UNAVAILABLE
    assert states.names[-1] == "stopped"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (grpc.StatusCode.NOT_FOUND, onhook.NotFoundError),
        (grpc.StatusCode.INVALID_ARGUMENT, onhook.InvalidArgumentError),
        (grpc.StatusCode.FAILED_PRECONDITION, onhook.FailedPreconditionError),
        (grpc.StatusCode.PERMISSION_DENIED, onhook.PermissionDeniedError),
        (grpc.StatusCode.UNAUTHENTICATED, onhook.UnauthenticatedError),
        (grpc.StatusCode.UNIMPLEMENTED, onhook.UnimplementedError),
        (grpc.StatusCode.OUT_OF_RANGE, onhook.GapError),
    ],
)
async def test_what_repeating_cannot_help_ends_it_in_either_form(
    gateway: FakeGateway,
    client: onhook.aio.Client,
    states: States,
    code: grpc.StatusCode,
    error: type[onhook.OnhookError],
) -> None:
    gateway.refuse(code, "no", reason="WHY", metadata={"permission": "subscribe"}, times=2)
    with pytest.raises(error) as raised:
        await client.subscribe("crm", lambda _: None, on_state=states).wait()
    assert raised.value.code is code
    assert (raised.value.message, raised.value.reason) == ("no", "WHY")
    assert raised.value.metadata["permission"] == "subscribe"
    assert raised.value.domain == "onhook"
    assert states.changes[-1] == onhook.StateChange(onhook.State.STOPPED, raised.value)
    with pytest.raises(error):
        await anext(client.subscribe("crm"))


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    ],
)
async def test_every_other_code_is_repeated(
    gateway: FakeGateway, client: onhook.aio.Client, code: grpc.StatusCode
) -> None:
    gateway.refuse(code, times=2)
    event = gateway.publish()
    async with client.subscribe("crm", lambda _: None):
        await gateway.settlement_async(event)


async def test_a_deleted_subscription_ends_it(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    subscription = client.subscribe("crm")
    await gateway.wait_until_async(lambda: gateway.open_streams == 1)
    gateway.go_away(GoAwayReason.SUBSCRIPTION_DELETED)
    with pytest.raises(onhook.NotFoundError, match="deleted"):
        await subscription.wait()


async def test_on_go_away_the_replacement_opens_while_the_old_stream_finishes(
    gateway: FakeGateway, client: onhook.aio.Client, states: States
) -> None:
    event = gateway.publish()
    async with client.subscribe("crm", on_state=states) as subscription:
        held = await anext(subscription)
        gateway.go_away(GoAwayReason.MAX_AGE)
        await gateway.wait_until_async(lambda: gateway.open_streams == 2)
        # To spread load, and to show what credentials there are by now.
        assert len(set(gateway.connections)) == 2
        await held.ack()
        await gateway.wait_until_async(lambda: gateway.open_streams == 1)
        assert gateway.ended_well == 1
        assert gateway.settlement(event).action is Action.ACK
    assert "backing_off" not in states.names


@pytest.mark.parametrize("drain_deadline", [0.1, 0, -1])
async def test_a_stream_that_is_not_done_by_its_drain_deadline_is_half_closed(
    gateway: FakeGateway, client: onhook.aio.Client, drain_deadline: float
) -> None:
    gateway.publish()
    async with client.subscribe("crm") as subscription:
        held = await anext(subscription)
        gateway.go_away(GoAwayReason.SHUTDOWN, drain_deadline=drain_deadline)
        await gateway.wait_until_async(lambda: len(gateway.openings) == 2)
        # It did not wait for the delivery to be settled.
        await gateway.wait_until_async(lambda: gateway.open_streams == 1)
        assert gateway.ended_well == 1
        assert gateway.settlements == []
        await held.ack()


async def test_missed_heartbeats_replace_the_connection_and_not_just_the_stream(
    states: States,
) -> None:
    with FakeGateway(heartbeat_interval=0.02) as gateway:
        async with onhook.aio.Client(gateway.address, reconnect=QUICK) as client:
            async with client.subscribe("crm", on_state=states) as subscription:
                await gateway.wait_until_async(lambda: gateway.open_streams == 1)
                gateway.fall_silent()
                event = gateway.publish()
                delivery = await anext(subscription)
                assert delivery.event_id == event.event_id
                await delivery.ack()
        assert len(set(gateway.connections)) == len(gateway.connections) >= 2
    cause = next(change.error for change in states.changes if change.error is not None)
    assert "heartbeat" in cause.message


async def test_who_was_let_in_before_repeats_unauthenticated_until_its_token_is_right(
    tmp_path: Path, states: States
) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    with FakeGateway(token="first") as gateway:
        client = onhook.aio.Client(gateway.address, token_file=token, reconnect=QUICK)
        async with client, client.subscribe("crm", on_state=states) as subscription:
            await gateway.wait_until_async(lambda: gateway.open_streams == 1)
            gateway.token = "second"
            gateway.end_streams()
            refused = asyncio.Event()
            while not refused.is_set():
                await asyncio.sleep(0)
                if any(
                    change.error is not None
                    and change.error.code is grpc.StatusCode.UNAUTHENTICATED
                    for change in states.changes
                ):
                    refused.set()
            token.write_text("second\n")
            gateway.publish()
            await (await anext(subscription)).ack()


async def test_who_was_let_in_before_is_patient_for_so_long_only(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first")
    reconnect = onhook.Reconnect(initial=0.01, maximum=0.01, rotation_patience=0.05)
    with FakeGateway(token="first") as gateway:
        client = onhook.aio.Client(gateway.address, token_file=token, reconnect=reconnect)
        async with client:
            subscription = client.subscribe("crm")
            await gateway.wait_until_async(lambda: gateway.open_streams == 1)
            gateway.token = "second"
            gateway.end_streams()
            with pytest.raises(onhook.UnauthenticatedError) as raised:
                await subscription.wait()
    assert raised.value.reason == "TOKEN_UNKNOWN"


async def test_who_never_was_let_in_is_told_at_once(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("wrong")
    with FakeGateway(token="right") as gateway:
        async with onhook.aio.Client(gateway.address, token_file=token) as client:
            with pytest.raises(onhook.UnauthenticatedError):
                await client.subscribe("crm").wait()


async def test_a_client_that_cannot_be_set_up_ends_before_anything_is_sent(
    gateway: FakeGateway, tmp_path: Path
) -> None:
    missing = tmp_path / "nothing"
    async with onhook.aio.Client(gateway.address, token_file=missing) as client:
        with pytest.raises(onhook.ConfigurationError) as raised:
            await client.subscribe("crm").wait()
        assert raised.value.reason == "TOKEN_FILE"
        with pytest.raises(onhook.ConfigurationError):
            await client.get_event("v1-0")
    assert gateway.connections == []


async def test_who_was_let_in_and_told_to_come_anew_is_patient_too(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first")
    with FakeGateway(token="first") as gateway:
        client = onhook.aio.Client(gateway.address, token_file=token, reconnect=QUICK)
        async with client, client.subscribe("crm") as subscription:
            await gateway.wait_until_async(lambda: gateway.open_streams == 1)
            gateway.publish()
            await (await anext(subscription)).ack()
            gateway.refuse(grpc.StatusCode.UNAUTHENTICATED, times=2)
            gateway.go_away(GoAwayReason.MAX_AGE)
            gateway.publish()
            await (await anext(subscription)).ack()


async def test_an_iteration_that_was_ended_does_not_wait_for_what_was_not_settled(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    gateway.publish()
    with pytest.raises(onhook.PermissionDeniedError):
        async with client.subscribe("crm") as subscription:
            await anext(subscription)
            gateway.refuse(grpc.StatusCode.PERMISSION_DENIED)
            gateway.end_streams()
            await anext(subscription)
    assert subscription.is_stopped
