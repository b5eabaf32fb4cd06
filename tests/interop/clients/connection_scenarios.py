"""S5 to S7, S11, S17, S18, S20: what ends a stream, and what does not end a subscription."""

import json
import pathlib
import subprocess

import grpc
from client_program import call_of, logged
from onhook.v1 import release_event_service_pb2 as events_api
from onhook.v1 import subscription_service_pb2 as subscriptions_api
from waiting import Failure, check, check_equal, wait_until


def s5_a_gateway_restarts(case):
    gateway = case.gateway("--shutdown-drain-deadline=2s")
    log = case.folder / "all.log"
    client = case.subscriber(gateway, auto="ack", log=str(log))
    ids = []
    for life, end in enumerate((gateway.stop, gateway.kill, None)):
        calls = gateway.post_all([f"c-{life}-{i}" for i in range(100)])
        ids += [event_id for call in calls for event_id in gateway.event_ids(call)]
        if end is None:
            break
        end()
        client.await_state("backing_off")
        gateway.start()
        client.await_state("streaming")
    gateway.wait_settled("crm")
    client.stopped_well()
    check_equal({event_id for event_id, _ in logged(log)}, set(ids), "events handled")
    check_equal({attempt for _, attempt in logged(log)}, {1}, "attempts: a restart counts as none")


def _held_over_a_lost_stream(case, gateway, client, lose):
    """What a handler holds while its stream is lost is handled once, and acknowledged on the next."""
    gateway.post("held")
    held = client.delivery()
    lose()
    client.await_state("backing_off")
    client.await_state("streaming")
    wait_until(lambda: gateway.stats("crm").outstanding_events == 1, "the event is sent again")
    # What comes behind it on the same stream shows that it is here.
    gateway.post("next")
    following = client.delivery()
    check_equal(call_of(following), "next", "it is not handled a second time")
    client.settle(held)
    client.settle(following)
    gateway.wait_settled("crm")
    check_equal(len(client.seen("delivery")), 2, "events handled")
    client.stopped_well()
    check_equal(gateway.state("held", "crm"), "ACKED", "the state of what was held")


def s6_a_connection_is_cut(case):
    gateway = case.gateway()
    proxy = case.proxy(gateway)
    _held_over_a_lost_stream(case, gateway, case.subscriber(proxy, concurrency=2), proxy.cut)


def _connections_to(port):
    """The client's ports of the connections to a port of this machine."""
    done = subprocess.run(["ss", "-Htn", "state", "established", f"( dport = :{port} )"], stdout=subprocess.PIPE,
                          text=True, check=True)
    return [line.split()[2].rpartition(":")[2] for line in done.stdout.splitlines()]


def s7_packets_are_dropped(case):
    if pathlib.Path("/proc/self/ns/net").readlink() == pathlib.Path(f"/proc/{case.tools.outside}/ns/net").readlink():
        raise Failure("there is no network namespace to drop packets in")
    # The gateway looks for dead peers later than the client, which is told to expect a word each second.
    gateway = case.gateway("--grpc-heartbeat-interval=1s")
    client = case.subscriber(gateway)
    port = gateway.ports["grpc"]
    before = _connections_to(port)
    gateway.post("held")
    held = client.delivery()
    for mine in before:
        for side, other in (("--sport", "--dport"), ("--dport", "--sport")):
            subprocess.run(["iptables", "-w", "-A", "INPUT", "-p", "tcp", side, mine, other, str(port), "-j", "DROP"],
                           check=True)
    lost = client.await_state("backing_off")
    client.await_state("streaming")
    # Noticed by the missing heartbeats: 2 of them take 2 s, gRPC's own keepalive 20 s at least.
    check(lost["at"] - held["at"] < 15, f"it took {lost['at'] - held['at']:.1f} s to notice")
    client.settle(held)
    gateway.post("next")
    following = client.delivery()
    check_equal(call_of(following), "next", "what comes over the new connection")
    client.settle(following)
    client.stopped_well()
    wait_until(lambda: gateway.state("held", "crm") == "ACKED", "what was held is acknowledged on the new one")


def _guarded(case):
    """A gateway with TLS and an access list, and what its clients may show."""
    folder = case.certificates("crm", "stranger")
    for name, token in (("billing", "b" * 20), ("wrong", "w" * 20)):
        (folder / f"{name}.token").write_text(token + "\n", encoding="utf-8")
    settings = {
        "grpc": {"tls": {"certificate_file": str(folder / "server.crt"), "key_file": str(folder / "server.key"),
                         "client_ca_file": str(folder / "ca.crt"), "client_certificate": "optional"}},
        "access": [{"name": "crm", "certificate": "spiffe://onhook.dev/crm", "subscribe": ["crm"], "create": ["crm"],
                    "see_numbers": True},
                   {"name": "billing", "token_files": [str(folder / "billing.token")], "subscribe": ["billing"],
                    "create": ["billing"]}]}
    (folder / "onhook.yaml").write_text(json.dumps(settings), encoding="utf-8")
    gateway = case.gateway(f"--config={folder / 'onhook.yaml'}", insecure_look=False)
    ca = {"ca_file": str(folder / "ca.crt")}
    shown = {name: {**ca, "certificate_file": str(folder / f"{name}.crt"), "key_file": str(folder / f"{name}.key")}
             for name in ("crm", "stranger")}
    shown.update({name: {**ca, "token_file": str(folder / f"{name}.token")} for name in ("billing", "wrong")})
    shown["nothing"] = ca
    return gateway, shown


