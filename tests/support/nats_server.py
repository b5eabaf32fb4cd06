"""Real nats-servers with JetStream for tests: NatsServer, and NatsCluster of three.

Each keeps its store, and its ports once it has them, over restarts; all of 127.0.0.1. A server ends with
the thread that started it at the latest, also when that is killed. Programs: deploy/setup.sh --tests puts
them into build/third_party/nats-server; without them MissingServer is raised.
"""
import contextlib
import ctypes
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

PROGRAMS = pathlib.Path(__file__).resolve().parents[2] / "build/third_party/nats-server"
PATIENCE_S = 60  # a server is up within a second; a slow machine with much to recover may need this
POLL_S = 0.02
PR_SET_PDEATHSIG = 1
_GIVEN = set()  # ports


class MissingServer(Exception):
    """The nats-server that a test wants is not installed."""


def wait_for(what, condition):
    """The first true value of condition(); an error that says what was waited for, if none comes."""
    end = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"after {PATIENCE_S} s still not: {what}")
        time.sleep(POLL_S)
    return value


def free_ports(count):
    """Ports that were free a moment ago, of those that the kernel gives to nobody by itself: so that a
    server that is down for a while finds its own again."""
    ports = []
    while len(ports) < count:
        port = random.SystemRandom().randrange(10000, 32768)
        if port in _GIVEN:
            continue
        _GIVEN.add(port)
        with contextlib.suppress(OSError):
            socket.create_server(("127.0.0.1", port)).close()
            ports.append(port)
    return ports


class NatsServer:
    """One server, with all that it keeps in `folder`. `sync` None leaves the server's own interval;
    `extra` is more text of its configuration."""

    def __init__(self, folder, program="newest", sync="always", extra="", name="n1"):
        self.program = PROGRAMS / program / "nats-server"
        if not self.program.exists():
            raise MissingServer(f"{self.program} is missing: ./deploy/setup.sh --tests")
        self.folder = pathlib.Path(folder)
        self.name, self.sync, self.extra = name, sync, extra
        self.port, self.monitoring_port = free_ports(2)
        self.process = None
        self._log_before = 0

    def __enter__(self):
        if self.process is None:
            self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    @property
    def url(self):
        return f"nats://127.0.0.1:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    @property
    def log_file(self):
        """What it wrote, over all its starts."""
        return self.folder / "log"

    def configuration(self):
        sync = f"sync_interval: {self.sync}" if self.sync else ""
        return f"""server_name: {self.name}
listen: "127.0.0.1:{self.port}"
http: "127.0.0.1:{self.monitoring_port}"
jetstream {{ store_dir: "{self.folder}/store", max_mem: 64MB, max_file: 8GB, {sync} }}
{self.extra}
"""

    def launch(self):
        """Starts it and waits for nothing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "nats.conf").write_text(self.configuration(), "utf-8")
        libc = ctypes.CDLL(None)
        with self.log_file.open("ab") as log:
            self._log_before = log.tell()
            # pylint: disable=subprocess-popen-preexec-fn
            self.process = subprocess.Popen(
                [self.program, "-c", self.folder / "nats.conf"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "SERVER_NAME": self.name},
                preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))

    def start(self):
        """Starts it; back when it takes connections and its JetStream is up, though maybe without a leader."""
        self.launch()
        self.wait_until_ready()

    def wait_until_ready(self):
        def ready():
            code = self.process.poll()
            log = self.log_file.read_bytes()[self._log_before:].decode()
            if code is None:
                return "Server is ready" in log
            # Somebody may have had a port of ours for a moment while we were down.
            if "address already in use" not in log:
                raise RuntimeError(f"{self.name} ended, {code}: {log}")
            return self.launch()
        wait_for(f"{self.name} is ready, see {self.log_file}", ready)

    def ask(self, path):
        """What its monitoring port says, as a dictionary: empty if it says nothing."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.monitoring_port}{path}", timeout=5) as answer:
                return json.load(answer)
        except (OSError, ValueError):
            return {}

    def _end(self, signal_number):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal_number)
            self.process.send_signal(signal.SIGCONT)
            self.process.wait()

    def stop(self):
        """SIGTERM; back when it is gone."""
        self._end(signal.SIGTERM)

    def kill(self):
        """SIGKILL, also if it is paused or was never started; back when it is gone."""
        self._end(signal.SIGKILL)

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def forget(self):
        """Removes what it stored; it must not run."""
        shutil.rmtree(self.folder / "store", ignore_errors=True)


class NatsCluster:
    """Three servers, n1 to n3, each with a folder of its own in `folder`."""

    def __init__(self, folder, program="newest", sync="always", extra="", count=3):
        self.route_ports = free_ports(count)
        # Of another name, a cluster beside it that was given one of our ports does not become part of it.
        name = f"tests-{os.getpid()}-{self.route_ports[0]}"
        self.servers = []
        for number, port in enumerate(self.route_ports, 1):
            routes = ", ".join(f'"nats://127.0.0.1:{other}"' for other in self.route_ports if other != port)
            cluster = f'cluster {{ name: {name}, listen: "127.0.0.1:{port}", routes: [{routes}] }}\n'
            self.servers.append(
                NatsServer(pathlib.Path(folder) / f"n{number}", program, sync, cluster + extra, f"n{number}"))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.kill()

    @property
    def urls(self):
        return [server.url for server in self.servers]

    def start(self):
        """Starts those that do not run; back when all know the leader of the metadata."""
        for server in self.servers:
            if server.process is None or server.process.poll() is not None:
                server.launch()
        for server in self.servers:
            server.wait_until_ready()
        wait_for("all know a leader that they are level with", lambda: all(
            server.ask("/healthz?js-meta-only=true").get("status") == "ok" for server in self.servers))

    def leader(self):
        """The server that leads the metadata; None while there is none."""
        names = [server.ask("/jsz").get("meta_cluster", {}).get("leader") for server in self.servers]
        return next((server for server in self.servers if server.name in names), None)
