"""deploy/monitoring/rules: each alert fires when it should, is quiet else, and leads somewhere.

The stories that are told to the rules are in monitoring/, a file for each of theirs, for promtool.
"""
import collections
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

import monitoring_files as shipped

SEVERITIES = {"critical", "warning"}
# What prometheus-operator's PrometheusRule knows: of a group, and of its rules.
GROUP_FIELDS = {"name", "interval", "rules"}
RULE_FIELDS = {"alert", "record", "expr", "for", "labels", "annotations"}


def stories():
    return {path.name: yaml.safe_load(path.read_text(encoding="utf-8"))
            for path in sorted(shipped.STORIES.glob("*.yaml"))}


def moments(story):
    """{alert: [the severities that fire, for each moment that is looked at]} of a story."""
    found = collections.defaultdict(list)
    for moment in story.get("alert_rule_test", []):
        found[moment["alertname"]].append({alert["exp_labels"]["severity"] for alert in moment["exp_alerts"]})
    return found


class RulesTest(unittest.TestCase):
    def test_the_rules_are_such_that_prometheus_loads_them(self):
        done = shipped.promtool("check", "rules", *shipped.RULES)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_what_the_stories_expect_comes_true(self):
        for path in shipped.RULES:
            with self.subTest(path.name):
                done = shipped.promtool("test", "rules", shipped.STORIES / path.name)
                self.assertEqual(done.returncode, 0, done.stdout)

    def test_each_alert_has_a_story_in_which_it_fires_and_one_moment_of_it_in_which_it_does_not(self):
        told = set()
        for file in stories().values():
            for story in file["tests"]:
                for alert, firing in moments(story).items():
                    told |= {(alert, severity) for severity in set().union(*firing)
                             if any(severity not in moment for moment in firing)}
        self.assertEqual({(rule["alert"], rule["labels"]["severity"]) for rule in shipped.alerts()}, told)

    def test_a_story_is_about_the_rules_of_its_name(self):
        self.assertEqual([path.name for path in shipped.RULES], list(stories()))
        for name, file in stories().items():
            self.assertEqual(file["rule_files"], [f"../../../deploy/monitoring/rules/{name}"])

    def test_an_alert_that_never_fires_is_noticed(self):
        for path in shipped.RULES:
            rules = yaml.safe_load(path.read_text(encoding="utf-8"))
            alerts = [rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule]
            for rule in alerts:
                rule["expr"] = f"({rule['expr']}) and on () (vector(0) == 1)"
            said = self.tell_the_story_of(path.name, rules)
            for rule in alerts:
                self.assertIn(f"alertname: {rule['alert']},", said)

    def tell_the_story_of(self, name, rules):
        """What promtool says of the story when these are the rules. It must fail."""
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "rules.yaml").write_text(yaml.safe_dump(rules), encoding="utf-8")
            story = {**stories()[name], "rule_files": ["rules.yaml"]}
            (pathlib.Path(folder) / "story.yaml").write_text(yaml.safe_dump(story), encoding="utf-8")
            done = shipped.promtool("test", "rules", "story.yaml", folder=folder)
        self.assertNotEqual(done.returncode, 0)
        return done.stdout

    def test_an_alert_says_how_bad_it_is_what_it_is_and_where_to_read_on(self):
        for rule in shipped.alerts():
            with self.subTest(rule["alert"]):
                self.assertRegex(rule["alert"], r"^Onhook[A-Z]\w+$")
                self.assertEqual(set(rule["labels"]), {"severity"})
                self.assertIn(rule["labels"]["severity"], SEVERITIES)
                self.assertEqual(set(rule["annotations"]), {"summary", "description", "runbook_url"})
                self.assertEqual(rule["annotations"]["runbook_url"],
                                 f"deploy/RUNBOOK.md#{rule['alert'].lower()}")

    def test_what_an_alert_takes_from_another_rule_is_recorded_before_it_in_its_group(self):
        for path in shipped.RULES:
            for group in shipped.groups_of(path):
                recorded = set()
                for rule in group["rules"]:
                    taken = {metric for metric, _ in shipped.selectors(rule["expr"]) if ":" in metric}
                    self.assertLessEqual(taken, recorded, rule)
                    if "record" in rule:
                        self.assertRegex(rule["record"], r"^onhook:[a-z0-9_]+(:[a-z0-9_]+)?$")
                        recorded.add(rule["record"])


