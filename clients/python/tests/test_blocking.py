"""The blocking client: what its threads add to what the asyncio tests show of the same engine."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from conftest import QUICK, States

import onhook
import onhook.aio
from onhook import AckResult, Action, GoAwayReason
from onhook.testing import FakeGateway


def test_a_handler_that_returns_has_acknowledged_in_a_thread_of_its_own(
    gateway: FakeGateway, blocking_client: onhook.Client
) -> None:
    threads: list[str] = []

    def handle(delivery: onhook.Delivery) -> None:
        assert gateway.settlements == []
        threads.append(threading.current_thread().name)

    event = gateway.publish()
    with blocking_client.subscribe("crm", handle):
        assert gateway.settlement(event).action is Action.ACK
    assert threads == ["onhook-handler-0"]


@pytest.mark.parametrize(
    ("raised", "action", "reason", "delay"),
    [
        (RuntimeError("no database"), Action.RETRY, "no database", None),
        (onhook.Retry("later", delay=90), Action.RETRY, "later", timedelta(seconds=90)),
        (onhook.Park("no such file"), Action.PARK, "no such file", None),
        (onhook.Skip("not ours"), Action.SKIP, "not ours", None),
        (onhook.Release("too busy"), Action.RELEASE, "too busy", None),
    ],
)
def test_what_a_handler_raises_says_what_becomes_of_the_event(
    gateway: FakeGateway,
    blocking_client: onhook.Client,
    raised: Exception,
    action: Action,
    reason: str,
    delay: timedelta | None,
) -> None:
    def handle(delivery: onhook.Delivery) -> None:
        if delivery.redelivery_reason is onhook.RedeliveryReason.UNSPECIFIED:
            raise raised

    event = gateway.publish()
    with blocking_client.subscribe("crm", handle):
        said = gateway.settlement(event)
    assert (said.action, said.reason, said.delay) == (action, reason, delay)


@pytest.mark.parametrize("how", ["ack", "nack", "park", "skip", "release"])
def test_each_settlement_of_an_iteration_is_confirmed(
    gateway: FakeGateway, blocking_client: onhook.Client, how: str
) -> None:
    expected = {"nack": Action.RETRY}.get(how) or Action[how.upper()]
    gateway.publish()
    subscription = blocking_client.subscribe("crm")
    delivery = next(subscription)
    confirmation = getattr(delivery, how)()
    confirmation.result(timeout=10)
    assert confirmation.done()
    assert gateway.settlements[0].action is expected
    with pytest.raises(onhook.AlreadySettledError):
        delivery.ack()
    subscription.stop(grace=0)


def test_a_refused_settlement_is_told_to_who_asks(
    gateway: FakeGateway, blocking_client: onhook.Client
) -> None:
    gateway.publish()
    with blocking_client.subscribe("crm") as subscription:
        delivery = next(subscription)
        gateway.answer_next(AckResult.STALE)
        with pytest.raises(onhook.AbortedError):
            delivery.extend(10).result(timeout=10)
        gateway.answer_next(AckResult.UNKNOWN)
        assert isinstance(delivery.ack().exception(timeout=10), onhook.NotFoundError)


def test_an_unanswered_settlement_times_out_and_is_confirmed_over_the_next_stream(
    gateway: FakeGateway, blocking_client: onhook.Client
) -> None:
    event = gateway.publish()
    with blocking_client.subscribe("crm") as subscription:
        delivery = next(subscription)
        gateway.withhold_answers()
        confirmation = delivery.ack()
        gateway.settlement(event)
        with pytest.raises(TimeoutError):
            confirmation.result(timeout=0.01)
        gateway.withhold_answers(False)
        gateway.end_streams()
        confirmation.result(timeout=10)


def test_at_most_so_many_handlers_run_at_once(
    gateway: FakeGateway, blocking_client: onhook.Client
) -> None:
    lock, all_begun = threading.Lock(), threading.Barrier(3)
    running, most = 0, 0

    def handle(delivery: onhook.Delivery) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        # It passes only if three run at once.
        all_begun.wait(10)
        with lock:
            running -= 1

    for _ in range(9):
        gateway.publish()
    with blocking_client.subscribe("crm", handle, concurrency=3):
        gateway.wait_until(lambda: len(gateway.settlements) == 9)
    assert most == 3
    assert {one.action for one in gateway.settlements} == {Action.ACK}


def test_one_handler_at_a_time_has_the_events_in_order(
    gateway: FakeGateway, blocking_client: onhook.Client
) -> None:
    seen: list[str] = []
    events = [gateway.publish() for _ in range(500)]
    with blocking_client.subscribe("crm", lambda delivery: seen.append(delivery.event_id)):
        gateway.wait_until(lambda: len(gateway.settlements) == 500)
    assert seen == [event.event_id for event in events]


def test_several_threads_may_share_an_iteration(
    gateway: FakeGateway, blocking_client: onhook.Client
) -> None:
    subscription = blocking_client.subscribe("crm")
    seen: list[str] = []

    def work() -> None:
        for delivery in subscription:
            seen.append(delivery.event_id)
            delivery.ack()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    events = [gateway.publish() for _ in range(400)]
    gateway.wait_until(lambda: len(gateway.settlements) == 400)
    subscription.stop()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert sorted(seen) == sorted(event.event_id for event in events)


def test_batches_hold_what_is_there(gateway: FakeGateway, blocking_client: onhook.Client) -> None:
    for _ in range(250):
        gateway.publish()
    sizes: list[int] = []
    with blocking_client.subscribe("crm") as subscription:
        for batch in subscription.batches(max_events=40):
            sizes.append(len(batch))
            for delivery in batch:
                delivery.ack()
            if sum(sizes) == 250:
                break
    assert max(sizes) <= 40
    assert len({one.event_id for one in gateway.settlements}) == 250


def test_pause_and_resume_stop_and_restart_deliveries(
    gateway: FakeGateway, blocking_client: onhook.Client
) -> None:
    gateway.publish()
    with blocking_client.subscribe("crm") as subscription:
        held = next(subscription)
        subscription.pause()
        held.extend(10).result(timeout=10)
        second = gateway.publish()
        held.ack().result(timeout=10)
        assert len(gateway.settlements) == 1
        subscription.resume()
        delivery = next(subscription)
        assert delivery.event_id == second.event_id
        delivery.ack()


def test_a_stop_releases_what_waits_and_waits_for_what_runs(
    gateway: FakeGateway, blocking_client: onhook.Client
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def handle(delivery: onhook.Delivery) -> None:
        begun.set()
        assert go_on.wait(10)

    events = [gateway.publish() for _ in range(4)]
    subscription = blocking_client.subscribe("crm", handle)
    assert begun.wait(10)
    subscription.begin_stop()
    gateway.wait_until(lambda: len(gateway.settlements) == 3)
    with pytest.raises(TimeoutError):
        subscription.wait(timeout=0)
    go_on.set()
    subscription.wait(timeout=10)
    said = {one.event_id: one.action for one in gateway.settlements}
    assert said[events[0].event_id] is Action.ACK
    assert [said[event.event_id] for event in events[1:]] == [Action.RELEASE] * 3


def test_a_handler_that_outlives_its_grace_has_its_event_released(
    gateway: FakeGateway, blocking_client: onhook.Client
) -> None:
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()
    late: list[onhook.OnhookError | None] = []

    def handle(delivery: onhook.Delivery) -> None:
        begun.set()
        assert go_on.wait(10)
        late.append(delivery.ack().exception(timeout=10))
        ended.set()

    event = gateway.publish()
    subscription = blocking_client.subscribe("crm", handle)
    assert begun.wait(10)
    subscription.stop(grace=0)
    assert gateway.settlement(event).action is Action.RELEASE
    go_on.set()
    assert ended.wait(10)
    assert isinstance(late[0], onhook.UnavailableError)


@pytest.mark.parametrize("method", [onhook.Subscription.stop, onhook.Subscription.wait])
def test_a_handler_that_would_wait_for_itself_is_told_so(
    gateway: FakeGateway,
    blocking_client: onhook.Client,
    method: Callable[[onhook.Subscription], None],
) -> None:
    def handle(delivery: onhook.Delivery) -> None:
        with pytest.raises(RuntimeError, match="begin_stop"):
            method(subscription)
        subscription.begin_stop()

    subscription = blocking_client.subscribe("crm", handle)
    event = gateway.publish()
    subscription.wait(timeout=10)
    assert gateway.settlement(event).action is Action.ACK


def test_a_block_that_is_left_by_an_exception_does_not_wait_for_its_deliveries(
    gateway: FakeGateway, blocking_client: onhook.Client
) -> None:
    event = gateway.publish()
    with pytest.raises(KeyError), blocking_client.subscribe("crm") as subscription:
        next(subscription)
        raise KeyError("the application's own")
    assert gateway.settlement(event).action is Action.RELEASE


def test_the_iteration_ends_after_a_stop_and_raises_what_ended_the_subscription(
    gateway: FakeGateway, blocking_client: onhook.Client
) -> None:
    subscription = blocking_client.subscribe("crm")
    gateway.wait_until(lambda: gateway.open_streams == 1)
    threading.Thread(target=subscription.stop).start()
    assert list(subscription) == []

    deleted = blocking_client.subscribe("crm")
    gateway.wait_until(lambda: len(gateway.openings) == 2)
    gateway.go_away(GoAwayReason.SUBSCRIPTION_DELETED)
    with pytest.raises(onhook.NotFoundError):
        next(deleted)
    with pytest.raises(onhook.NotFoundError):
        deleted.wait()


def test_subscriptions_that_end_at_once_say_so(tmp_path: Path) -> None:
    before = sys.getswitchinterval()
    # So that the loop's thread is often done before the one that subscribes goes on.
    sys.setswitchinterval(1e-6)
    client = onhook.Client(token_file=tmp_path / "nothing")
    try:
        for _ in range(200):
            with pytest.raises(onhook.ConfigurationError):
                client.subscribe("crm", lambda _: None).wait(timeout=10)
            with pytest.raises(onhook.ConfigurationError):
                client.subscribe("crm").wait(timeout=10)
    finally:
        sys.setswitchinterval(before)
    client.close()


def is_waiting_for_the_next(thread: threading.Thread) -> bool:
    assert thread.ident is not None
    frame = sys._current_frames()[thread.ident]
    names = [each.f_code.co_name for each, _ in traceback.walk_stack(frame)]
    return names[0] == "wait" and "__next__" in names


@pytest.mark.parametrize("begin", [lambda client: client.subscribe("crm"), onhook.Client.watch])
def test_who_is_interrupted_while_nothing_comes_reads_of_that_alone(
    blocking_client: onhook.Client,
    begin: Callable[[onhook.Client], onhook.Subscription | onhook.Watch],
) -> None:
    waiter, interrupted = threading.main_thread(), threading.Event()

    def interrupt() -> None:
        assert waiter.ident is not None
        # Again: a signal just before a lock is waited for does not end that wait.
        while not interrupted.wait(0.05):
            if is_waiting_for_the_next(waiter):
                signal.pthread_kill(waiter.ident, signal.SIGINT)

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt) as raised, begin(blocking_client) as waiting:
        try:
            next(waiting)
        finally:
            interrupted.set()
    interrupter.join()
    assert raised.value.__context__ is None


def test_a_handler_form_ends_with_what_repeating_cannot_help(
    gateway: FakeGateway, blocking_client: onhook.Client, states: States
) -> None:
    gateway.refuse(grpc.StatusCode.PERMISSION_DENIED, metadata={"identity": "billing"})
    subscription = blocking_client.subscribe("crm", lambda _: None, on_state=states)
    with pytest.raises(onhook.PermissionDeniedError) as raised:
        subscription.wait(timeout=10)
    assert raised.value.metadata["identity"] == "billing"
    assert states.names == ["connecting", "stopped"]


def test_a_lost_stream_is_opened_again(
    gateway: FakeGateway, blocking_client: onhook.Client, states: States
) -> None:
    with blocking_client.subscribe("crm", lambda _: None, on_state=states):
        gateway.settlement(gateway.publish())
        gateway.end_streams()
        gateway.settlement(gateway.publish())
    assert states.names.count("streaming") == 2
    assert states.names[-1] == "stopped"


def test_a_gateway_that_is_away_is_logged_once_with_its_address_and_why(
    gateway: FakeGateway,
    blocking_client: onhook.Client,
    states: States,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def warnings() -> list[str]:
        return [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]

    def lose_and_find_again() -> None:
        gateway.refuse(grpc.StatusCode.UNAVAILABLE, "in the cellar", times=3)
        gateway.end_streams()
        gateway.settlement(gateway.publish())

    with blocking_client.subscribe("crm", lambda _: None, on_state=states):
        gateway.settlement(gateway.publish())
        assert warnings() == []
        lose_and_find_again()
        assert states.names.count("backing_off") == 4
        (warning,) = warnings()
        assert warning.startswith(f"the subscription 'crm' has no stream from {gateway.address}")
        lose_and_find_again()
    assert len(warnings()) == 2


def test_a_hook_that_fails_harms_nobody(
    gateway: FakeGateway, blocking_client: onhook.Client
) -> None:
    def fail(change: onhook.StateChange) -> None:
        raise RuntimeError("the application's own")

    with blocking_client.subscribe("crm", lambda _: None, on_state=fail):
        gateway.settlement(gateway.publish())


def test_closing_the_client_stops_what_runs_and_what_comes_later_is_told_so(
    gateway: FakeGateway,
) -> None:
    client = onhook.Client(gateway.address, reconnect=QUICK)
    gateway.publish()
    subscription = client.subscribe("crm")
    delivery = next(subscription)
    delivery.ack()
    client.close()
    assert subscription.is_stopped
    assert gateway.ended_well == 1
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.subscribe("crm")


def test_a_client_that_was_never_used_has_no_thread(gateway: FakeGateway) -> None:
    before = threading.active_count()
    with onhook.Client(gateway.address):
        assert threading.active_count() == before


def test_both_twins_work_in_one_process(gateway: FakeGateway) -> None:
    async def consume() -> None:
        async with onhook.aio.Client(gateway.address) as client:
            async with client.subscribe("two", lambda _: None):
                await gateway.wait_until_async(lambda: len(gateway.settlements) == 200)

    with onhook.Client(gateway.address) as client, client.subscribe("one", lambda _: None):
        for _ in range(100):
            gateway.publish()
        asyncio.run(consume())
    assert {one.subscription for one in gateway.settlements} == {"one", "two"}


def test_a_handler_is_not_asked_for_an_event_that_comes_again_meanwhile(
    gateway: FakeGateway, blocking_client: onhook.Client
) -> None:
    calls: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def handle(delivery: onhook.Delivery) -> None:
        calls.append(delivery.event_id)
        begun.set()
        assert go_on.wait(10)

    event = gateway.publish()
    with blocking_client.subscribe("crm", handle, concurrency=2):
        assert begun.wait(10)
        gateway.redeliver(event)
        marker = gateway.publish()
        while marker.event_id not in calls:
            time.sleep(0)
        go_on.set()
        gateway.wait_until(lambda: len(gateway.settlements) == 2)
    assert calls == [event.event_id, marker.event_id]
    assert gateway.settlement(event).attempt == 2


def test_a_handler_that_would_end_its_thread_gives_its_event_back(
    gateway: FakeGateway, blocking_client: onhook.Client
) -> None:
    def handle(delivery: onhook.Delivery) -> None:
        if delivery.attempt == 1:
            sys.exit("no way on")

    event = gateway.publish()
    with blocking_client.subscribe("crm", handle):
        gateway.wait_until(lambda: len(gateway.settlements) == 2)
    said = gateway.settlement(event)
    assert (said.action, said.reason) == (Action.RETRY, "no way on")
    assert gateway.settlements[1].action is Action.ACK
