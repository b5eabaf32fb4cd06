"""A client in another language, on stubs generated a moment ago, with nothing of ours but proto/.

Starts the real gateway, lets watch.py be its only receiver, plays the vendor with curl, and asks the
command line what it knows of it all. Every wait is for something that should happen, and bounded.
Exit code 77 is a skip: a tool is missing. With ONHOOK_STRICT=1 that is a failure.
"""
import argparse
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

PATIENCE_S = 30
SUCCESS = '{"retCode":"0","retMsg":"success"}'
CALL = "1197765398201387012"
HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
SAMPLES = [TOP / "tests/golden/vendor_sample_javamap/request.txt",
           TOP / "tests/golden/vendor_sample_json/request.json"]
# A proxy of the environment is not asked about loopback.
ENVIRONMENT = {**os.environ, "no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}


def skip(why):
    strict = os.environ.get("ONHOOK_STRICT") == "1"
    print(f"{'failed' if strict else 'skipped'}: {why}")
    sys.exit(1 if strict else 77)


def check(holds, what):
    print(f"{'ok  ' if holds else 'FAIL'}  {what}", flush=True)
    if not holds:
        sys.exit(1)


class Program:
    """A program that runs beside the test; its lines can be waited for."""

    def __init__(self, *command, environment=None):
        self.name = pathlib.Path(command[-2] if command[0] == sys.executable else command[0]).name
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True,
                                        env={**ENVIRONMENT, **(environment or {})})
        self.lines = {}
        for name in ("stdout", "stderr"):
            self.lines[name] = queue.Queue()
            threading.Thread(target=self._read, args=(name,), daemon=True).start()

    def _read(self, name):
        for line in getattr(self.process, name):
            self.lines[name].put(line.rstrip("\n"))
        self.lines[name].put(None)

    def line(self, name="stdout"):
        try:
            line = self.lines[name].get(timeout=PATIENCE_S)
        except queue.Empty:
            line = None
        if line is None:
            check(False, f"{self.name} writes a line to {name}")
        return line

    def end(self, signal_number=None):
        if signal_number is not None:
            self.process.send_signal(signal_number)
        return self.process.wait(timeout=PATIENCE_S)


def generate_stubs(arguments, directory):
    protos = sorted(str(path.relative_to(TOP / "proto"))
                    for path in (TOP / "proto").glob("onhook/v1/*.proto"))
    subprocess.run([arguments.protoc, f"--proto_path={TOP / 'proto'}", f"--python_out={directory}",
                    f"--grpc_python_out={directory}",
                    f"--plugin=protoc-gen-grpc_python={arguments.grpc_python_plugin}", *protos],
                   check=True, timeout=PATIENCE_S)


def listeners(gateway):
    """The addresses that the gateway's log names, by listener."""
    addresses = {}
    while not {"http", "grpc", "admin"} <= addresses.keys():
        entry = json.loads(gateway.line("stderr"))
        if entry.get("msg") == "listening":
            addresses[entry["listener"]] = entry["address"]
    return addresses


def post(url, sample):
    """(HTTP status, body) as plain curl gets them."""
    done = subprocess.run(["curl", "--silent", "--show-error", "--max-time", str(PATIENCE_S),
                           "--data-binary", f"@{sample}", "--write-out", "\n%{http_code}", url],
                          env=ENVIRONMENT, stdout=subprocess.PIPE, text=True, check=True)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def onhook(arguments, server, *words):
    return subprocess.run([arguments.onhook, *words, "--server", server], env=ENVIRONMENT,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          timeout=PATIENCE_S, check=False)


def run(arguments, directory):
    generate_stubs(arguments, directory)
    gateway = Program(arguments.onhookd, f"--store-directory={directory}/data",
                      *(f"--{name}-listen=127.0.0.1:0" for name in ("http", "grpc", "admin")))
    programs = [gateway]
    try:
        addresses = listeners(gateway)
        server = addresses["grpc"]
        url = f"http://{addresses['http']}/release-events"

        watch = Program(sys.executable, str(HERE / "watch.py"), server,
                        environment={"PYTHONPATH": directory})
        programs.append(watch)
        check(watch.line("stderr") == "watching", "watch.py is attached, and nobody else")
        for sample in SAMPLES:
            check(post(url, sample) == (200, SUCCESS), f"{sample.name} is answered {SUCCESS}")
            event = json.loads(watch.line())
            check(event["callSerialNo"] == CALL and event["called"] == "88880067"
                  and event["releaseReason"] == "RELEASE_REASON_CALLED_HUNG_UP"
                  and event["releaseTime"] == "2022-02-22T10:04:36.318Z",
                  f"watch.py received {sample.name} as an event")

        taken = onhook(arguments, server, "subscribe", "interop", "--count", "2")
        check(taken.returncode == 0 and taken.stdout.count(CALL) == 2,
              "onhook subscribe receives both events, though they came before it")
        check("888***67" in taken.stdout and "88880067" not in taken.stdout, "numbers are masked")
        seen = onhook(arguments, server, "tail", "--no-follow", "--json", "--show-numbers")
        check([json.loads(line)["event"]["called"] for line in seen.stdout.splitlines()]
              == ["88880067"] * 2, "onhook tail shows both events as JSON")
        found = onhook(arguments, server, "get", CALL)
        check(found.returncode == 0 and found.stdout.count("event_id v1-") == 2,
              "onhook get finds both events")
        check(onhook(arguments, server, "get", "1").returncode == 1,
              "onhook get of another call is a negative answer")
        sent = subprocess.run([arguments.onhook, "send", "--url", url, "--sample", "json"],
                              env=ENVIRONMENT, stdout=subprocess.PIPE, text=True, check=False)
        check(sent.returncode == 0 and sent.stdout == "sample json: HTTP 200, retCode 0, retMsg success\n",
              "onhook send of a repeat is answered with success")
        check(gateway.end(signal.SIGTERM) == 0, "the gateway ends properly")
    finally:
        for program in programs:
            if program.process.poll() is None:
                program.process.kill()
                program.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("onhookd", "onhook", "protoc", "grpc-python-plugin"):
        parser.add_argument(f"--{name}", required=True)
    arguments = parser.parse_args()
    for program in ("curl", arguments.protoc, arguments.grpc_python_plugin):
        if shutil.which(program) is None:
            skip(f"{program} is missing")
    try:
        import google.protobuf  # pylint: disable=unused-import,import-outside-toplevel
        import grpc  # pylint: disable=unused-import,import-outside-toplevel
    except ImportError as error:
        skip(f"{sys.executable}: {error}; Debian has it in python3-grpcio and python3-protobuf")
    with tempfile.TemporaryDirectory() as directory:
        run(arguments, directory)


if __name__ == "__main__":
    main()