class OperatorTest(unittest.TestCase):
    """prometheus-rule.sh, for those whose Prometheus is run by its operator."""

    def make(self, *words):
        return subprocess.run([shipped.MONITORING / "prometheus-rule.sh", *words], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                              timeout=shipped.PATIENCE_S)

    def test_it_holds_the_same_rules(self):
        done = self.make("--name", "calls", "--label", "release=monitoring")
        self.assertEqual(done.returncode, 0, done.stderr)
        made = yaml.safe_load(done.stdout)
        groups = [group for path in shipped.RULES for group in shipped.groups_of(path)]
        self.assertEqual(made, {
            "apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule",
            "metadata": {"name": "calls", "labels": {"app.kubernetes.io/name": "onhook", "release": "monitoring"}},
            "spec": {"groups": groups}})

    def test_it_holds_nothing_that_the_operator_does_not_know(self):
        groups = yaml.safe_load(self.make().stdout)["spec"]["groups"]
        names = [group["name"] for group in groups]
        self.assertEqual(len(names), len(set(names)), "the operator refuses a name that is given twice")
        for group in groups:
            self.assertLessEqual(set(group), GROUP_FIELDS)
            for rule in group["rules"]:
                self.assertLessEqual(set(rule), RULE_FIELDS)
                self.assertTrue(all(isinstance(value, str) for value in rule.get("labels", {}).values()))

    def test_prometheus_loads_what_the_operator_would_give_it(self):
        spec = yaml.safe_load(self.make().stdout)["spec"]
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "rules.yaml"
            file.write_text(yaml.safe_dump(spec), encoding="utf-8")
            done = shipped.promtool("check", "rules", file)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_links_lead_where_the_runbook_is(self):
        made = self.make("--runbook-url", "https://wiki.example/onhook").stdout
        links = re.findall(r"runbook_url: (\S+)", made)
        self.assertEqual(len(links), len(shipped.alerts()))
        self.assertTrue(all(link.startswith("https://wiki.example/onhook#onhook") for link in links))

    def test_it_refuses_what_would_not_be_the_text_that_was_meant(self):
        for words in (["--name", 'a"b'], ["--label", "a=\\b"], ["--runbook-url", "https://a/?b&c"], ["--name"],
                      ["--names", "a"], ["--name", "a\nb"]):
            done = self.make(*words)
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)
            self.assertNotEqual(done.stderr, "")


class ReadmeTest(unittest.TestCase):
    """What deploy/monitoring/README.md says, as it stands there."""
    TEXT = (shipped.MONITORING / "README.md").read_text(encoding="utf-8")

    def blocks(self, language):
        return re.findall(rf"^```{language}\n(.*?)^```$", self.TEXT, re.MULTILINE | re.DOTALL)

    def test_prometheus_takes_its_settings(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "prometheus.yaml"
            file.write_text(self.blocks("yaml")[0], encoding="utf-8")
            done = shipped.promtool("check", "config", "--syntax-only", file)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_what_hushes_a_warning_is_told_of_the_same_thing(self):
        rule, _ = yaml.safe_load(self.blocks("yaml")[1])["inhibit_rules"]
        by_name = collections.defaultdict(list)
        for alert in shipped.alerts():
            by_name[alert["alert"]].append(alert["labels"]["severity"])
        self.assertEqual({len(each) for each in by_name.values()}, {1, 2}, "some alerts have both severities")
        self.assertLessEqual({"alertname", "job", "instance"}, set(rule["equal"]))

    def test_a_full_disk_hushes_what_it_brings_about_at_the_same_gateway(self):
        _, rule = yaml.safe_load(self.blocks("yaml")[1])["inhibit_rules"]
        source = dict(re.findall(r'(\w+)="(\w+)"', " ".join(rule["source_matchers"])))
        self.assertIn(source, [{"alertname": alert["alert"], **alert["labels"]} for alert in shipped.alerts()])
        (hushed,) = re.findall(r'^alertname=~"([\w|]+)"$', rule["target_matchers"][0])
        known = {alert["alert"] for alert in shipped.alerts()}
        self.assertLessEqual(set(hushed.split("|")), known - {source["alertname"]})
        self.assertEqual(rule["equal"], ["job", "instance"])

    def test_its_commands_do_what_it_says(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(shipped.MONITORING, f"{folder}/deploy/monitoring")
            for line in "".join(self.blocks("sh")).splitlines():
                with self.subTest(line):
                    # Where a cluster would take it, it is read by nobody.
                    done = subprocess.run(["/bin/sh", "-c", line.replace("kubectl apply", "cat - # ")], cwd=folder,
                                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                                          stdin=subprocess.DEVNULL, timeout=shipped.PATIENCE_S)
                    self.assertEqual(done.returncode, 0, done.stdout)
            for path in (pathlib.Path(folder) / "deploy/monitoring/rules").glob("*.yaml"):
                text = path.read_text(encoding="utf-8")
                self.assertIn("https://wiki.example/onhook-runbook#onhook", text)
                self.assertNotIn("deploy/RUNBOOK.md", text)


if __name__ == "__main__":
    shipped.needs("promtool")
    shipped.run()
