#!/usr/bin/env python3
"""Measures every case of the table below in turn, several rounds over, and reports the medians.

Called by run.sh, which says what it takes and gives.
"""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

import servers

COMMITS = "SQLite, single-row commits"

# (name, server if any, flags of gateway_bench). Every round goes through all of them, so that a slow
# minute of the machine falls on all alike; what is compared closest stands side by side.
CASES = [
    ("nginx, 64 connections", servers.nginx, ["--connections=64"]),
    ("cpp-httplib, 64 connections", servers.http_floor, ["--connections=64"]),
    ("gateway, 64 connections", servers.onhookd, ["--connections=64", "--subscribers=1"]),
    ("gateway, 64 connections, 2 subscribers", servers.onhookd, ["--connections=64", "--subscribers=2"]),
    ("gateway, 64 connections, 4 subscribers", servers.onhookd, ["--connections=64", "--subscribers=4"]),
    (COMMITS, None, ["--single_row_commits=1000"]),
    ("gateway, 1 connection", servers.onhookd, ["--connections=1", "--subscribers=1"]),
    ("gateway, 50 a second", servers.onhookd,
     ["--connections=10", "--subscribers=1", "--rate=50"]),
    ("gateway, 50 a second beside 1,000 idle connections", servers.onhookd,
     ["--connections=10", "--subscribers=1", "--rate=50", "--idle_connections=1000"]),
    ("gateway, one body 1,000 times over 200 connections", servers.onhookd,
     ["--connections=200", "--subscribers=1", "--posts=1000", "--same_body", "--warm_up_seconds=0"]),
]

# A machine with more work than this before the first case is not ours to judge by.
BUSY_LOAD = 1.0

# (what, its value in one round, its unit, whether the rounds' median of it is good enough)
MARKS = [
    ("64 connections: requests/s against bare cpp-httplib >= 40 %",
     lambda of: 100 * of("gateway, 64 connections", "requests_per_second")
     / of("cpp-httplib, 64 connections", "requests_per_second"), "%", lambda value: value >= 40),
    ("64 connections: gateway CPU per event <= 40 us",
     lambda of: of("gateway, 64 connections", "server_cpu_us"), "us", lambda value: value <= 40),
    ("1 connection: p50 against one single-row commit <= 2.5",
     lambda of: of("gateway, 1 connection", "p50_us") / of(COMMITS, "p50_us"), "times",
     lambda value: value <= 2.5),
    ("1,000 idle connections: healthy p99 < 250 ms",
     lambda of: of("gateway, 50 a second beside 1,000 idle connections", "p99_us") / 1000, "ms",
     lambda value: value < 250),
    ("one body 1,000 times: successes, with one event received",
     lambda of: of("gateway, one body 1,000 times over 200 connections", "accepted"), "",
     lambda value: value == 1000),
]

COLUMNS = [
    ("requests/s", "requests_per_second", "{:,.0f}"), ("p50 us", "p50_us", "{:,.0f}"),
    ("p99 us", "p99_us", "{:,.0f}"), ("server CPU us", "server_cpu_us", "{:.1f}"),
    ("load+subs CPU us", "bench_cpu_us", "{:.1f}"), ("RSS MiB", "server_resident_mib", "{:.0f}"),
    ("errors", "errors", "{:.0f}"),
]


