#!/usr/bin/env python3
"""Every client library through every scenario, against the real gateway; prints the matrix.

    tests/interop/clients/run.py --build build/release [--language go]... [--scenario S5]... [--events 100000]

Builds each library's program by its interop.sh, then goes into a network namespace of its own, where packets
can be dropped and all ports are free. A library whose tools are missing is left out and named; with
ONHOOK_STRICT=1 that is a failure.
"""

import argparse
import concurrent.futures
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import traceback

TOP = pathlib.Path(__file__).resolve().parents[3]
# What is tried: each library, and both clients of the one that has two.
LANGUAGES = ("cpp", "go", "java", "node", "python", "python-blocking", "rust")
DEBIANS_PYTHON = "/usr/bin/python3"
CONTROL = "naive"
MISSING_TOOLS = 77
SETUP_TIMEOUT_S = 1200


def use_a_python_with_grpc():
    """Goes on in Debian's Python if the first in the path is another, which has no gRPC."""
    if importlib.util.find_spec("grpc") is None and sys.executable != DEBIANS_PYTHON:
        os.execv(DEBIANS_PYTHON, [DEBIANS_PYTHON, "-B", *sys.argv])


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=pathlib.Path, help="where onhookd and onhook are")
    parser.add_argument("--engine", choices=("sqlite", "jetstream"), default="sqlite",
                        help="of the gateways' stores; jetstream: each on a nats-server of its own")
    parser.add_argument("--language", action="append", choices=(*LANGUAGES, CONTROL), help="all unless named")
    parser.add_argument("--scenario", action="append", metavar="S1", help="all unless named")
    parser.add_argument("--events", type=int, default=100_000, help="how many S15 takes through each form of each client")
    parser.add_argument("--jobs", type=int, default=4, help="scenarios at once")
    parser.add_argument("--repeat", type=int, default=1, help="how often each is run")
    parser.add_argument("--control", action="store_true", help="instead of a library, naive_client.py, which is wrong")
    parser.add_argument("--outside", type=int, help=argparse.SUPPRESS)  # a process in the machine's own namespace
    parser.add_argument("--stubs", type=pathlib.Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def nats_server_is_there():
    from nats_server import PROGRAMS

    return (PROGRAMS / "newest/nats-server").exists()


def interop_command(language):
    """How its program is started: "python-blocking" is the program `blocking` of Python."""
    folder, _, program = language.partition("-")
    return [str(TOP / "clients" / folder / "interop.sh"), *([program] if program else [])]


def build_programs(languages):
    """{language: why it is left out}, and whether one could not be built."""
    missing, failed = {}, False
    for language in languages:
        if language.partition("-")[0] in languages and "-" in language:
            continue  # is built already
        try:
            done = subprocess.run([interop_command(language)[0], "--build"], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SETUP_TIMEOUT_S,
                                  check=False)
        except (FileNotFoundError, subprocess.TimeoutExpired) as error:
            missing[language], failed = str(error), True
            continue
        last = (done.stdout.strip().splitlines() or [""])[-1]
        if done.returncode == MISSING_TOOLS:
            missing[language] = last
        elif done.returncode != 0:
            print(f"{language}: its program was not built\n{done.stdout[-3000:]}")
            missing[language], failed = "not built", True
    return missing, failed


def make_stubs(folder):
    protos = sorted(str(path.relative_to(TOP / "proto")) for path in (TOP / "proto").glob("onhook/v1/*.proto"))
    plugin = subprocess.run(["sh", "-c", "command -v grpc_python_plugin"], stdout=subprocess.PIPE, text=True,
                            check=True).stdout.strip()
    subprocess.run(["protoc", f"--proto_path={TOP / 'proto'}", f"--python_out={folder}", f"--grpc_python_out={folder}",
                    f"--plugin=protoc-gen-grpc_python={plugin}", *protos], check=True)


def enter_a_network(options, languages, stubs):
    """Runs this again where loopback is all there is. Without the right to, in the machine's own network."""
    inner = [sys.executable, "-B", __file__, "--build", str(options.build), "--engine", options.engine,
             "--events", str(options.events), "--jobs", str(options.jobs), "--repeat", str(options.repeat),
             "--outside", str(os.getpid()), "--stubs", str(stubs)]
    for language in languages:
        inner += ["--language", language]
    for scenario in options.scenario or ():
        inner += ["--scenario", scenario]
    enter = ["unshare", "--net", *(() if os.geteuid() == 0 else ("--user", "--map-root-user"))]
    up = ["sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    possible = subprocess.run([*enter, *up, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0
    return subprocess.run([*enter, *up, *inner] if possible else inner, check=False).returncode


def all_scenarios():
    """{"S1": function}, in order."""
    import chaos_scenarios
    import connection_scenarios
    import reading_scenarios
    import settling_scenarios

    found = {}
    for module in (connection_scenarios, reading_scenarios, settling_scenarios, chaos_scenarios):
        for name, function in vars(module).items():
            number = name.partition("_")[0][1:]
            if name.startswith("s") and number.isdigit():
                found[f"S{number}"] = function
    return dict(sorted(found.items(), key=lambda item: int(item[0][1:])))


def crowded_gateway(tools, folder):
    """A gateway that holds `--events` events, which every subscription of S15 reads from the first."""
    from gateway import Gateway
    from waiting import check

    gateway = Gateway(tools.onhookd, folder, engine=tools.engine)
    done = subprocess.run([tools.onhook, "send", "--count", str(tools.event_count), "--concurrency", "64", "--url",
                           f"http://127.0.0.1:{gateway.ports['http']}/release-events"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    check(done.returncode == 0, f"onhook send: {done.stdout[-500:]}")
    return gateway


def run_case(tools, function, language):
    """None, or what went wrong."""
    from case import Case
    from waiting import Failure

    case = Case(tools, language)
    try:
        function(case)
        return None
    except Failure as failure:
        line = traceback.extract_tb(failure.__traceback__)
        at = next(frame for frame in reversed(line) if frame.filename.endswith("_scenarios.py"))
        return f"{failure} ({pathlib.Path(at.filename).name}:{at.lineno})"
    except Exception:  # of whatever kind: it is one scenario's failure
        return traceback.format_exc()
    finally:
        case.close()


def run_inside(options):
    sys.path.insert(0, str(options.stubs))
    from case import Tools

    scenarios = all_scenarios()
    wanted = {name: scenarios[name] for name in (options.scenario or scenarios)}
    tools = Tools(options.build / "onhookd", options.build / "onhook", options.engine, options.events, None,
                  options.outside, options.stubs)
    results, failures, seconds = {}, [], {}
    with tempfile.TemporaryDirectory(prefix="onhook-crowd-") as folder:
        if "S15" in wanted:
            tools.crowd = crowded_gateway(tools, pathlib.Path(folder))

        def run(name, language):
            begun = time.monotonic()
            failure = next(filter(None, (run_case(tools, wanted[name], language) for _ in range(options.repeat))), None)
            seconds[name, language] = time.monotonic() - begun
            results[name, language] = "ok" if failure is None else "FAIL"
            if failure is not None:
                failures.append(f"{language} {name}: {failure}")
                print(failures[-1], flush=True)

        # What loads both processors comes last and one after the other.
        heavy = [name for name in wanted if name == "S15"]
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            list(pool.map(lambda pair: run(*pair), [(name, language) for name in wanted if name not in heavy
                                                    for language in options.language]))
        for name in heavy:
            for language in options.language:
                run(name, language)
        if tools.crowd is not None:
            tools.crowd.close()
    print_matrix(wanted, options.language, results, seconds)
    return 1 if failures else 0


def print_matrix(scenarios, languages, results, seconds):
    print(f"\n{'':50}" + "".join(f"{language:>17}" for language in languages))
    for name, function in scenarios.items():
        words = function.__name__.partition("_")[2].replace("_", " ")
        cells = "".join(f"{results[name, language]:>11}{seconds[name, language]:4.0f} s" for language in languages)
        print(f"{name:4} {words:45}{cells}")
    passed = sum(1 for result in results.values() if result == "ok")
    print(f"{passed} of {len(results)} passed", flush=True)


def main():
    use_a_python_with_grpc()
    options = arguments()
    options.build = options.build.resolve()
    sys.path.insert(0, str(TOP / "tests/support"))
    if options.outside is not None:
        return run_inside(options)
    if options.engine == "jetstream" and not nats_server_is_there():
        print("missing: nats-server (./deploy/setup.sh --tests installs it)")
        return MISSING_TOOLS
    languages = [CONTROL] if options.control else options.language or list(LANGUAGES)
    missing, failed = ({}, False) if options.control else build_programs(languages)
    missing.update({language: missing[language.partition("-")[0]] for language in languages
                    if "-" in language and language.partition("-")[0] in missing})
    strict = os.environ.get("ONHOOK_STRICT") == "1"
    with tempfile.TemporaryDirectory(prefix="onhook-stubs-") as stubs:
        make_stubs(stubs)
        ready = [language for language in languages if language not in missing]
        code = enter_a_network(options, ready, stubs) if ready else 0
    for language, why in missing.items():
        print(f"{'failed' if strict or failed else 'skipped'}: {language}: {why}")
    if failed or (strict and missing):
        return 1
    return code if code or ready else MISSING_TOOLS


if __name__ == "__main__":
    sys.exit(main())
