"""S1 to S4, S8 to S10, S15, S19: who gets what, how often, and what becomes of it."""

import threading

from client_program import call_of, event_of, logged
from onhook.v1 import release_event_service_pb2 as events_api
from onhook.v1 import subscription_service_pb2 as subscriptions_api
from plain_consumer import PlainConsumer
from waiting import check, check_equal, wait_until

FORMS = ("handler", "iterator")


def s1_events_are_acknowledged_and_do_not_come_again(case):
    for form in FORMS:
        gateway = case.gateway()
        calls = gateway.post_all([f"c-{i}" for i in range(20)])
        client = case.subscriber(gateway, form=form)
        for call in calls:
            delivery = client.delivery()
            check_equal((call_of(delivery), delivery["attempt"]), (call, 1), "the next event")
            client.settle(delivery)
            if form == "iterator":
                client.confirmed(delivery["number"])
        client.stopped_well()
        check_equal(client.seen("state")[-1]["state"], "stopped", "the last state")
        check_equal(client.close(), 0, "the exit code")
        check_equal(gateway.stats("crm").backlog_events, 0, "events owed after a stop that succeeded")
        again = case.subscriber(gateway, form=form)
        gateway.post("new")
        check_equal(call_of(again.delivery()), "new", "what comes to its successor")


def s2_a_failed_event_comes_again(case):
    gateway = case.gateway()
    client = case.subscriber(gateway)
    gateway.post("c-1")
    client.settle(client.delivery(), "fail", reason="the disk is full")
    again = client.delivery()
    check_equal((again["attempt"], again["redelivery_reason"]), (2, "NACKED"), "the second attempt")
    reasons = [entry.reason for entry in gateway.timeline("c-1", "crm")[1]]
    check(any("the disk is full" in reason for reason in reasons), f"the reason is in the timeline: {reasons}")
    client.settle(again, "retry", delay_ms=2000, reason="later")
    later = client.delivery()
    check_equal((later["attempt"], later["redelivery_reason"]), (3, "NACKED"), "the third attempt")
    # The delay counts from the nack's arrival, which is after the second delivery was reported.
    check(later["at"] - again["at"] >= 1.9, "it came before its delay was over")
    client.settle(later)
    client.stopped_well()
    check_equal(gateway.state("c-1", "crm"), "ACKED", "the event's state")


def s3_a_slow_handler_keeps_its_event(case):
    gateway = case.gateway()
    client = case.subscriber(gateway, ack_deadline_ms=2000, max_extension_ms=8000)
    gateway.post("c-1")
    held = client.delivery()
    with PlainConsumer(gateway.server, "crm") as other:
        lost = other.delivery()
        check_equal(lost.redelivery_reason, events_api.Delivery.REDELIVERY_REASON_DEADLINE_EXPIRED, "why it came")
        # Beyond its first deadline and the backoff that follows it, which are some 4 s.
        check(other.arrived_at - held["at"] >= 7.9, "it was lost before max_extension was over")
        other.ack(lost)
    client.settle(held)
    client.stopped_well()

    explicit = case.subscriber(gateway, "explicit", form="iterator", ack_deadline_ms=2000, max_extension_ms=0)
    first = explicit.delivery()
    explicit.tell("extend", number=first["number"], deadline_ms=7000)
    check_equal(explicit.next("extended")["ok"], True, "the extension")
    extended_at = explicit.seen("extended")[0]["at"]
    with PlainConsumer(gateway.server, "explicit") as other:
        other.delivery()
        # Counted from the request's arrival, a moment before its answer.
        check(other.arrived_at - extended_at >= 6.5, "it was lost before the explicit deadline")


def s4_park_skip_and_release(case):
    hows = ("park", "skip", "release")
    for form in FORMS:
        gateway = case.gateway()
        client = case.subscriber(gateway, form=form)
        gateway.post_all(hows)
        for how in hows:
            delivery = client.delivery()
            check_equal(call_of(delivery), how, "the next event")
            client.settle(delivery, how, reason=f"for {how}")
        again = client.delivery()
        check_equal((call_of(again), again["attempt"], again["redelivery_reason"]), ("release", 1, "RELEASED"),
                    "what was released comes again, and no attempt was burnt")
        client.settle(again)
        client.stopped_well()
        check_equal([gateway.state(how, "crm") for how in hows], ["PARKED", "SKIPPED", "ACKED"], "what became of them")
        (letter,) = gateway.dead_letters("crm")
        check_equal((letter.event.call_serial_no, letter.detail, letter.reason),
                    ("park", "for park", subscriptions_api.DeadLetter.REASON_REQUESTED), "the dead letter")


