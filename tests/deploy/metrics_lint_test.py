#!/usr/bin/env python3
"""Prometheus' own tool finds nothing to say about what a gateway at work shows as its metrics."""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

MISSING_TOOL = 77
FAMILIES_AT_LEAST = 45


class Gateway:
    """An onhookd on ports and a directory of its own."""

    def __init__(self, program, directory):
        environment = dict(
            os.environ, ONHOOK_HTTP_LISTEN="127.0.0.1:0", ONHOOK_GRPC_LISTEN="127.0.0.1:0",
            ONHOOK_ADMIN_LISTEN="127.0.0.1:0", ONHOOK_ACKNOWLEDGE_WHEN="stored",
            ONHOOK_STORE_DIRECTORY=os.path.join(directory, "data"))
        self.process = subprocess.Popen([program], stderr=subprocess.PIPE, env=environment, text=True)
        self.addresses = {}
        while len(self.addresses) < 3:
            line = self.process.stderr.readline()
            if not line:
                sys.exit("the gateway did not start")
            listening = re.search(r'"listener":"(\w+)","address":"([^"]+)"', line)
            if listening:
                self.addresses[listening.group(1)] = listening.group(2)

    def ask(self, listener, path, body=None):
        request = urllib.request.Request(f"http://{self.addresses[listener]}{path}", data=body)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read().decode()

    def stop(self):
        self.process.terminate()
        self.process.communicate(timeout=60)
        return self.process.returncode


def post(gateway, call):
    body = json.dumps({"callSerialNo": call, "called": "88880067",
                       "releaseTime": "2022/02/22,10:04:28:823"}).encode()
    status, answer = gateway.ask("http", "/release-events", body)
    assert status == 200, answer


def lint(promtool, text):
    """What promtool says of the text; "" is nothing."""
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True,
                          text=True, timeout=60, check=False)
    return done.stdout + done.stderr if done.returncode or done.stderr else ""


def check(gateway, onhook, promtool):
    def run(*arguments):
        subprocess.run([onhook, *arguments, "--server", gateway.addresses["grpc"]], check=True,
                       stdout=subprocess.DEVNULL, timeout=60)

    assert "abc" in lint(promtool, "# HELP abc A counter.\n# TYPE abc counter\nabc 1\n"), \
        "promtool finds nothing where something is wrong"
    for call in ("1", "2", "3"):
        post(gateway, call)
    assert gateway.ask("http", "/release-events", b"garbage")[0] == 400
    for name in ("crm", "billing", "archive"):
        run("subscriptions", "create", name)
    run("subscribe", "crm", "--count", "2", "--quiet")
    status, text = gateway.ask("admin", "/metrics")
    assert status == 200, text
    families = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
    assert len(families) >= FAMILIES_AT_LEAST, families
    assert 'onhook_acks_total{result="acked",subscription="crm"} 2\n' in text, text
    assert 'onhook_subscription_backlog_events{subscription="billing"} 3\n' in text, text
    found = lint(promtool, text)
    assert not found, found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    build = parser.parse_args().build
    promtool = shutil.which("promtool")
    if promtool is None:
        print("there is no promtool")
        return MISSING_TOOL
    with tempfile.TemporaryDirectory() as directory:
        gateway = Gateway(os.path.join(build, "onhookd"), directory)
        try:
            check(gateway, os.path.join(build, "onhook"), promtool)
        finally:
            code = gateway.stop()
        assert code == 0, code
    return 0


if __name__ == "__main__":
    sys.exit(main())
