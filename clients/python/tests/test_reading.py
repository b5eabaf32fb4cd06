"""Watches and look-ups of both clients: points 17 and 18 of the contract."""

from __future__ import annotations

import asyncio
import threading
from datetime import datetime, timezone
from pathlib import Path

import grpc
import pytest
from conftest import QUICK, States

import onhook
import onhook.aio
from onhook import StartPosition
from onhook._lookup import list_request
from onhook.testing import FakeGateway
from onhook.v1.release_event_service_pb2 import GetEventRequest
from onhook.v1.release_event_service_pb2_grpc import ReleaseEventServiceStub


async def test_a_watch_reads_the_log_in_order_and_ends_at_its_end(
    gateway: FakeGateway, client: onhook.aio.Client, states: States
) -> None:
    events = [gateway.publish() for _ in range(20)]
    watch = client.watch(position=StartPosition.EARLIEST, stop_at_end=True, on_state=states)
    seen = [watched async for watched in watch]
    assert [one.event for one in seen] == events
    assert watch.cursor == seen[-1].cursor
    assert states.names == ["connecting", "streaming", "stopped"]


async def test_a_watch_goes_on_behind_the_last_event_handed_over(
    gateway: FakeGateway, client: onhook.aio.Client, states: States
) -> None:
    events = [gateway.publish() for _ in range(3)]
    async with client.watch(position=StartPosition.EARLIEST, on_state=states) as watch:
        seen = [(await anext(watch)).event]
        gateway.end_streams(grpc.StatusCode.UNKNOWN)
        events.append(gateway.publish())
        while len(seen) < 4:
            seen.append((await anext(watch)).event)
        gateway.go_away()
        events.append(gateway.publish())
        seen.append((await anext(watch)).event)
    assert seen == events
    assert states.names.count("backing_off") == 1


