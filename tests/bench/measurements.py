"""The kinds of measurement: each has a name, and run() makes it once and returns {case: result}.

A result is a dictionary of figures; `ok` says whether all was accepted and received once, `said` what
the program had to say about it.
"""

import dataclasses
import json
import os
import socket
import subprocess
import tempfile
import time

import instructions
import servers

# Of stores that only these read: nothing but their backlog is to be caught up with.
CATCH_UP = "-catch-up"

# A start that takes longer is none.
START_PATIENCE_SECONDS = 60

SERVERS = {"nginx": servers.nginx, "http_floor": servers.http_floor}


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What every measurement is made with."""
    build: str
    seconds: float
    stores: object


def run_program(build, program, flags):
    """The one line of JSON that a measuring program prints, as a result."""
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


@dataclasses.dataclass(frozen=True)
class Load:
    """Callbacks to a server: the gateway, or a yardstick beside it."""
    name: str
    flags: tuple  # of gateway_bench
    server: str = "onhookd"
    settings: tuple = ()  # of the gateway
    backlog: int = None  # events that its store holds and somebody is owed; None: a new store
    seconds_times: float = 1

    def run(self, around):
        """Makes it once."""
        flags = [f"--seconds={around.seconds * self.seconds_times}", *self.flags]
        if self.server != "onhookd":
            with SERVERS[self.server](around.build) as server:
                return {self.name: run_program(around.build, "gateway_bench", server.flags + flags)}
        if self.backlog is None:
            return {self.name: self._run_gateway(around, None, flags)}
        with around.stores.holding(self.backlog) as store:
            flags += [f"--first_number={store.first_number}", "--latest"]
            return {self.name: self._run_gateway(around, store, flags)}

    def _run_gateway(self, around, store, flags):
        folder = store.folder if store else None
        with servers.onhookd(around.build, folder, self.settings) as server:
            result = run_program(around.build, "gateway_bench", server.flags + flags)
            if store:
                result["log_mib"] = store.log_mib()
            return result


@dataclasses.dataclass(frozen=True)
class Commits:
    """SQLite's commits of one row: the floor under an acknowledgment."""
    name: str
    commits: int = 2000

    def run(self, around):
        """Makes it once."""
        with tempfile.TemporaryDirectory(prefix="onhook-bench-") as directory:
            return {self.name: run_program(around.build, "gateway_bench", [
                f"--single_row_commits={self.commits}", f"--directory={directory}"])}


@dataclasses.dataclass(frozen=True)
class CatchUp:
    """One consumer that takes a backlog from the store, while callbacks go on coming."""
    name: str
    events: int
    rate: float

    def run(self, around):
        """Makes it once."""
        with around.stores.holding(self.events, CATCH_UP) as store:
            with servers.onhookd(around.build, store.folder) as server:
                result = run_program(around.build, "backlog_bench", [
                    *server.flags, f"--catch_up={self.events}", f"--rate={self.rate}",
                    f"--first_number={store.first_number}"])
                result["log_mib"] = store.log_mib()
                return {self.name: result}


@dataclasses.dataclass(frozen=True)
class Start:
    """From the gateway's exec to its first success, with the policy that needs no subscriber."""
    name: str
    backlog: int = None

    def run(self, around):
        """Makes it once."""
        if self.backlog is None:
            with tempfile.TemporaryDirectory(prefix="onhook-bench-") as directory:
                return {self.name: _first_success(around.build, os.path.join(directory, "store"), 0)}
        with around.stores.holding(self.backlog) as store:
            return {self.name: _first_success(around.build, store.folder, store.first_number)}


def _first_success(build, folder, number):
    port = servers.free_port()
    command = [*servers.onhookd_command(build, folder, http=f"127.0.0.1:{port}"),
               "--acknowledge-when=stored"]
    with tempfile.TemporaryFile() as log:
        began = time.perf_counter()
        process = servers.start(command, log)
        try:
            while not _is_acknowledged(port, number):
                if process.poll() is not None or time.perf_counter() - began > START_PATIENCE_SECONDS:
                    log.seek(0)
                    raise RuntimeError(f"no callback was acknowledged: {log.read().decode()}")
                time.sleep(0.0005)
            took = time.perf_counter() - began
            with open(f"/proc/{process.pid}/statm", encoding="utf-8") as file:
                resident = int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
        finally:
            servers.stop(process)
    return {"start_ms": 1000 * took, "server_at_rest_mib": resident / 2**20, "ok": True, "said": ""}


def _is_acknowledged(port, number):
    body = json.dumps({
        "callSerialNo": f"119776539{number:010}", "serviceNo": "1001", "called": "88812345678",
        "caller": "88887654321", "createCallTime": "2022/02/22,10:04:28:823",
        "releaseTime": "2022/02/22,10:04:36:318", "releaseReason": "0"})
    with socket.socket() as client:
        if client.connect_ex(("127.0.0.1", port)) != 0:
            return False
        client.sendall((f"POST /release-events HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                        f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
        answer = b""
        while part := client.recv(4096):
            answer += part
    return b'"retCode":"0"' in answer


@dataclasses.dataclass(frozen=True)
class Functions:
    """Every benchmark of hot_functions, each as a case of its own."""
    name: str
    seconds_each: float

    def run(self, around):
        """Makes it once."""
        done = subprocess.run(
            [os.path.join(around.build, "hot_functions"), "--benchmark_format=json",
             f"--benchmark_min_time={self.seconds_each}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"hot_functions: {done.stderr}")
        return functions_of(json.loads(done.stdout), self.name)


def functions_of(report, name):
    """The results in Google Benchmark's report, by `name` and its own name. Real time is a figure of
    those that wait for the disk."""
    results = {}
    for each in report["benchmarks"]:
        result = {"cpu_ns": each["cpu_time"], "ok": True, "said": ""}
        if each["name"].endswith("/real_time"):
            result["real_ns"] = each["real_time"]
        results[f"{name}: {each['name']}"] = result
    return results


@dataclasses.dataclass(frozen=True)
class Instructions:
    """What the gateway executes for one event."""
    name: str
    flags: tuple
    posts: int

    def run(self, around):
        """Makes it once."""
        return {self.name: instructions.per_event(
            around.build, self.posts,
            lambda server, posts: run_program(around.build, "gateway_bench", [
                *server.flags, *self.flags, "--warm_up_seconds=0", "--seconds=300",
                f"--posts={posts}"]))}