def s8_a_stop_under_load_loses_nothing(case):
    settled, running, total = 40, 8, 500
    gateway = case.gateway()
    vendor = threading.Thread(target=gateway.post_all, args=([f"c-{i}" for i in range(total)],))
    first = case.subscriber(gateway, concurrency=running, max_outstanding_events=100)
    vendor.start()
    for _ in range(settled):
        first.settle(first.delivery())
    held = [first.delivery() for _ in range(running)]
    first.tell("stop", grace_ms=30000)
    # What no handler has begun goes elsewhere at once, while those still run.
    log = case.folder / "second.log"
    second = case.subscriber(gateway, auto="ack", log=str(log))
    vendor.join()
    rest = total - settled - running
    wait_until(lambda: second.handled()["handled"] == rest, "the others go elsewhere")
    check(not first.has("ended"), "it waits for its handlers")
    for delivery in held:
        first.settle(delivery)
    ended = first.next("ended")
    check_equal(ended["ok"], True, f"the stop, {ended}")
    gateway.wait_settled("crm")
    second.stopped_well()
    by_first = {delivery["event_id"] for delivery in first.seen("delivery")}
    by_second = logged(log)
    check_equal((len(first.seen("delivery")), len(by_second)), (settled + running, rest), "handled by each")
    check_equal(by_first & {event_id for event_id, _ in by_second}, set(), "handled by both")
    check_equal({attempt for _, attempt in by_second}, {1}, "attempts")


def s9_two_consumers_share(case):
    gateway = case.gateway()
    gateway.create("crm")
    logs = [case.folder / f"{i}.log" for i in range(2)]
    clients = [case.subscriber(gateway, auto="ack", log=str(log), max_outstanding_events=10) for log in logs]
    gateway.wait_streams("crm", 2)
    gateway.post_all([f"c-{i}" for i in range(600)])
    gateway.wait_settled("crm")
    for client in clients:
        client.stopped_well()
    parts = [logged(log) for log in logs]
    check(all(parts), f"each gets some: {[len(part) for part in parts]}")
    both = [event_id for part in parts for event_id, _ in part]
    check_equal((len(both), len(set(both))), (600, 600), "events, and different ones")


def s10_pause_and_resume(case):
    gateway = case.gateway()
    paused = case.subscriber(gateway, form="iterator")
    gateway.post("before")
    before = paused.delivery()
    paused.tell("pause")
    paused.settle(before)  # what is here goes on
    paused.confirmed(before["number"])
    # The answer to the acknowledgement came after the pause had been taken.
    log = case.folder / "other.log"
    other = case.subscriber(gateway, auto="ack", log=str(log))
    gateway.wait_streams("crm", 2)
    gateway.post_all([f"c-{i}" for i in range(30)])
    gateway.wait_settled("crm")
    check(not paused.has("delivery"), "nothing comes while it is paused")
    other.stopped_well()
    check_equal(len(logged(log)), 30, "events of the other")
    paused.tell("resume")
    gateway.post("after")
    after = paused.delivery()
    check_equal(call_of(after), "after", "what comes after the pause")
    paused.settle(after)
    paused.stopped_well()
    check_equal(len([r for r in paused.seen("state") if r["state"] == "streaming"]), 1, "streams it needed")


def s15_many_events(case):
    gateway, count = case.tools.crowd, case.tools.event_count
    for form in FORMS:
        name = f"{case.folder.name}-{form}"
        log = case.folder / f"{form}.log"
        client = case.subscriber(gateway, name, form=form, auto="ack", log=str(log), concurrency=4)
        gateway.wait_settled(name, patience_s=300)
        client.stopped_well()
        handled = [event_id for event_id, _ in logged(log)]
        check_equal((len(handled), len(set(handled))), (count, count), "events handled, and different ones")


def s19_what_a_handler_is_told(case):
    gateway = case.gateway()
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    client = case.subscriber(gateway)
    gateway.post("traced", headers={"traceparent": trace})
    delivery = client.delivery()
    check_equal((delivery["traceparent"], delivery["attempt"], delivery["redelivery_reason"]),
                (trace, 1, "UNSPECIFIED"), "what is told of the first attempt")
    check_equal(delivery["event_id"], gateway.event_ids("traced")[0], "the event_id")
    check(delivery["delivery_id"] and delivery["cursor"], "delivery_id and cursor are told")
    client.settle(delivery)
    gateway.post("untraced")
    delivery = client.delivery()
    check_equal((delivery["traceparent"], event_of(delivery).HasField("traceparent")), (None, False), "no trace")
    client.settle(delivery)
    client.stopped_well()
