"""The servers that the benchmark measures: each a context that starts it and ends it again."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import time

PATIENCE_SECONDS = 60

# nginx as the floor of what an HTTP server can cost: one unprivileged process, no log, no upstream.
NGINX_CONF = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  default_type application/json;
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location / {{ return 200 '{{"retCode":"0","retMsg":"success"}}'; }}
  }}
}}
"""


class Server:
    """A running server: its process id and the flags that lead gateway_bench to it."""

    def __init__(self, pid, flags):
        self.pid = pid
        self.flags = [f"--pid={pid}"] + flags


def onhookd_command(build, store, **listen):
    """How the gateway is called, with the addresses given, or on free ports."""
    ports = {"http": "127.0.0.1:0", "grpc": "127.0.0.1:0", "admin": "127.0.0.1:0", **listen}
    return [os.path.join(build, "onhookd"), *([f"--store-directory={store}"] if store else []),
            *(f"--{name}-listen={address}" for name, address in ports.items())]


@contextlib.contextmanager
def onhookd(build, store=None, settings=(), under=(), has_store=True):
    """The gateway on its defaults but for `settings`, with the store in that folder, or an empty one, or
    none of its own; run by the command `under`, if there is one."""
    with tempfile.TemporaryDirectory(prefix="onhook-bench-") as directory:
        log_path = os.path.join(directory, "log")
        command = [*under, *onhookd_command(build, (store or directory + "/store") if has_store else None), *settings]
        with _process(command, log_path) as process:
            ports = _wait_for(lambda: _ports_in(log_path), process, log_path)
            yield Server(process.pid, [f"--http_port={ports['http']}", f"--grpc_port={ports['grpc']}"])


@contextlib.contextmanager
def http_floor(build):
    """Bare cpp-httplib, as tests/bench/http_floor.cc sets it up."""
    with tempfile.TemporaryDirectory(prefix="onhook-bench-") as directory:
        log_path = os.path.join(directory, "log")
        with _process([os.path.join(build, "http_floor"), "bare"], log_path) as process:
            port = _wait_for(lambda: _port_said(log_path), process, log_path)
            yield Server(process.pid, [f"--http_port={port}"])


@contextlib.contextmanager
def nginx(_build):
    """nginx that answers 200 and does nothing else."""
    with tempfile.TemporaryDirectory(prefix="onhook-bench-") as directory:
        port = free_port()
        conf = os.path.join(directory, "nginx.conf")
        with open(conf, "w", encoding="utf-8") as file:
            file.write(NGINX_CONF.format(directory=directory, port=port))
        log_path = os.path.join(directory, "log")
        command = ["nginx", "-p", directory, "-c", conf, "-e", os.path.join(directory, "error.log")]
        with _process(command, log_path) as process:
            _wait_for(lambda: _accepts(port), process, log_path)
            yield Server(process.pid, [f"--http_port={port}"])


@contextlib.contextmanager
def _process(command, log_path):
    with open(log_path, "wb") as log:
        process = start(command, log)
    try:
        yield process
    finally:
        stop(process)


def start(command, log):
    """Starts a server without settings from the environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ONHOOK_")}
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)


def stop(process):
    """Ends a server that start() gave, and waits until it has gone."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_for(asked, process, log_path):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        answer = asked()
        if answer:
            return answer
        time.sleep(0.02)
    with open(log_path, encoding="utf-8", errors="replace") as log:
        raise RuntimeError(f"{process.args[0]} did not come up:\n{log.read()}")


def _ports_in(log_path):
    ports = {}
    with open(log_path, encoding="utf-8") as log:
        for line in log:
            if line.startswith("{") and line.endswith("}\n"):
                entry = json.loads(line)
                if entry.get("msg") == "listening":
                    ports[entry["listener"]] = int(entry["address"].rsplit(":", 1)[1])
    return ports if {"http", "grpc", "admin"} <= ports.keys() else None


def _port_said(log_path):
    with open(log_path, encoding="utf-8") as log:
        line = log.readline()
    return int(line.rsplit(":", 1)[1]) if line.endswith("\n") else None


def _accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port():
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
