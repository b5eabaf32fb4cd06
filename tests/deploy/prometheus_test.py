"""A real Prometheus, with the rules as they are shipped, collects from a real gateway, and rings.

Somebody posts callbacks with forged signatures: of all alerts, the one about signatures fires, and the rest has
looked and found nothing.
"""
import contextlib
import json
import pathlib
import signal
import subprocess
import tempfile
import threading
import unittest

import monitoring_files as shipped

SETTINGS = """
acknowledge: {{when: stored}}
sources:
  - name: sales
    path: /release-events
    authentication: {{shared_key: {{key_files: [{0}/key]}}}}
"""
COLLECTING = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{0}/*.yaml"]
scrape_configs:
  - job_name: onhook
    static_configs: [{{targets: ["{1}"]}}]
"""
# More than the alert lets pass, fewer than another one asks for.
FORGED = 6
WAITING = threading.Event()


class Prometheus:
    """Debian's program, on a port of its own."""

    def __init__(self, folder, gateway):
        file = pathlib.Path(folder) / "prometheus.yaml"
        file.write_text(COLLECTING.format(shipped.MONITORING / "rules", gateway.admin), encoding="utf-8")
        self.program = shipped.Program("prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder}/series",
                                       "--web.listen-address=127.0.0.1:0", "--log.format=json")
        line = {}
        while line.get("msg") != "Listening on":
            line = json.loads(self.program.line("stderr"))
        self.address = line["address"]

    def is_ready(self):
        try:
            return bool(shipped.curl(f"http://{self.address}/-/ready"))
        except subprocess.CalledProcessError:
            return False

    def ask(self, path, *words):
        return json.loads(shipped.curl("--get", *words, f"http://{self.address}/api/v1/{path}"))["data"]

    def value(self, query):
        found = self.ask("query", "--data-urlencode", f"query={query}")["result"]
        return float(found[0]["value"][1]) if found else None

    def rules(self):
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]

    def firing(self):
        return {(alert["labels"]["alertname"], alert["labels"].get("source"))
                for alert in self.ask("alerts")["alerts"] if alert["state"] == "firing"}

    def end(self):
        self.program.end(signal.SIGTERM)


def wait_for(what, holds):
    """Asks until it holds: Prometheus has no other way to tell."""
    for _ in range(shipped.PATIENCE_S * 5):
        if holds():
            return
        WAITING.wait(0.2)
    raise AssertionError(f"it does not happen: {what}")


class PrometheusTest(unittest.TestCase):
    def test_forged_callbacks_ring_and_nothing_else_does(self):
        with contextlib.ExitStack() as ended, tempfile.TemporaryDirectory() as folder:
            for name in ("key", "forgers-key"):
                (pathlib.Path(folder) / name).write_text(f"{name}-of-sixteen-characters", encoding="utf-8")
            gateway = shipped.Gateway(shipped.run.build, folder, SETTINGS.format(folder))
            ended.callback(gateway.end)
            prometheus = Prometheus(folder, gateway)
            ended.callback(prometheus.end)

            wait_for("Prometheus is ready", prometheus.is_ready)
            wait_for("the gateway is looked at twice",
                     lambda: (prometheus.value('count_over_time(up{job="onhook"}[1m])') or 0) >= 2)
            self.assertEqual(gateway.send("--key-file", f"{folder}/key").returncode, 0)
            for _ in range(FORGED):
                forged = gateway.send("--key-file", f"{folder}/forgers-key", "--expect", "401")
                self.assertEqual(forged.returncode, 0, forged.stderr)
            wait_for("it rings", prometheus.firing)
            self.assertEqual(prometheus.firing(), {("OnhookSignatureFailures", "sales")})

            wait_for("each rule has been looked at", lambda: all(
                rule["health"] != "unknown" for rule in prometheus.rules()))
            self.assertEqual([rule for rule in prometheus.rules() if rule["health"] != "ok"], [])
            self.assertEqual({rule["name"] for rule in prometheus.rules() if rule["type"] == "alerting"},
                             {rule["alert"] for rule in shipped.alerts()})


if __name__ == "__main__":
    shipped.needs("prometheus", "curl")
    shipped.run()