async def test_a_watch_can_be_kept_and_gone_on_with_elsewhere(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    events = [gateway.publish() for _ in range(3)]
    async with client.watch(position=StartPosition.EARLIEST) as watch:
        assert watch.cursor == ""
        await anext(watch)
        kept = watch.cursor
    later = client.watch(after_cursor=kept, stop_at_end=True)
    assert [one.event async for one in later] == events[1:]


async def test_a_gap_is_an_error_that_tells_its_size_and_the_way_on(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    events = [gateway.publish() for _ in range(5)]
    gateway.trim(3)
    with pytest.raises(onhook.GapError) as raised:
        await anext(client.watch(after_cursor="cursor-1"))
    assert raised.value.events_lost == 2
    onward = client.watch(after_cursor=raised.value.oldest_cursor, stop_at_end=True)
    assert [one.event async for one in onward] == events[3:]


async def test_missed_heartbeats_replace_the_connection_of_a_watch() -> None:
    with FakeGateway(heartbeat_interval=0.02) as gateway:
        async with onhook.aio.Client(gateway.address, reconnect=QUICK) as client:
            async with client.watch(position=StartPosition.EARLIEST) as watch:
                gateway.publish()
                await anext(watch)
                gateway.fall_silent()
                event = gateway.publish()
                assert (await anext(watch)).event == event
        assert len(set(gateway.connections)) == len(gateway.connections) >= 2


async def test_a_watch_that_waits_is_stopped(
    gateway: FakeGateway, client: onhook.aio.Client, states: States
) -> None:
    watch = client.watch(on_state=states)

    async def read() -> list[onhook.WatchedEvent]:
        return [watched async for watched in watch]

    reading = asyncio.ensure_future(read())
    await gateway.wait_until_async(lambda: len(gateway.connections) == 1)
    await watch.stop()
    assert await reading == []
    assert states.names[-1] == "stopped"
    await watch.stop()


async def test_a_watch_that_backs_off_is_stopped(states: States) -> None:
    with FakeGateway() as gateway:
        address = gateway.address
    told = asyncio.Event()

    def on_state(change: onhook.StateChange) -> None:
        if change.state is onhook.State.BACKING_OFF:
            told.set()

    reconnect = onhook.Reconnect(initial=60, maximum=60)
    async with onhook.aio.Client(address, reconnect=reconnect) as client:
        watch = client.watch(on_state=on_state)
        reading = asyncio.ensure_future(anext(watch, None))
        await told.wait()
        await watch.stop()
        assert await reading is None


async def test_a_reader_that_was_cancelled_can_go_on(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    async with client.watch(position=StartPosition.EARLIEST) as watch:
        gateway.publish()
        await anext(watch)
        reading = asyncio.ensure_future(anext(watch))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        event = gateway.publish()
        assert (await anext(watch)).event == event


async def test_a_watch_begins_at_one_place(client: onhook.aio.Client) -> None:
    with pytest.raises(ValueError, match="one of"):
        client.watch(position=StartPosition.EARLIEST, after_cursor="c")


async def test_an_event_is_got_with_what_became_of_it(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    event = gateway.publish(call_serial_no="c-1")
    stored = await client.get_event(event.event_id)
    assert (stored.event, stored.cursor, stored.raw_body) == (event, "cursor-1", None)
    assert stored.timelines == {}
    with pytest.raises(onhook.NotFoundError):
        await client.get_event("v1-0-nothing")


async def test_a_listing_goes_over_all_pages(
    gateway: FakeGateway, client: onhook.aio.Client
) -> None:
    events = [gateway.publish(call_serial_no="c-1") for _ in range(7)]
    gateway.publish(call_serial_no="other")
    listing = client.list_events("c-1", page_size=2)
    assert [stored.event async for stored in listing] == events
    assert listing.corrupt_events == 0
    assert [stored async for stored in client.list_events("nothing")] == []


async def test_a_lookup_that_gets_no_answer_ends_in_time(gateway: FakeGateway) -> None:
    with FakeGateway() as away:
        address = away.address
    async with onhook.aio.Client(address, lookup_timeout=5) as client:
        with pytest.raises(onhook.UnavailableError):
            await client.get_event("v1-0-nothing")


async def test_a_generated_stub_shows_the_same_token(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("right")
    with FakeGateway(token="right") as gateway:
        event = gateway.publish()
        request = GetEventRequest(event_id=event.event_id)
        async with onhook.aio.Client(gateway.address, token_file=token) as client:
            answer = await client.stub(ReleaseEventServiceStub).GetEvent(request)
            assert answer.stored_event.event == event.message
        with onhook.Client(gateway.address, token_file=token) as blocking:
            got = blocking.stub(ReleaseEventServiceStub).GetEvent(request)
            assert got.stored_event.event == event.message


def test_the_blocking_watch_reads_on_over_a_lost_stream(
    gateway: FakeGateway, blocking_client: onhook.Client
) -> None:
    events = [gateway.publish() for _ in range(3)]
    with blocking_client.watch(position=StartPosition.EARLIEST) as watch:
        seen = [next(watch).event for _ in range(3)]
        gateway.end_streams()
        events.append(gateway.publish())
        last = next(watch)
        seen.append(last.event)
        assert watch.cursor == last.cursor
    assert seen == events


def test_the_blocking_watch_is_stopped_from_another_thread(
    gateway: FakeGateway, blocking_client: onhook.Client
) -> None:
    watch = blocking_client.watch()

    def stop() -> None:
        gateway.wait_until(lambda: len(gateway.connections) == 1)
        watch.stop()

    stopper = threading.Thread(target=stop)
    stopper.start()
    assert list(watch) == []
    stopper.join(10)


def test_the_blocking_watch_tells_a_gap(
    gateway: FakeGateway, blocking_client: onhook.Client
) -> None:
    for _ in range(5):
        gateway.publish()
    gateway.trim(3)
    with pytest.raises(onhook.GapError):
        next(blocking_client.watch(after_cursor="cursor-1"))


def test_the_blocking_lookups_are_the_same(
    gateway: FakeGateway, blocking_client: onhook.Client
) -> None:
    events = [gateway.publish(call_serial_no="c-1") for _ in range(5)]
    assert blocking_client.get_event(events[0].event_id).event == events[0]
    listed = blocking_client.list_events("c-1", page_size=2)
    assert [stored.event for stored in listed] == events
    with pytest.raises(onhook.NotFoundError):
        blocking_client.get_event("v1-0-nothing")


def test_conditions_of_a_listing_are_sent() -> None:
    begin = datetime(2024, 1, 2, tzinfo=timezone.utc)
    request = list_request("c-1", "sales", begin, begin, 10)
    assert (request.call_serial_no, request.source, request.page_size) == ("c-1", "sales", 10)
    assert request.received_from.ToDatetime(timezone.utc) == begin
    assert request.received_before.ToDatetime(timezone.utc) == begin
