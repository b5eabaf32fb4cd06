"""What the figures should be: the marks, each met or missed by the median of its rounds."""

import statistics

import cases

FURTHER_SUBSCRIBERS = 8


def wanted(size):
    """[(what, its value in one round, its unit, whether that is good enough)]. A value is asked for by
    `of(case, figure)`."""
    biggest = size.backlog
    subscribers = cases.subscribers_case
    return [
        ("64 connections: requests/s against bare cpp-httplib >= 55 %",
         lambda of: 100 * of(cases.GATEWAY, "requests_per_second")
         / of(cases.HTTPLIB, "requests_per_second"), "%", lambda value: value >= 55),
        ("64 connections: requests/s against nginx >= 35 %",
         lambda of: 100 * of(cases.GATEWAY, "requests_per_second")
         / of(cases.NGINX, "requests_per_second"), "%", lambda value: value >= 35),
        ("64 connections: gateway CPU per event <= 28 us",
         lambda of: of(cases.GATEWAY, "server_cpu_us"), "us", lambda value: value <= 28),
        ("each further subscriber, mean over 2 to 8: gateway CPU per event <= 2.5 us",
         lambda of: (of(subscribers(FURTHER_SUBSCRIBERS), "server_cpu_us")
                     - of(subscribers(1), "server_cpu_us")) / (FURTHER_SUBSCRIBERS - 1), "us",
         lambda value: value <= 2.5),
        ("1 connection: p50 against one single-row commit's <= 1.7",
         lambda of: of(cases.ONE_CONNECTION, "p50_us") / of(cases.COMMITS, "p50_us"), "times",
         lambda value: value <= 1.7),
        ("1 connection: p99 against one single-row commit's <= 4",
         lambda of: of(cases.ONE_CONNECTION, "p99_us") / of(cases.COMMITS, "p99_us"), "times",
         lambda value: value <= 4),
        ("5,000 events/s: p99.9 <= 10 ms",
         lambda of: of(cases.STEADY, "p999_us") / 1000, "ms", lambda value: value <= 10),
        ("catching up: events/s to one consumer >= 250,000",
         lambda of: of(cases.CATCHING_UP, "events_per_second"), "", lambda value: value >= 250_000),
        ("memory at rest <= 25 MiB",
         lambda of: of(cases.START_EMPTY, "server_at_rest_mib"), "MiB", lambda value: value <= 25),
        ("memory under full load, at its peak <= 96 MiB",
         lambda of: of(cases.FULL_LOAD, "server_peak_mib"), "MiB", lambda value: value <= 96),
        (f"memory with a backlog of {biggest:,}, at its peak <= 160 MiB",
         lambda of: of(cases.backlog_case(biggest), "server_peak_mib"), "MiB",
         lambda value: value <= 160),
        (f"memory for each of {max(size.idle_streams):,} idle streams <= 45 KiB",
         lambda of: of(cases.idle_streams_case(max(size.idle_streams)), "idle_stream_kib"), "KiB",
         lambda value: value <= 45),
        ("start to the first success, empty store <= 100 ms",
         lambda of: of(cases.START_EMPTY, "start_ms"), "ms", lambda value: value <= 100),
        (f"start to the first success, {biggest:,} events stored <= 1,000 ms",
         lambda of: of(cases.start_case(biggest), "start_ms"), "ms", lambda value: value <= 1000),
        *_what_must_not_grow(size),
    ]


def _what_must_not_grow(size):
    biggest = size.backlog
    stalled = cases.modest_case(biggest, ", 64 stalled readers")
    return [
        (f"CPU per event with a backlog of {biggest:,} against none <= 1.1",
         lambda of: of(cases.backlog_case(biggest), "server_cpu_us")
         / of(cases.backlog_case(0), "server_cpu_us"), "times", lambda value: value <= 1.1),
        (f"CPU per event beside {max(size.idle_streams):,} idle streams against none <= 1.1",
         lambda of: of(cases.idle_streams_case(max(size.idle_streams)), "server_cpu_us")
         / of(cases.idle_streams_case(0), "server_cpu_us"), "times", lambda value: value <= 1.1),
        (f"CPU per event beside as many of {max(size.idle_streams) // 2:,} subscriptions against none "
         "<= 1.1",
         lambda of: of(cases.idle_subscriptions_case(max(size.idle_streams)), "server_cpu_us")
         / of(cases.idle_streams_case(0), "server_cpu_us"), "times", lambda value: value <= 1.1),
        (f"2,000 a second: p99 with a backlog of {biggest:,} against none <= 1.2",
         lambda of: of(cases.modest_case(biggest), "p99_us") / of(cases.modest_case(0), "p99_us"),
         "times", lambda value: value <= 1.2),
        ("2,000 a second: p99 beside 64 stalled readers against without <= 1.2",
         lambda of: of(stalled, "p99_us") / of(cases.modest_case(biggest), "p99_us"), "times",
         lambda value: value <= 1.2),
        ("64 stalled readers: memory of each at its peak < 2,048 KiB",
         lambda of: 1024 * (of(stalled, "server_peak_mib")
                            - of(cases.modest_case(biggest), "server_peak_mib"))
         / cases.STALLED_READERS, "KiB", lambda value: value < 2048),
        ("catching up beside callbacks: the write-ahead log's largest size < 64 MiB",
         lambda of: of(cases.CATCHING_UP_BESIDE, "log_mib"), "MiB", lambda value: value < 64),
        ("1,000 idle connections: p99 of the others < 250 ms",
         lambda of: of(cases.FEW_BESIDE_IDLE, "p99_us") / 1000, "ms", lambda value: value < 250),
        ("one body 1,000 times: successes, with one event received",
         lambda of: of(cases.ONE_BODY, "accepted"), "", lambda value: value == 1000),
    ]


def judge(results, marks):
    """Those marks that can be told from what was measured."""
    judged = []
    for what, value_of, unit, good in marks:
        values = []
        try:
            while True:  # until a case has no further round
                at = len(values)
                values.append(value_of(lambda case, figure, at=at: results[case][at][figure]))
        except (KeyError, IndexError):
            pass  # A case that was not measured has no rounds at all.
        if values:
            value = statistics.median(values)
            judged.append({"mark": what, "value": round(value, 2), "unit": unit, "met": good(value)})
    return judged
