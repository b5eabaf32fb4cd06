"""The engines side by side: what a callback costs on SQLite, and on JetStream of one server and of three.

    tests/bench/engines.sh [--seconds 5] [--rounds 3] [--rate 300] [--build DIR] [--only WORD]...

Each case is a gateway with one subscriber that acknowledges all, and 64 connections that post as fast as they
are answered, then as many callbacks a second as --rate says. Cases are measured in turn, round after round, and
what is printed are medians. Of "a fleet" one gateway gets the callbacks, the next has the subscriber, the third
only looks on: what it spends on each callback every gateway of a fleet does, whoever is posted to.
"""

import argparse
import contextlib
import dataclasses
import os
import pathlib
import statistics
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/support"))

# pylint: disable=wrong-import-position
import servers
from measurements import run_program
from nats_server import NatsCluster, NatsServer
from process_times import cpu_seconds

CONNECTIONS = 64


@dataclasses.dataclass(frozen=True)
class Case:
    """One way to keep what comes."""
    name: str
    nats_servers: int = 0
    sync: str = "always"  # of the servers; None: as they do unless told
    gateways: int = 1
    spool: bool = False


CASES = (
    Case("SQLite"),
    Case("JetStream, one server that syncs always", 1),
    Case("JetStream, one server", 1, None),
    Case("JetStream, three servers that sync always", 3),
    Case("JetStream, three servers", 3, None),
    Case("a fleet: three servers, three gateways", 3, None, gateways=3),
    Case("JetStream, one server that syncs always, behind a spool", 1, spool=True),
)


@contextlib.contextmanager
def nats(case, folder):
    """Yields the servers of a case."""
    if case.nats_servers == 0:
        yield []
    elif case.nats_servers == 1:
        with NatsServer(folder / "nats", sync=case.sync) as server:
            yield [server]
    else:
        with NatsCluster(folder / "nats", sync=case.sync, count=case.nats_servers) as cluster:
            yield cluster.servers


def settings_of(case, nats_servers, spool_folder):
    if not nats_servers:
        return ()
    settings = ["--store-engine=jetstream", f"--store-jetstream-replicas={len(nats_servers)}",
                "--store-jetstream-servers=" + ",".join(server.url for server in nats_servers),
                f"--store-jetstream-servers-sync-always={str(case.sync == 'always').lower()}"]
    if case.spool:
        settings.append(f"--store-spool-directory={spool_folder}")
    return tuple(settings)


def measure(build, case, flags):
    """One run: gateway_bench's figures, and the processor time of all others for each callback."""
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="onhook-bench-")))
        nats_servers = stack.enter_context(nats(case, folder))
        gateways = []
        for number in range(case.gateways):
            settings = settings_of(case, nats_servers, folder / f"spool{number}")
            gateways.append(stack.enter_context(servers.onhookd(build, None, settings, has_store=not nats_servers)))
        posted, read = gateways[0], gateways[:2][-1]
        led = [flag for flag in posted.flags if not flag.startswith("--grpc_port")]
        led += [flag for flag in read.flags if flag.startswith("--grpc_port")]
        others = {"servers": [server.pid for server in nats_servers],
                  "reading": [gateway.pid for gateway in gateways[1:2]],
                  "onlooking": [gateway.pid for gateway in gateways[2:]]}
        before = {name: sum(map(cpu_seconds, pids)) for name, pids in others.items()}
        result = run_program(build, "gateway_bench", [*led, "--subscribers=1", "--warm_up_seconds=0", *flags])
        for name, pids in others.items():
            spent = sum(map(cpu_seconds, pids)) - before[name]
            result[name + "_cpu_us"] = 1e6 * spent / max(result["accepted"], 1)
        if not result["ok"]:
            print(f"{case.name}: {result['said']}", file=sys.stderr)
        return result


def medians(results):
    numbers = [name for name, value in results[0].items() if isinstance(value, (int, float))]
    return {name: statistics.median(result[name] for result in results) for name in numbers}


def table(rows):
    """Markdown of {case: (figures at full load, figures at the rate)}."""
    lines = ["| | callbacks/s | p50 | p99 | gateway CPU | servers' CPU | reading gateway's | onlooker's "
             "| at a rate: p50 | p99 |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    for name, (full, paced) in rows.items():
        lines.append(
            f"| {name} | {full['requests_per_second']:,.0f} | {full['p50_us'] / 1000:.1f} ms | {full['p99_us'] / 1000:.1f} ms "
            f"| {full['server_cpu_us']:.0f} us | {full['servers_cpu_us']:.0f} us "
            f"| {full['reading_cpu_us']:.0f} us | {full['onlooking_cpu_us']:.0f} us "
            f"| {paced['p50_us'] / 1000:.2f} ms | {paced['p99_us'] / 1000:.2f} ms |")
    return "\n".join(lines)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(TOP, "build/release"), help="where the programs are")
    parser.add_argument("--seconds", type=float, default=5, help="how long each load goes on")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=int, default=300, help="callbacks a second where all can keep up")
    parser.add_argument("--only", action="append", help="cases with this word in their name")
    return parser.parse_args()


def main():
    options = arguments()
    cases = [case for case in CASES if not options.only or any(word in case.name for word in options.only)]
    results = {case.name: ([], []) for case in cases}
    seconds = f"--seconds={options.seconds}"
    for number in range(options.rounds):
        for case in cases:
            print(f"round {number + 1} of {options.rounds}: {case.name}", file=sys.stderr)
            full, paced = results[case.name]
            full.append(measure(options.build, case, [seconds, f"--connections={CONNECTIONS}"]))
            paced.append(measure(options.build, case, [seconds, f"--connections={CONNECTIONS}",
                                                       f"--rate={options.rate}"]))
    print(table({name: tuple(map(medians, pair)) for name, pair in results.items()}))
    return 0 if all(result["ok"] for pair in results.values() for each in pair for result in each) else 1


if __name__ == "__main__":
    sys.exit(main())
