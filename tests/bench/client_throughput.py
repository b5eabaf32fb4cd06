#!/usr/bin/env python3
"""The throughput of each client library against one gateway. Called by clients.sh, which tells more."""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests/interop/clients"), str(TOP / "tests/support")]

import run as interop  # noqa: E402

FORMS = ("handler", "iterator")
WANTED = 20_000  # a second, by the better form of each
PATIENCE_S = 300


def parse():
    parser = argparse.ArgumentParser(prog="tests/bench/clients.sh", description="See the script's head.")
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--language", action="append", choices=interop.LANGUAGES)
    parser.add_argument("--concurrency", type=int, default=4, help="handlers at once")
    parser.add_argument("--build", type=pathlib.Path, default="build/release")
    parser.add_argument("--output", type=pathlib.Path, default="build/bench")
    return parser.parse_args()


def measure(gateway, command, name, form, arguments):
    """One subscription from the first event to the last acknowledgement."""
    from client_program import ClientProgram
    from process_times import cpu_seconds
    from waiting import check

    program = ClientProgram(command, gateway.server)
    try:
        program.tell("subscribe", subscription=name, form=form, create=True, auto="ack", log="/dev/null",
                     concurrency=arguments.concurrency)
        program.await_state("streaming")
        begun, gateway_begun = time.monotonic(), cpu_seconds(gateway.process.pid)
        gateway.wait_settled(name, PATIENCE_S)
        seconds = time.monotonic() - begun
        count = program.handled()
        check(count["handled"] == arguments.events, f"{count['handled']} events handled")
        client_cpu = cpu_seconds(program.process.pid)
        gateway_cpu = cpu_seconds(gateway.process.pid) - gateway_begun
        program.stopped_well()
    finally:
        program.kill()
    return {"rate": arguments.events / seconds, "handled_rate": count["handled"] / max(count["elapsed_ms"], 1) * 1000,
            "client_us": client_cpu / arguments.events * 1e6, "gateway_us": gateway_cpu / arguments.events * 1e6}


def measure_all(arguments, languages, folder):
    from gateway import Gateway
    from waiting import check

    gateway = Gateway(arguments.build.resolve() / "onhookd", folder)
    results = {}
    try:
        done = subprocess.run([arguments.build.resolve() / "onhook", "send", "--count", str(arguments.events),
                               "--concurrency", "64", "--url", f"http://127.0.0.1:{gateway.ports['http']}/release-events"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        check(done.returncode == 0, f"onhook send: {done.stdout[-500:]}")
        for number in range(arguments.rounds):
            for form in FORMS:
                for language in languages:
                    print(f"round {number + 1} of {arguments.rounds}: {language}, {form}", file=sys.stderr)
                    result = measure(gateway, interop.interop_command(language), f"{language}-{form}-{number}", form, arguments)
                    results.setdefault(f"{language}, {form}", []).append(result)
    finally:
        gateway.close()
    return results


def table(results, arguments):
    lines = [f"{arguments.events:,} events, medians of {arguments.rounds}; CPU of the client with its start",
             f"{'':20}{'events/s':>12}{'client CPU':>14}{'gateway CPU':>14}"]
    for name, rounds in results.items():
        rate, client, gateway = (statistics.median(each[figure] for each in rounds)
                                 for figure in ("rate", "client_us", "gateway_us"))
        lines.append(f"{name:20}{rate:12,.0f}{client:11.1f} us{gateway:11.1f} us")
    best = {}
    for name, rounds in results.items():
        language = name.partition(",")[0]
        best[language] = max(best.get(language, 0), statistics.median(each["rate"] for each in rounds))
    for language, rate in best.items():
        lines.append(f"{language}: {'met' if rate >= WANTED else 'MISSED'}, {rate:,.0f} a second of {WANTED:,} wanted")
    return lines


def main():
    interop.use_a_python_with_grpc()
    arguments = parse()
    missing, failed = interop.build_programs(arguments.language or interop.LANGUAGES)
    languages = [language for language in arguments.language or interop.LANGUAGES if language not in missing]
    for language, why in missing.items():
        print(f"left out: {language}: {why}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="onhook-stubs-") as stubs, \
            tempfile.TemporaryDirectory(prefix="onhook-bench-") as folder:
        interop.make_stubs(stubs)
        sys.path.insert(0, stubs)
        results = measure_all(arguments, languages, pathlib.Path(folder))
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "clients.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    print("\n".join(table(results, arguments)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
