"""deploy/monitoring/dashboard.json: what Grafana is given, without a Grafana."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import yaml

import monitoring_files as shipped

TEXT = (shipped.MONITORING / "dashboard.json").read_text(encoding="utf-8")
DASHBOARD = json.loads(TEXT)
PANELS = DASHBOARD["panels"]
SHOWING = [panel for panel in PANELS if panel["type"] != "row"]
# Grafana's own, and ours by the dashboard.
BUILT_IN = {"__rate_interval", "__all"}
VARIABLES = {variable["name"] for variable in DASHBOARD["templating"]["list"]}


def queries():
    return [target["expr"] for panel in SHOWING for target in panel["targets"]] + [
        annotation["expr"] for annotation in DASHBOARD["annotations"]["list"]]


class DashboardTest(unittest.TestCase):
    def test_it_is_what_its_tables_make(self):
        made = subprocess.run([sys.executable, "-B", shipped.MONITORING / "make-dashboard.py"], check=True, text=True,
                              stdout=subprocess.PIPE, timeout=shipped.PATIENCE_S).stdout
        self.assertEqual(made, TEXT, "make-dashboard.py > dashboard.json has not been run")

    def test_each_panel_is_its_own(self):
        identities = [panel["id"] for panel in PANELS]
        self.assertEqual(len(identities), len(set(identities)))
        titles = [panel["title"] for panel in SHOWING if panel["type"] == "timeseries"]
        self.assertEqual(len(titles), len(set(titles)))

    def test_no_panel_lies_on_another_or_beside_the_grid(self):
        taken = {}
        for panel in PANELS:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    self.assertNotIn((x, y), taken, f"{panel['title']} lies on {taken.get((x, y))}")
                    taken[x, y] = panel["title"]

    def test_each_panel_shows_something_in_a_unit_from_the_chosen_data_source(self):
        for panel in SHOWING:
            with self.subTest(panel["title"]):
                self.assertTrue(panel["targets"])
                self.assertTrue(panel["fieldConfig"]["defaults"]["unit"])
                names = [target["refId"] for target in panel["targets"]]
                self.assertEqual(len(names), len(set(names)))
                for part in [panel, *panel["targets"]]:
                    self.assertEqual(part["datasource"], {"type": "prometheus", "uid": "${datasource}"})

    def test_it_uses_the_variables_that_it_has_and_no_others(self):
        used = set(re.findall(r"\$\{?(\w+)", TEXT))
        self.assertEqual(used - BUILT_IN, VARIABLES)

    def test_each_query_is_of_the_chosen_gateways(self):
        for query in queries():
            for metric, matchers in shipped.selectors(query):
                self.assertLessEqual({("job", "=~", "$job"), ("instance", "=~", "$instance")}, set(matchers),
                                     f"{metric} in {query}")

    def test_prometheus_understands_each_query(self):
        rules = [{"record": "one:query", "expr": query.replace("$__rate_interval", "5m"), "labels": {"n": str(number)}}
                 for number, query in enumerate(queries())]
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "queries.yaml"
            file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}), encoding="utf-8")
            done = shipped.promtool("check", "rules", file)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_a_legend_names_only_labels_that_its_query_leaves(self):
        for panel in SHOWING:
            for target in panel["targets"]:
                aggregated = re.match(r"-?\(*(?:sum|max|min|count) by \(([^)]*)\)", target["expr"])
                if aggregated:
                    left = {label.strip() for label in aggregated.group(1).split(",")}
                    named = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
                    self.assertLessEqual(named, left, panel["title"])


if __name__ == "__main__":
    shipped.needs("promtool")
    shipped.run()