def run_bench(build, flags, program="gateway_bench"):
    """One line of the program, as a dictionary; `ok` says whether all was accepted and received."""
    done = subprocess.run([os.path.join(build, program), *flags], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{program} {' '.join(flags)}: {done.stderr}")
    result = json.loads(done.stdout)
    result["ok"] = done.returncode == 0
    result["said"] = done.stderr.strip()
    if "accepted" in result:
        result["errors"] = sum(result[name] for name in ("not_forwarded", "refused", "lost"))
    return result


def run_case(arguments, server, flags):
    if server is None:
        with tempfile.TemporaryDirectory(prefix="onhook-bench-") as directory:
            return run_bench(arguments.build, [*flags, f"--directory={directory}"])
    with server(arguments.build) as running:
        return run_bench(arguments.build, [*running.flags, f"--seconds={arguments.seconds}", *flags])


def measure(arguments):
    """Returns {case: [result of each round]}."""
    cases = [case for case in CASES if arguments.only in case[0]]
    if not shutil.which("nginx"):
        print("nginx is not installed: left out", file=sys.stderr)
        cases = [case for case in cases if case[1] is not servers.nginx]
    results = {}
    for number in range(1, arguments.rounds + 1):
        for name, server, flags in cases:
            print(f"round {number} of {arguments.rounds}: {name}", file=sys.stderr)
            results.setdefault(name, []).append(run_case(arguments, server, flags))
    return results


def median_of(rounds, name):
    values = [each[name] for each in rounds if name in each]
    return statistics.median(values) if values else None


def judge(results, wanted):
    """Returns the marks that can be told from what was measured."""
    marks = []
    for what, value_of, unit, good in wanted:
        rounds = min(len(each) for each in results.values())
        try:
            value = statistics.median(
                value_of(lambda case, name, at=number: results[case][at][name])
                for number in range(rounds))
        except KeyError:
            continue  # `--only` left its case out.
        marks.append({"mark": what, "value": round(value, 2), "unit": unit, "met": good(value)})
    return marks


def first_line(*command):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
    except OSError:
        return ""
    return done.stdout.split("\n", 1)[0]


def package(name):
    return first_line("dpkg-query", "-W", "-f=${Version}", name)


def circumstances(build):
    """What the numbers depend on."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    with open(os.path.join(build, "CMakeCache.txt"), encoding="utf-8") as file:
        cache = file.read()
    header = re.search(r"^ONHOOK_HTTPLIB_INCLUDE_DIR:PATH=(.*)$", cache, re.MULTILINE)
    with open(os.path.join(header.group(1), "httplib.h"), encoding="utf-8") as file:
        httplib = re.search(r'CPPHTTPLIB_VERSION "([^"]*)"', file.read(20000))
    changed = first_line("git", "status", "--porcelain", "--untracked-files=no") != ""
    return {
        "commit": first_line("git", "rev-parse", "HEAD") + (" and changes" if changed else ""),
        "processors": os.cpu_count(), "processor": model.group(1) if model else platform.machine(),
        "load_before": round(os.getloadavg()[0], 2), "kernel": platform.release(),
        "compiler": first_line("c++", "--version"), "nginx": first_line("nginx", "-v"),
        "cpp-httplib": httplib.group(1), "grpc": package("libgrpc++-dev"),
        "sqlite": package("libsqlite3-0"), "protobuf": package("libprotobuf-dev"),
    }


def publish(report, columns, output):
    """Writes the report as results.json and results.txt and prints it; whether all went well."""
    os.makedirs(output, exist_ok=True)
    with open(os.path.join(output, "results.json"), "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)
    text = table(report, columns)
    with open(os.path.join(output, "results.txt"), "w", encoding="utf-8") as file:
        file.write(text)
    print(text, end="")
    return all(each["ok"] for rounds in report["results"].values() for each in rounds)


def table(report, columns):
    """The report for people."""
    lines = [f"{name}: {value}" for name, value in report["circumstances"].items()] + [""]
    width = max(len(name) for name in report["results"])
    lines.append(" " * width + "".join(f"{title:>18}" for title, _, _ in columns))
    for name, rounds in report["results"].items():
        cells = []
        for _, key, form in columns:
            value = median_of(rounds, key)
            cells.append(f"{'' if value is None else form.format(value):>18}")
        lines.append(f"{name:<{width}}" + "".join(cells))
    lines.append("")
    if report["circumstances"]["load_before"] > BUSY_LOAD:
        lines.append("The machine was busy with other work: the marks say little.")
    for mark in report["marks"]:
        met = "met" if mark["met"] else "MISSED"
        lines.append(f"{met:<7} {mark['mark']}: {mark['value']} {mark['unit']}".rstrip())
    said = sorted({each["said"] for rounds in report["results"].values() for each in rounds} - {""})
    return "\n".join(lines + said) + "\n"


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/run.sh", description="See the script's head.")
    parser.add_argument("--seconds", type=float, default=5, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="the medians are over so many")
    parser.add_argument("--only", default="", help="only the cases whose name holds this")
    parser.add_argument("--build", default="build/release", help="folder of the programs")
    parser.add_argument("--output", default="build/bench", help="folder of the results")
    arguments = parser.parse_args()
    try:
        report = {"circumstances": circumstances(arguments.build), "results": measure(arguments)}
    except RuntimeError as error:
        sys.exit(f"not measured: {error}")
    report["marks"] = judge(report["results"], MARKS)
    sys.exit(0 if publish(report, COLUMNS, arguments.output) else 1)


if __name__ == "__main__":
    main()