def s11_who_may_and_who_may_not(case):
    gateway, shown = _guarded(case)
    gateway.post("c-1")
    for name in ("crm", "billing"):
        client = case.subscriber(gateway, name, connect=shown[name])
        delivery = client.delivery()
        check_equal(call_of(delivery), "c-1", f"what {name} receives")
        client.settle(delivery)
        client.stopped_well()
    for name, wanted, code in (("nothing", "crm", "UNAUTHENTICATED"), ("wrong", "crm", "UNAUTHENTICATED"),
                               ("stranger", "crm", "UNAUTHENTICATED"), ("billing", "crm", "PERMISSION_DENIED")):
        client = case.client(gateway, **shown[name])
        client.tell("subscribe", subscription=wanted, form="handler")
        ended = client.next("ended")
        check_equal((ended["ok"], ended["code"]), (False, code), f"the end of {name}, {ended}")
        check(ended["message"], f"it is told why: {ended}")
    # Who does not trust the gateway's certificate, or speaks no TLS, is not let in, and goes on trying.
    for connect in ({}, {"ca_file": str(case.folder / "certificates/stranger.crt")}):
        client = case.client(gateway, **connect)
        client.tell("subscribe", subscription="crm", form="handler")
        client.await_state("backing_off")
        check(not client.has("ended"), "what may pass does not end it")


def s17_a_stream_goes_away_for_age(case):
    gateway = case.gateway()
    relay = case.relay(gateway)
    client = case.subscriber(relay)
    gateway.post("held")
    held = client.delivery()
    old = relay.streams[0]
    go_away = events_api.SubscribeResponse()
    go_away.go_away.reason = events_api.GoAway.REASON_MAX_AGE
    go_away.go_away.drain_deadline.FromSeconds(20)
    old.send(go_away)
    wait_until(lambda: len(relay.streams) == 2, "a replacement is opened")
    check(not old.half_closed.is_set(), "the old stream is kept for what it handed out")
    client.settle(held)
    check(old.half_closed.wait(30) and old.ended.wait(30), "the old stream is half-closed then")
    check_equal(old.status, grpc.StatusCode.OK, "its end")
    gateway.post("next")
    following = client.delivery()
    check_equal((call_of(following), following["attempt"]), ("next", 1), "what comes on the replacement")
    client.settle(following)
    client.stopped_well()
    check_equal(gateway.state("held", "crm"), "ACKED", "the state of what was held")
    check_equal(len(relay.streams), 2, "streams")
    check(not [r for r in client.seen("state") if r["state"] == "backing_off"], "a planned end is no failure")


def s18_what_ends_a_subscription(case):
    gateway = case.gateway()
    missing = case.client(gateway)
    missing.tell("subscribe", subscription="nobody", form="handler")
    ended = missing.next("ended")
    check_equal((ended["ok"], ended["code"]), (False, "NOT_FOUND"), f"the end of a missing one, {ended}")

    deleted = case.subscriber(gateway, "gone")
    gateway.subscriptions().DeleteSubscription(subscriptions_api.DeleteSubscriptionRequest(name="gone"), timeout=20)
    ended = deleted.next("ended")
    check_equal((ended["ok"], ended["code"]), (False, "NOT_FOUND"), f"the end of a deleted one, {ended}")

    gateway.kill()
    early = case.client(gateway.server)
    early.tell("subscribe", subscription="crm", form="handler", create=True)
    early.await_state("backing_off")
    gateway.start()
    early.await_state("streaming")
    gateway.post("c-1")
    delivery = early.delivery()
    early.settle(delivery)
    early.stopped_well()


def s20_an_answer_is_lost(case):
    def loses_the_first_answer(stream, response):
        if stream.number == 0 and response.HasField("ack_results"):
            stream.lost = grpc.StatusCode.UNAVAILABLE
            return None
        return response

    gateway = case.gateway()
    relay = case.relay(gateway, loses_the_first_answer)
    client = case.subscriber(relay, form="iterator")
    gateway.post("c-1")
    delivery = client.delivery()
    client.settle(delivery)
    client.confirmed(delivery["number"])
    first, second = relay.streams
    check_equal((first.acked(), second.acked()), ([delivery["delivery_id"]], [delivery["delivery_id"]]),
                "acknowledgements on the first stream and the second")
    client.stopped_well()
    check_equal(len(client.seen("delivery")), 1, "it came once")
