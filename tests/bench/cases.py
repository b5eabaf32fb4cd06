"""What is measured: sections of cases, those of a section in turn, round after round.

Whatever is compared closest stands side by side, so that a slow minute of the machine falls on all
alike.
"""

import dataclasses

from measurements import CatchUp, Commits, Functions, Instructions, Load, Start

NGINX = "nginx, 64 connections"
HTTPLIB = "cpp-httplib, 64 connections"
GATEWAY = "gateway, 64 connections"
COMMITS = "SQLite, single-row commits"
ONE_CONNECTION = "gateway, 1 connection"
STEADY = "gateway, 5,000 a second"
FEW = "gateway, 50 a second"
FEW_BESIDE_IDLE = "gateway, 50 a second beside 1,000 idle connections"
ONE_BODY = "gateway, one body 1,000 times over 200 connections"
FULL_LOAD = "gateway, full load until its memory is filled"
MODEST = "gateway, 2,000 a second"
CATCHING_UP = "catching up, one consumer"
CATCHING_UP_BESIDE = "catching up, beside 1,000 callbacks a second"
START_EMPTY = "start to the first success, empty store"
INSTRUCTIONS = "gateway, instructions of an event"

STALLED_READERS = 64
IDLE_STREAMS = 1000


@dataclasses.dataclass(frozen=True)
class Section:
    """Cases that are measured in turn."""
    name: str
    title: str
    cases: tuple
    most_rounds: int = 100  # more would say nothing more


@dataclasses.dataclass(frozen=True)
class Size:
    """How much is measured: the points of each curve, and what is dear."""
    backlog: int = 10_000_000
    backlogs: tuple = (0, 10_000, 1_000_000)
    catch_up: int = 1_000_000
    connections: tuple = (1, 4, 16, 64, 256, 1024)
    subscribers: tuple = (0, 1, 2, 4, 8, 16, 32, 64)
    idle_streams: tuple = (0, 10, 100, 300, IDLE_STREAMS)
    bodies_kib: tuple = (1, 4, 16, 32, 64)
    counted_posts: int = 500

    def all_backlogs(self):
        """The points of that curve, which ends with the largest."""
        return (*(events for events in self.backlogs if events < self.backlog), self.backlog)


QUICK = Size(backlog=200_000, backlogs=(0, 10_000), catch_up=200_000, connections=(1, 64, 1024),
             subscribers=(0, 1, 8), idle_streams=(0, 100), bodies_kib=(1, 64), counted_posts=200)


def connections_case(number):
    """A point of the curve of connections."""
    return f"gateway, {number:,} connection{'' if number == 1 else 's'} (curve)"


def subscribers_case(number):
    """A point of the curve of subscribers."""
    if number == 0:
        return "gateway, stored, no subscriber"
    return f"gateway, {number} subscriber{'' if number == 1 else 's'}"


def idle_streams_case(number):
    """A point of the curve of idle streams."""
    return f"gateway beside {number:,} idle streams"


def idle_subscriptions_case(number):
    """As many, two of each subscription: there may be a thousand of those."""
    return f"{idle_streams_case(number)} of {number // 2:,} subscriptions"


def backlog_case(events):
    """A point of the curve of backlogs."""
    return f"gateway, {events:,} events owed to another"


def modest_case(events, beside=""):
    """A steady and modest load over a backlog."""
    return f"{MODEST}, {events:,} events owed to another{beside}"


def start_case(events):
    """A start with so many events stored."""
    return f"start to the first success, {events:,} events stored"


