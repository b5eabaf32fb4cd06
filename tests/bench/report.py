"""The report of a run: what its figures depend on, the table for people, the files."""

import json
import os
import platform
import re
import statistics
import subprocess

# A machine with more work than this before the first case is not ours to judge by.
BUSY_LOAD = 1.0

# (title, figure, how it is written). A section shows those that one of its cases has.
COLUMNS = [
    ("requests/s", "requests_per_second", "{:,.0f}"), ("events/s", "events_per_second", "{:,.0f}"),
    ("p50 us", "p50_us", "{:,.0f}"), ("p90 us", "p90_us", "{:,.0f}"), ("p99 us", "p99_us", "{:,.0f}"),
    ("p99.9 us", "p999_us", "{:,.0f}"), ("max us", "max_us", "{:,.0f}"),
    ("behind us", "behind_us", "{:,.0f}"),
    ("settled ms", "settled_ms", "{:,.1f}"),
    ("CPU us", "server_cpu_us", "{:.1f}"), ("user", "server_user_us", "{:.1f}"),
    ("system", "server_system_us", "{:.1f}"), ("load CPU", "bench_cpu_us", "{:.1f}"),
    ("instructions", "instructions", "{:,.0f}"), ("start ms", "start_ms", "{:,.1f}"),
    ("CPU ns", "cpu_ns", "{:,.0f}"), ("ns", "real_ns", "{:,.0f}"),
    ("rest MiB", "server_at_rest_mib", "{:.1f}"), ("RSS MiB", "server_resident_mib", "{:.1f}"),
    ("peak MiB", "server_peak_mib", "{:.1f}"), ("KiB/stream", "idle_stream_kib", "{:.1f}"),
    ("WAL MiB", "log_mib", "{:.0f}"), ("errors", "errors", "{:.0f}"),
]


def median_of(rounds, figure):
    """The figure's median; None if no round has it."""
    values = [each[figure] for each in rounds if figure in each]
    return statistics.median(values) if values else None


def first_line(*command):
    """The first line of what a program says; empty if there is no such program."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
    except OSError:
        return ""
    return done.stdout.split("\n", 1)[0]


def circumstances(build):
    """What the figures depend on."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    with open("/proc/meminfo", encoding="utf-8") as file:
        memory = int(re.search(r"MemTotal:\s*(\d+) kB", file.read()).group(1))
    with open(os.path.join(build, "CMakeCache.txt"), encoding="utf-8") as file:
        cache = file.read()
    header = re.search(r"^ONHOOK_HTTPLIB_INCLUDE_DIR:PATH=(.*)$", cache, re.MULTILINE)
    with open(os.path.join(header.group(1), "httplib.h"), encoding="utf-8") as file:
        httplib = re.search(r'CPPHTTPLIB_VERSION "([^"]*)"', file.read(20000))
    changed = first_line("git", "status", "--porcelain", "--untracked-files=no") != ""
    packages = {"grpc": "libgrpc++-dev", "sqlite": "libsqlite3-0", "protobuf": "libprotobuf-dev",
                "google benchmark": "libbenchmark-dev"}
    return {
        "commit": first_line("git", "rev-parse", "HEAD") + (" and changes" if changed else ""),
        "processors": os.cpu_count(), "processor": model.group(1) if model else platform.machine(),
        "memory": f"{memory / 2**20:.1f} GiB", "load_before": round(os.getloadavg()[0], 2),
        "kernel": platform.release(), "compiler": first_line("c++", "--version"),
        "nginx": first_line("nginx", "-v"), "cpp-httplib": httplib.group(1),
        **{name: first_line("dpkg-query", "-W", "-f=${Version}", package)
           for name, package in packages.items()},
    }


def table(report):
    """The report for people."""
    lines = [f"{name}: {value}" for name, value in report["circumstances"].items()]
    for section in report["sections"]:
        lines += ["", *_section(section, report["results"])]
    lines.append("")
    if report["circumstances"]["load_before"] > BUSY_LOAD:
        lines.append("The machine was busy with other work: the marks say little.")
    for mark in report["marks"]:
        met = "met" if mark["met"] else "MISSED"
        lines.append(f"{met:<7} {mark['mark']}: {mark['value']:,} {mark['unit']}".rstrip())
    for name, rounds in report["results"].items():
        lines += _lateness(name, rounds)
        said = {each["said"] for each in rounds if each["said"] or not each["ok"]}
        lines += [f"{name}: {each or 'not everything was accepted'}" for each in sorted(said)]
    return "\n".join(lines) + "\n"


def _lateness(name, rounds):
    """A line about a load generator that was late itself, by more than most answers took."""
    behind, most = median_of(rounds, "behind_us"), median_of(rounds, "p99_us")
    if not behind or behind <= most:
        return []
    return [f"{name}: the load generator itself was up to {behind:,.0f} us late: what is above p99 is "
            "its own"]


def _section(section, results):
    """A section's lines: its title, and a row for each case."""
    rows = {name: results[name] for name in section["cases"]}
    columns = [column for column in COLUMNS
               if any(median_of(rounds, column[1]) for rounds in rows.values())]
    width = max(len(name) for name in rows)
    lines = [f"{section['name']}: {section['title']}",
             " " * width + "".join(f"{title:>13}" for title, _, _ in columns)]
    for name, rounds in rows.items():
        cells = []
        for _, figure, form in columns:
            value = median_of(rounds, figure)
            cells.append(f"{'' if value is None else form.format(value):>13}")
        lines.append(f"{name:<{width}}" + "".join(cells))
    return lines


def publish(report, output):
    """Writes the report as results.json and results.txt and prints it; whether all went well."""
    os.makedirs(output, exist_ok=True)
    with open(os.path.join(output, "results.json"), "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)
    text = table(report)
    with open(os.path.join(output, "results.txt"), "w", encoding="utf-8") as file:
        file.write(text)
    print(text, end="")
    return all(each["ok"] for rounds in report["results"].values() for each in rounds)
