"""What deploy/monitoring ships, read for its tests; and a gateway and Prometheus's tools to hold it against."""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests/interop"))
from interop_test import Program, listeners, skip  # noqa: E402 (the path above leads there)

try:
    import yaml
except ImportError:
    skip("this Python has no yaml")

MONITORING = TOP / "deploy/monitoring"
RULES = sorted((MONITORING / "rules").glob("*.yaml"))
STORIES = TOP / "tests/deploy/monitoring"
RUNBOOK = TOP / "deploy/RUNBOOK.md"
PATIENCE_S = 30

# Of a query: what stands in quotes, which labels are joined or grouped by, and what is chosen.
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
SELECTOR = re.compile(r'([a-zA-Z_:][\w:]*)\s*(?:\{((?:[^}"]|"[^"]*")*)\})?(?!\w*\s*\()')
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
WORDS = {"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring"}


def needs(*programs):
    for program in programs:
        if shutil.which(program) is None:
            skip(f"there is no {program}")


def groups_of(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]


def rules_of(path):
    return [rule for group in groups_of(path) for rule in group["rules"]]


def all_rules():
    return [rule for path in RULES for rule in rules_of(path)]


def alerts():
    return [rule for rule in all_rules() if "alert" in rule]


def selectors(query):
    """[(metric, [(label, operator, value), ...]), ...] of a query."""
    found = []
    for metric, matchers in SELECTOR.findall(GROUPING.sub(" ", query)):
        if metric not in WORDS and re.match(r"onhook|process|up\b|ALERTS", metric):
            found.append((metric, MATCHER.findall(matchers or "")))
    return found


def grouped_labels(query):
    return {label.strip() for labels in GROUPING.findall(query) for label in labels.split(",") if label.strip()}


def promtool(*words, folder=None):
    return subprocess.run(["promtool", *map(str, words)], cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE_S * 4,
                          check=False)


class Gateway:
    """The real one, on ports of its own, with the settings given; and the command line to speak with it."""

    def __init__(self, build, folder, settings=""):
        self.build, self.folder = pathlib.Path(build), pathlib.Path(folder)
        self.file = self.folder / "onhook.yaml"
        self.file.write_text(settings + "\n", encoding="utf-8")
        self.program = Program(str(self.build / "onhookd"), "--config", str(self.file),
                               f"--store-directory={self.folder}/data",
                               *(f"--{name}-listen=127.0.0.1:0" for name in ("http", "grpc", "admin")))
        addresses = listeners(self.program)
        self.http, self.grpc, self.admin = (addresses[name] for name in ("http", "grpc", "admin"))

    def onhook(self, *words, **options):
        """As it ended."""
        return subprocess.run([str(self.build / "onhook"), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S, check=False,
                              env={**os.environ, "ONHOOK_SERVER": self.grpc, "no_proxy": "127.0.0.1"}, **options)

    def send(self, *words):
        return self.onhook("send", "--url", f"http://{self.http}/release-events", *words)

    def scrape(self):
        """What /metrics shows: {metric: [labels of each series]}."""
        return series(curl(f"http://{self.admin}/metrics"))

    def end(self):
        if self.program.process.poll() is None:
            self.program.process.terminate()
        self.program.process.wait(timeout=PATIENCE_S)


def curl(*words):
    """The body of an answer that is no error."""
    return subprocess.run(["curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "--max-time",
                           str(PATIENCE_S), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          timeout=PATIENCE_S * 2, check=True).stdout


def series(text):
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            metric, labels = re.match(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ", line).groups()
            found.setdefault(metric, []).append(dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or "")))
    return found


def run():
    """The tests of the file that calls it, which find the folder of the programs in run.build."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, help="the folder of onhookd and onhook")
    arguments, rest = parser.parse_known_args()
    run.build = arguments.build
    # Of the pipes of programs that have ended, which their readers' threads close.
    unittest.main(module="__main__", argv=[sys.argv[0], *rest], verbosity=2, warnings="ignore")