def sections(size, quick=False):
    """All of them, in the order in which they are measured."""
    busy = ("--connections=64", "--subscribers=1")
    short = 0.5  # a point of a curve, against a case that stands alone
    curve_warm_up = "--warm_up_seconds=0.5"
    modest = ("--connections=16", "--rate=2000", "--subscribers=1", "--latest")
    few = ("--connections=10", "--subscribers=1", "--rate=50")
    return [
        Section("floors", "beside an HTTP server that does nothing, all of 64 connections", (
            Load(NGINX, ("--connections=64",), "nginx"),
            Load(HTTPLIB, ("--connections=64",), "http_floor"),
            Load(GATEWAY, busy))),
        Section("latency", "how long one callback takes, beside how long a commit takes", (
            Commits(COMMITS, 200 if quick else 4000),
            Load(ONE_CONNECTION, ("--connections=1", "--subscribers=1")))),
        Section("rates", "a constant rate, latency counted from when a callback was due", (
            Load(STEADY, busy + ("--rate=5000",), seconds_times=2),
            Load(FEW, few),
            Load(FEW_BESIDE_IDLE, few + ("--idle_connections=1000",)),
            Load(ONE_BODY, ("--connections=200", "--subscribers=1", "--posts=1000", "--same_body",
                            "--warm_up_seconds=0")))),
        Section("memory", "memory under full load", (Load(FULL_LOAD, busy, seconds_times=4),),
                most_rounds=3),
        Section("connections", "curve: connections", tuple(
            Load(connections_case(number), (f"--connections={number}", "--subscribers=1", curve_warm_up),
                 settings=("--http-max-connections=2048",), seconds_times=short)
            for number in size.connections)),
        Section("subscribers", "curve: subscribers, of one subscription each; 0: success when stored",
                tuple(Load(subscribers_case(number),
                           ("--connections=64", f"--subscribers={number}", curve_warm_up),
                           settings=() if number else ("--acknowledge-when=stored",),
                           seconds_times=short)
                      for number in size.subscribers)),
        Section("idle", "curve: idle streams, each on its own connection", tuple(
            Load(idle_streams_case(number), busy + (f"--idle_streams={number}", curve_warm_up),
                 seconds_times=short)
            for number in size.idle_streams) + (
                Load(idle_subscriptions_case(max(size.idle_streams)),
                     busy + (f"--idle_streams={max(size.idle_streams)}", curve_warm_up,
                             f"--idle_subscriptions={max(size.idle_streams) // 2}"),
                     seconds_times=short),)),
        Section("backlog", "curve: events owed to a subscription that nobody serves, beside a live one",
                tuple(Load(backlog_case(events), busy + (curve_warm_up,), backlog=events,
                           seconds_times=short)
                      for events in size.all_backlogs()) +
                (Load(modest_case(0), modest, backlog=0),
                 Load(modest_case(size.backlog), modest, backlog=size.backlog),
                 Load(modest_case(size.backlog, ", 64 stalled readers"),
                      modest + (f"--stalled_readers={STALLED_READERS}",), backlog=size.backlog))),
        Section("catch_up", f"{size.catch_up:,} events from the store to one consumer", (
            CatchUp(CATCHING_UP, size.catch_up, rate=1),
            CatchUp(CATCHING_UP_BESIDE, size.catch_up, rate=1000))),
        Section("body", "curve: bytes of a callback", tuple(
            Load(f"gateway, {kib} KiB a callback", busy + (f"--body_bytes={kib << 10}", curve_warm_up),
                 seconds_times=short)
            for kib in size.bodies_kib)),
        Section("start", "from exec to the first success, when it is given for what is stored", (
            Start(START_EMPTY), Start(start_case(size.backlog), size.backlog))),
        Section("functions", "single functions", (Functions("function", 0.01 if quick else 0.1),)),
        Section("instructions", "instructions of an event, counted", (
            Instructions(INSTRUCTIONS, busy, size.counted_posts),), most_rounds=3),
    ]


def chosen(all_sections, only, without):
    """Those whose section is one of the words, or whose name holds one; `without` leaves out."""
    def is_meant(section, case, words):
        return any(word == section.name or word in case.name for word in words)
    kept = []
    for section in all_sections:
        cases = tuple(case for case in section.cases
                      if (not only or is_meant(section, case, only))
                      and not is_meant(section, case, without))
        if cases:
            kept.append(dataclasses.replace(section, cases=cases))
    return kept
