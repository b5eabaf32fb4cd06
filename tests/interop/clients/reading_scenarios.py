"""S12 to S14, S16: watching, looking up, and what comes through as it was sent."""

import itertools

from client_program import call_of, event_of
from onhook.v1 import release_event_service_pb2 as events_api
from relay import UNKNOWN_ENUM_VALUE, UNKNOWN_FIELD, of_a_newer_version
from waiting import check, check_equal, wait_until

# The vendor's fields whose values are texts, by their names in the event.
TEXTS = {"call_serial_no": "callSerialNo", "service_no": "serviceNo", "called": "called", "caller": "caller",
         "caller_present": "callerPresent", "call_data": "callData", "recordfile": "recordfile",
         "location_id": "locationId", "release_reason_code": "releaseReason"}
UNICODE = "汉字 \U0001f4de \"quoted\"\ttab \\ é \u200f"


def _watched(client, count):
    return [client.next("watched") for _ in range(count)]


def s12_a_watch_goes_on(case):
    gateway = case.gateway()
    calls = gateway.post_all([f"c-{i}" for i in range(5)])
    client = case.client(gateway)
    client.tell("watch", position="earliest", observe_only=True)
    seen = _watched(client, 5)
    gateway.kill()
    gateway.start()
    calls += gateway.post_all([f"d-{i}" for i in range(5)])
    seen += _watched(client, 5)
    check_equal([call_of(report) for report in seen], calls, "what was watched, over a restart")
    client.stopped_well()

    later = case.client(gateway)
    later.tell("watch", after_cursor=seen[6]["cursor"], stop_at_end=True)
    ended = later.next("ended")
    check_equal(ended["ok"], True, f"the end of the log, {ended}")
    check_equal([call_of(report) for report in later.seen("watched")], calls[7:], "what another process goes on with")

    newest = case.client(gateway)
    newest.tell("watch", position="latest")
    numbers = itertools.count()
    wait_until(lambda: newest.has("watched") or gateway.post(f"e-{next(numbers)}"), "the newest are watched")
    check(call_of(newest.next("watched")).startswith("e-"), "what was there before does not come")
    newest.stopped_well()

    wrong = case.client(gateway)
    wrong.tell("watch", after_cursor="nonsense")
    check_equal(wrong.next("ended")["code"], "INVALID_ARGUMENT", "the end of a watch from nowhere")


def s13_a_gap_is_told(case):
    gateway = case.gateway("--store-retention-size=500B")
    gateway.post("c-0")
    (first,) = gateway.events().ListEvents(events_api.ListEventsRequest(call_serial_no="c-0")).stored_events
    behind = gateway.post_all([f"c-{i}" for i in range(1, 20)])
    wait_until(lambda: not gateway.event_ids("c-4"), "the oldest are not kept any more")
    gateway.create("keeper")  # what is owed to it stays
    kept = [call for call in behind if gateway.event_ids(call)]
    client = case.client(gateway)
    client.tell("watch", after_cursor=first.cursor, observe_only=True)
    ended = client.next("ended")
    check_equal((ended["ok"], ended["code"]), (False, "OUT_OF_RANGE"), f"the end, {ended}")
    check_equal(ended["gap"]["events_lost"], len(behind) - len(kept), "the size of the gap")
    check_equal(client.seen("watched"), [], "nothing is skipped in silence")
    onward = case.client(gateway)
    onward.tell("watch", after_cursor=ended["gap"]["oldest_cursor"], stop_at_end=True)
    check_equal(onward.next("ended")["ok"], True, "going on from the oldest cursor")
    check_equal([call_of(report) for report in onward.seen("watched")], kept, "what is there still")


def s14_everything_comes_through(case):
    gateway = case.gateway("--http-max-body-bytes=128KiB")
    relay = case.relay(gateway, of_a_newer_version)
    client = case.subscriber(relay)
    # A response of a kind that is not known yet is skipped.
    relay.streams[0].send(events_api.SubscribeResponse.FromString(UNKNOWN_FIELD))
    big = UNICODE + "x" * (65536 - len(UNICODE.encode()))
    gateway.post("full", callData=big, releaseTime="2022/02/22,18:04:36:318", talkDuration="6", releaseReason="0",
                 serviceNo="", 新=UNICODE)
    delivery = client.delivery()
    (stored,) = gateway.events().ListEvents(events_api.ListEventsRequest(call_serial_no="full")).stored_events
    wanted = stored.event
    wanted.release_reason = UNKNOWN_ENUM_VALUE
    wanted.MergeFromString(UNKNOWN_FIELD)
    check_equal(event_of(delivery), wanted, "the event, serialised by the library")
    native = delivery["native"]
    check_equal(native, {
        "call_serial_no": "full", "called": "88880067", "call_data": big, "release_time": "2022-02-22T18:04:36.318Z",
        "talk_duration_ms": 6000, "release_reason": str(UNKNOWN_ENUM_VALUE), "extra": {"新": UNICODE},
        "unset": sorted(set(TEXTS) - {"call_serial_no", "service_no", "called", "call_data", "release_reason_code"})},
        "the event in the language's own types")
    check_equal(delivery["redelivery_reason"], str(UNKNOWN_ENUM_VALUE), "a reason that is not known yet")
    client.settle(delivery)

    gateway.post("bare")
    bare = client.delivery()
    check_equal(bare["native"]["unset"], sorted(set(TEXTS) - {"call_serial_no", "called"}), "what is unset")
    check_equal((bare["native"]["release_time"], bare["native"]["talk_duration_ms"]), (None, None), "times unset")
    client.settle(bare)
    client.stopped_well()


def s16_get_and_list(case):
    gateway = case.gateway()
    client = case.subscriber(gateway)
    for i in range(7):
        gateway.post("call", callData=str(i))  # of one call, each another event
    gateway.post("other", releaseReason="5")
    for _ in range(8):
        client.settle(client.delivery())
    client.tell("list", call_serial_no="call", page_size=2)
    listed = client.next("listed")["event_ids"]
    check_equal(listed, gateway.event_ids("call"), "all of a call, over pages")
    check_equal(len(listed), 7, "events of that call")
    client.tell("list", call_serial_no="nothing")
    check_equal(client.next("listed")["event_ids"], [], "events of another call")
    (other,) = gateway.event_ids("other")
    wait_until(lambda: gateway.state("other", "crm") == "ACKED", "it is acknowledged")
    client.tell("get", event_id=other)
    got = client.next("got")
    check_equal((got["found"], call_of(got), got["states"]), (True, "other", {"crm": "ACKED"}), "what is got")
    check_equal(got["native"]["release_reason"], "CALLED_NO_ANSWER", "its reason")
    client.tell("get", event_id="v1-00000000000000000000000000000000-nothing")
    got = client.next("got")
    check_equal((got["found"], got["code"]), (False, "NOT_FOUND"), "what is not there")
    client.stopped_well()
