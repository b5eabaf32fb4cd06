"""deploy/RUNBOOK.md: a section for each alert, links and settings that exist, commands that can be typed.

Every command of ours in it is run against a real gateway. It may find nothing there, which is exit code 1, but
it must not be wrong usage.
"""
import json
import re
import shlex
import subprocess
import tempfile
import unittest

import monitoring_files as shipped

TEXT = shipped.RUNBOOK.read_text(encoding="utf-8")
OUR_PROGRAMS = {"onhook", "onhookd", "curl"}
# Of the machine or the cluster; they are not run here.
OTHER_PROGRAMS = {"export", "kubectl", "journalctl", "systemctl", "openssl", "df", "du", "timedatectl"}
ALERT_SECTION = re.compile(r"^### (Onhook\w+)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
SETTING = re.compile(r"`((?:http|grpc|admin|store|quarantine|acknowledge|shutdown|log)(?:\.[a-z_]+)+)`")


def anchors(text):
    """As the heading's link is written: small letters, spaces as hyphens, no other signs."""
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


def commands():
    lines = "\n".join(re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)).splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.strip()]


def in_a_container(words):
    """What is run there, of kubectl exec ... -- WORDS; else the words themselves."""
    return words[words.index("--") + 1:] if words[0] == "kubectl" and "--" in words else words


class SectionsTest(unittest.TestCase):
    def test_each_alert_has_its_section_and_each_section_its_alert(self):
        sections = [name for name, _ in ALERT_SECTION.findall(TEXT)]
        self.assertEqual(len(sections), len(set(sections)))
        self.assertEqual(set(sections), {rule["alert"] for rule in shipped.alerts()})

    def test_each_link_of_an_alert_leads_to_a_section(self):
        for rule in shipped.alerts():
            path, _, anchor = rule["annotations"]["runbook_url"].partition("#")
            self.assertEqual(shipped.TOP / path, shipped.RUNBOOK)
            self.assertIn(anchor, anchors(TEXT))

    def test_a_section_says_how_bad_it_is_as_the_alert_does(self):
        for name, section in ALERT_SECTION.findall(TEXT):
            said = set(re.findall(r"\*(critical|warning)\b", section.partition("\n\n")[0]))
            self.assertEqual(said, {rule["labels"]["severity"] for rule in shipped.alerts() if rule["alert"] == name},
                             name)

    def test_each_link_within_the_page_leads_somewhere(self):
        self.assertLessEqual(set(re.findall(r"\]\(#([^)]+)\)", TEXT)), anchors(TEXT))

    def test_each_setting_that_is_named_exists(self):
        reference = (shipped.TOP / "gateway/config/SETTINGS.md").read_text(encoding="utf-8")
        named = set(SETTING.findall(TEXT))
        self.assertGreater(len(named), 10)
        self.assertEqual([], sorted(name for name in named if f"| `{name}`" not in reference))

    def test_each_unit_that_is_named_is_shipped(self):
        units = set(re.findall(r"(?:systemctl [a-z]+|--unit) (\w+)", TEXT))
        self.assertTrue(units)
        self.assertEqual([], [unit for unit in units if not (shipped.TOP / f"deploy/systemd/{unit}.service").exists()])


class CommandsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.gateway = shipped.Gateway(shipped.run.build, cls.folder.name)
        cls.addClassCleanup(cls.gateway.end)
        # As on the operator's machine, where the gateway goes on running while its settings are checked.
        gateway = cls.gateway
        gateway.file.write_text(json.dumps({"http": {"listen": gateway.http}, "grpc": {"listen": gateway.grpc},
                                            "admin": {"listen": gateway.admin},
                                            "store": {"directory": f"{gateway.folder}/data"}}), encoding="utf-8")

    def here(self, word):
        """A word of a command, with this gateway's addresses and files."""
        gateway = self.gateway
        for theirs, ours in (("127.0.0.1:8080", gateway.http), ("127.0.0.1:8081", gateway.admin),
                             ("/etc/onhook/onhook.yaml", str(gateway.file))):
            word = word.replace(theirs, ours)
        return word

    def run_here(self, words):
        program, *rest = [self.here(word) for word in words]
        if rest == ["doctor"]:
            rest += ["--admin", self.gateway.admin]
        if program == "curl":
            shipped.curl(*rest)
            return 0, ""
        done = subprocess.run([str(self.gateway.build / program), *rest], stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=shipped.PATIENCE_S,
                              env={"ONHOOK_SERVER": self.gateway.grpc})
        return done.returncode, done.stderr

    def test_each_command_is_of_a_program_that_an_operator_has(self):
        for words in commands():
            self.assertIn(words[0], OUR_PROGRAMS | OTHER_PROGRAMS)

    def test_none_that_has_no_way_back_is_there_to_be_pasted(self):
        for words in commands():
            self.assertNotIn("--yes", words)
            self.assertNotIn("delete", words)
            self.assertFalse("discard" in words and "--all" in words, words)

    def test_each_command_of_ours_can_be_typed_as_it_stands(self):
        ours = [words for words in map(in_a_container, commands()) if words[0] in OUR_PROGRAMS]
        self.assertGreater(len(ours), 20)
        for words in ours:
            with self.subTest(" ".join(words)):
                if words[:2] != ["onhook", "get"] and "crm" in words:
                    self.gateway.onhook("subscriptions", "create", "crm")
                code, said = self.run_here(words)
                self.assertIn(code, {0} if words[0] in {"onhookd", "curl"} else {0, 1}, said)

    def test_what_it_takes_from_the_environment_is_taken_from_there(self):
        told = self.gateway.onhook("--help").stdout
        exported = [word.partition("=")[0] for words in commands() if words[0] == "export" for word in words[1:]]
        self.assertGreater(len(exported), 2)
        for variable in exported:
            self.assertIn(variable, told)


if __name__ == "__main__":
    shipped.needs("curl")
    shipped.run()
