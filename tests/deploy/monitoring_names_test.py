"""Rules and dashboard ask for metrics, labels and values that a gateway really shows.

A query for what does not exist is no error to Prometheus: it is silent for ever. So each name is looked up in
what a real gateway shows after it has had a bit of everything.
"""
import json
import re
import subprocess
import tempfile
import unittest

import yaml

import monitoring_files as shipped

# What Prometheus adds to each series, or makes itself.
TARGET_LABELS = {"job", "instance"}
OF_PROMETHEUS = {"up", "ALERTS"}
PLAIN_WORDS = re.compile(r"[\w|]+")
SETTINGS = """
http: {{tls: {{certificate_file: {0}/server.crt, key_file: {0}/server.key}}}}
acknowledge: {{when: stored}}
sources:
  - name: sales
    path: /release-events
subscriptions:
  - name: billing
"""


def shown_by_a_gateway(build):
    """What /metrics shows after events, repeats, rejections, acknowledgements and a dead letter, with TLS."""
    with tempfile.TemporaryDirectory() as folder:
        certificates = f"{folder}/certificates"
        subprocess.run([shipped.TOP / "deploy/dev-certificates.sh", certificates], check=True,
                       stdout=subprocess.DEVNULL, timeout=shipped.PATIENCE_S)
        gateway = shipped.Gateway(build, folder, SETTINGS.format(certificates))
        try:
            send = ("send", "--url", f"https://{gateway.http}/release-events", "--ca", f"{certificates}/ca.crt")
            for step in ([*send, "--count", "3"], [*send, "--profile", "duplicate"],
                         [*send, "--profile", "malformed", "--expect", "400"],
                         ["subscribe", "crm", "--count", "2", "--quiet"],
                         ["subscribe", "crm", "--count", "1", "--exec", "exit 65"]):
                done = gateway.onhook(*step)
                assert done.returncode == 0, f"{step}: {done.stdout}{done.stderr}"
            return gateway.scrape()
        finally:
            gateway.end()


class QueriesTest(unittest.TestCase):
    """Nothing is found missing in what is not read."""

    def test_every_name_of_a_query_is_read(self):
        query = ('sum without (outcome) (rate(onhook_a_total{outcome=~"x|y",source!=""}[5m])) / (onhook:b:rate5m > 0)'
                 ' and on (job, instance) up{job=~"(.+/)?onhook"} unless process_c')
        self.assertEqual(shipped.selectors(query), [
            ("onhook_a_total", [("outcome", "=~", "x|y"), ("source", "!=", "")]), ("onhook:b:rate5m", []),
            ("up", [("job", "=~", "(.+/)?onhook")]), ("process_c", [])])
        self.assertEqual(shipped.grouped_labels(query), {"outcome", "job", "instance"})

    def test_the_values_of_a_matcher_are_read_where_they_are_spelled_out(self):
        wanted = NamesTest.values_wanted
        self.assertEqual(wanted("=~", "x|y"), ["x", "y"])
        self.assertEqual(wanted("!=", "x"), ["x"])
        self.assertEqual(wanted("!=", "") + wanted("=~", "$source") + wanted("=~", ".+"), [])

    def test_a_series_is_read_with_its_labels(self):
        self.assertEqual(shipped.series('# HELP a A.\na{b="c",d="e"} 1\na 2\n'), {"a": [{"b": "c", "d": "e"}, {}]})


class NamesTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.shown = shown_by_a_gateway(shipped.run.build)
        cls.recorded = {rule["record"]: rule for rule in shipped.all_rules() if "record" in rule}
        dashboard = json.loads((shipped.MONITORING / "dashboard.json").read_text(encoding="utf-8"))
        panels = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
        cls.queries = [rule["expr"] for rule in shipped.all_rules()] + panels + cls.variables(dashboard)

    @staticmethod
    def variables(dashboard):
        return [re.match(r"label_values\((.*), \w+\)", variable["query"]["query"]).group(1)
                for variable in dashboard["templating"]["list"] if variable["type"] == "query"]

    def is_known(self, metric):
        return metric in self.shown or metric in self.recorded or metric in OF_PROMETHEUS

    def labels_of(self, metric):
        """Every label that a series of the metric may have."""
        if metric in OF_PROMETHEUS:
            return TARGET_LABELS
        if metric in self.recorded:
            rule = self.recorded[metric]
            same_name = [each for each in shipped.all_rules() if each.get("record") == metric]
            under = [self.labels_of(name) for each in same_name for name, _ in shipped.selectors(each["expr"])]
            return set().union(rule.get("labels", {}), *under)
        return TARGET_LABELS.union(*self.shown.get(metric, []))

    def test_each_metric_is_shown(self):
        asked = {metric for query in self.queries for metric, _ in shipped.selectors(query)}
        self.assertEqual([], sorted(metric for metric in asked if not self.is_known(metric)))

    def test_each_label_that_is_chosen_by_exists_with_that_value(self):
        missing = set()
        for query in self.queries:
            for metric, matchers in shipped.selectors(query):
                if metric not in self.shown:
                    continue
                for label, operator, value in matchers:
                    if label in TARGET_LABELS:
                        continue
                    values = {labels.get(label) for labels in self.shown[metric]} - {None}
                    wanted = self.values_wanted(operator, value)
                    missing |= {(metric, label, each) for each in wanted if each not in values}
                    if not values:
                        missing.add((metric, label, "no value at all"))
        self.assertEqual(set(), missing)

    @staticmethod
    def values_wanted(operator, value):
        """The values that a matcher spells out: of a pattern only the words between its bars."""
        if not value or not PLAIN_WORDS.fullmatch(value):
            return []
        return value.split("|") if "~" in operator else [value]

    def test_each_label_that_is_grouped_or_joined_by_exists(self):
        for query in self.queries:
            known = set().union(*(self.labels_of(metric) for metric, _ in shipped.selectors(query)))
            self.assertLessEqual(shipped.grouped_labels(query), known, query)

    def test_each_label_that_an_alert_speaks_of_exists(self):
        for rule in shipped.alerts():
            known = set().union(*(self.labels_of(metric) for metric, _ in shipped.selectors(rule["expr"])))
            said = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
            self.assertLessEqual(said, known, rule["alert"])

    def test_what_an_alert_takes_for_long_is_the_border_of_a_bucket(self):
        """Between borders a quantile is guessed: only at one is it known on which side the callbacks were."""
        bounds = [(self.recorded[metric], float(bound)) for rule in shipped.alerts()
                  for metric, bound in re.findall(r"^(onhook:\w+_seconds:p\d+_\d+m) > ([\d.]+)$", rule["expr"])]
        self.assertEqual(len(bounds), 5)
        for rule, bound in bounds:
            ((metric, _),) = shipped.selectors(rule["expr"])
            borders = {float(labels["le"]) for labels in self.shown.get(metric, [])}
            self.assertIn(bound, borders, metric)

    def test_the_stories_are_of_series_as_they_are_shown(self):
        strange = set()
        for path in sorted(shipped.STORIES.glob("*.yaml")):
            for story in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
                for told in story["input_series"]:
                    ((metric, labels),) = shipped.series(told["series"] + " 0").items()
                    names = set(labels[0]) - TARGET_LABELS
                    if metric not in OF_PROMETHEUS and not self.is_shown(metric, names):
                        strange.add(f"{path.name}: {metric}{sorted(names)}")
        self.assertEqual([], sorted(strange))

    def is_shown(self, metric, names):
        """Whether a series of the metric has labels of these names; an empty one is none to Prometheus."""
        return any({label for label, value in labels.items() if value} == names for labels in self.shown.get(metric, []))


if __name__ == "__main__":
    shipped.needs("curl", "openssl")
    shipped.run()
