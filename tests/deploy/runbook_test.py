"""deploy/RUNBOOK.md: a section for each alert, links and settings that exist, commands that can be typed.

Every command of ours in it is run against a real gateway with the settings of the standalone one in Kubernetes, by
its operator. It may find nothing there, which is exit code 1, but it must neither be wrong usage nor be refused.
"""
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import textwrap
import unittest

import monitoring_files as shipped

sys.path.insert(0, str(shipped.TOP / "tests/support"))
import nats_server  # noqa: E402  pylint: disable=wrong-import-position

TEXT = shipped.RUNBOOK.read_text(encoding="utf-8")
OUR_PROGRAMS = {"onhook", "onhookd", "curl"}
# Of the machine or the cluster; they are not run here.
OTHER_PROGRAMS = {"export", "kubectl", "journalctl", "systemctl", "openssl", "df", "du", "timedatectl", "mv", "install",
                  "nats", "nats-server"}
# What BACKUP.md tells to give an identity for backups.
BACKUP_IDENTITY = re.search(r"^    access:\n((?:      .*\n)+)",
                            (shipped.TOP / "deploy/BACKUP.md").read_text(encoding="utf-8"), re.MULTILINE)[1]
SETTINGS = shipped.TOP / "deploy/kubernetes/overlays/standalone/onhook.yaml"
# Of `kubectl exec ... -- WORDS`: runs WORDS here, with files that lie elsewhere in the pod. The pod's own gateway is
# where clients look if they are told nothing.
KUBECTL = """#!/bin/bash
until [ "$1" = -- ]; do shift; done
shift
env -i PATH="$PATH" no_proxy=127.0.0.1 $POD "${@//\\/etc\\/onhook/$FILES}"
"""
# In what is seen, and not of our programs: commands, and words of systemd, SQLite and NATS.
COMMANDS_AND_OTHERS_WORDS = {"onhook backup", "Result: watchdog", "disk I/O error", "database or disk is full",
                             "file is not a database", "No space left on device",
                             "resource limits exceeded for account", "insufficient resources",
                             "maximum bytes exceeded", "maximum messages exceeded"}
# A unit's user and its root are whoever runs the tests; of the supervisor only the words are looked at.
SUDO = """#!/bin/bash
[ "$1" = -u ] && shift 2
exec "$@"
"""
INSTALL = """#!/bin/bash
exec mkdir "${@: -1}"
"""
ALERT_SECTION = re.compile(r"^### (Onhook\w+)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
SETTING = re.compile(r"`((?:http|grpc|admin|store|quarantine|acknowledge|shutdown|log)(?:\.[a-z_]+)+)`")


def anchors(text):
    """As the heading's link is written: small letters, spaces as hyphens, no other signs."""
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


def shell_lines():
    text = "\n".join(re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)).replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip()]


def failure_sections():
    """{heading: text} of the chapter about what breaks."""
    chapter = re.search(r"^## When something breaks\n(.*?)(?=^## )", TEXT, re.MULTILINE | re.DOTALL)[1]
    return dict(re.findall(r"^### (.*?)\n(.*?)(?=^### |\Z)", chapter, re.MULTILINE | re.DOTALL))


def messages():
    """Every text in the programs' sources, with those that the compiler would join; what is put in between is lost."""
    found = []
    for folder in ("gateway", "clients", "proto"):
        for path in (shipped.TOP / folder).rglob("*"):
            if path.suffix in {".cc", ".h", ".proto"}:
                found.append(re.sub(r'"\s*,?\s*"', "", path.read_text(encoding="utf-8")))
    return "\n".join(found)


def functions():
    """What stands for the command line in a cluster."""
    return [line for line in shell_lines() if "() {" in line]


def commands():
    found = [shlex.split(line, comments=True) for line in shell_lines() if line not in functions()]
    return [words[3:] if words[:2] == ["sudo", "-u"] else words[words[0] == "sudo":] for words in found]


def exported():
    return dict(word.split("=") for words in commands() if words[0] == "export" for word in words[1:])


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


class FailuresTest(unittest.TestCase):
    def test_each_says_what_one_sees_what_it_means_and_what_to_do(self):
        self.assertGreater(len(failure_sections()), 10)
        for name, section in failure_sections().items():
            self.assertEqual(re.findall(r"^\*\*(You see|It means|Do)\*\*", section, re.MULTILINE),
                             ["You see", "It means", "Do"], name)

    def test_each_line_that_is_seen_is_one_that_the_programs_say(self):
        said, looked_for = messages(), 0
        for name, section in failure_sections().items():
            seen = section.partition("**It means**")[0].partition("**You see**")[2]
            for line in re.findall(r"`([^`]+)`", " ".join(seen.split())):
                # One with a space in it; others are metrics, fields, settings and commands.
                if " " not in line or line in COMMANDS_AND_OTHERS_WORDS:
                    continue
                looked_for += 1
                # All that they say would be a long failure.
                self.assertTrue(line in said, f"{name}: no program says {line!r}")
        self.assertGreater(looked_for, 20)

    def test_each_metric_that_is_seen_is_shown(self):
        metrics = (shipped.TOP / "gateway/admin/METRICS.md").read_text(encoding="utf-8")
        for metric in re.findall(r"`((?:onhook|process)_\w+)`", TEXT):
            self.assertIn(f"| `{metric}` |", metrics)

    def test_each_exit_code_is_told(self):
        header = (shipped.TOP / "gateway/base/exit_code.h").read_text(encoding="utf-8")
        codes = re.findall(r"kExit\w+ = (\d),", header)
        self.assertEqual(codes, ["0", "1", "2", "3", "4"])
        chapter = TEXT.partition("\n## When something breaks\n")[2].partition("\n### ")[0]
        self.assertEqual(codes, re.findall(r"^\| (\d) \|", chapter, re.MULTILINE))


class DamagedStoreTest(unittest.TestCase):
    """The steps for a store that lacks something, typed one after the other as they stand."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        gateway = shipped.Gateway(shipped.run.build, self.folder, "subscriptions: [{name: crm}]")
        self.addCleanup(gateway.end)
        # Nobody is there to take it: it is stored, and not forwarded.
        self.assertEqual(gateway.send("--expect", "503").returncode, 0)
        self.assertEqual(gateway.onhook("backup", str(self.folder / "backup")).returncode, 0)
        gateway.program.process.kill()
        gateway.program.process.wait(timeout=shipped.PATIENCE_S)
        (self.folder / "data/onhook.db-wal").unlink()
        self.programs = self.folder / "programs"
        self.programs.mkdir()
        for name, text in (("sudo", SUDO), ("install", INSTALL), ("systemctl", "#!/bin/bash\n")):
            (self.programs / name).write_text(text, encoding="utf-8")
            (self.programs / name).chmod(0o755)
        # As of a machine, where the store's place stands in the settings.
        self.settings = self.folder / "settings.yaml"
        self.settings.write_text(f"store: {{directory: {self.folder}/data}}\n", encoding="utf-8")

    def steps(self, number):
        """The lines of a block of the section that are for a machine."""
        blocks = re.findall(r"^```sh\n(.*?)^```", failure_sections()["The store is damaged or incomplete"],
                            re.MULTILINE | re.DOTALL)
        return [line for line in blocks[number].splitlines() if not line.startswith("kubectl")]

    def type(self, line):
        for theirs, ours in (("/var/lib/onhook", f"{self.folder}/data"), ("/etc/onhook/onhook.yaml", str(self.settings)),
                             ("/var/backups/onhook/20270131.backup", f"{self.folder}/backup")):
            line = line.replace(theirs, ours)
        return subprocess.run(["bash", "-c", line], check=False, stdin=subprocess.DEVNULL, timeout=shipped.PATIENCE_S,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env={"PATH": f"{self.programs}:{shipped.run.build}:{os.environ['PATH']}"})

    def type_all(self, number):
        for line in self.steps(number):
            done = self.type(line)
            self.assertEqual(done.returncode, 0, f"{line}\n{done.stdout}")

    def started(self):
        gateway = shipped.Gateway(shipped.run.build, self.folder)
        self.addCleanup(gateway.end)
        return gateway

    def test_looking_finds_it_and_says_what_to_do(self):
        stop, verify = self.steps(0)
        self.assertEqual(self.type(stop).returncode, 0)
        done = self.type(verify)
        self.assertEqual(done.returncode, 3)
        self.assertIn("onhookd --accept-loss", done.stdout)

    def test_the_backup_is_restored_and_the_damaged_files_are_kept(self):
        self.type_all(1)
        self.assertTrue((self.folder / "data.damaged/onhook.db").exists())
        gateway = self.started()
        self.assertIn("crm", gateway.onhook("subscriptions", "list").stdout)
        self.assertIn("\nonhook_store_events 1\n", shipped.curl(f"http://{gateway.admin}/metrics"))

    def test_it_goes_on_without_what_is_missing(self):
        self.type_all(2)
        self.started()


class CommandsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.files = pathlib.Path(folder.name) / "files"
        cls.put_files()
        settings = SETTINGS.read_text(encoding="utf-8") + textwrap.indent(textwrap.dedent(BACKUP_IDENTITY), "  ")
        settings = settings.replace("/etc/onhook", str(cls.files))
        cls.gateway = shipped.Gateway(shipped.run.build, folder.name, settings)
        cls.addClassCleanup(cls.gateway.end)
        nats = nats_server.NatsServer(pathlib.Path(folder.name) / "nats")
        cls.addClassCleanup(nats.kill)
        nats.start()
        cls.places = {"127.0.0.1:8222": f"127.0.0.1:{nats.monitoring_port}", "127.0.0.1:50051": cls.gateway.grpc, "127.0.0.1:8081": cls.gateway.admin,
                      "https://callbacks.example": f"http://{cls.gateway.http}", "gateway.example": "onhook",
                      "/etc/onhook/onhook.yaml": str(cls.gateway.file), "/etc/onhook": str(cls.files)}
        cls.own_copies = {"ca.crt": cls.files / "tls/ca.crt", "operator.token": cls.files / "secrets/operator-token",
                          "path-token": cls.files / "secrets/path-token",
                          "backup.token": cls.files / "secrets/backup-token",
                          "onhook.backup": pathlib.Path(folder.name) / "onhook.backup",
                          # Of a gateway that does not run, as where these words are typed.
                          "/var/lib/onhook": cls.stopped_store(folder.name)}
        # As on the operator's machine, where the gateway goes on running while its settings are checked.
        for name, ours in (("0.0.0.0:8080", cls.gateway.http), ("0.0.0.0:50051", cls.gateway.grpc),
                           ("0.0.0.0:8081", cls.gateway.admin), ("/var/lib/onhook", f"{folder.name}/data")):
            settings = settings.replace(name, ours)
        cls.gateway.file.write_text(settings, encoding="utf-8")

    @classmethod
    def put_files(cls):
        """What the two Secrets hold."""
        for name in ("secrets", "tls"):
            (cls.files / name).mkdir(parents=True)
        for name in ("path", "billing", "operator", "backup"):
            (cls.files / "secrets" / f"{name}-token").write_text(os.urandom(16).hex(), encoding="utf-8")
        tls = cls.files / "tls"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-subj", "/CN=onhook", "-addext", "subjectAltName=DNS:onhook", "-days", "2",
                        "-keyout", tls / "tls.key", "-out", tls / "tls.crt"], check=True, stderr=subprocess.DEVNULL)
        (tls / "ca.crt").write_bytes((tls / "tls.crt").read_bytes())

    @classmethod
    def stopped_store(cls, folder):
        place = pathlib.Path(folder) / "stopped"
        place.mkdir()
        shipped.Gateway(shipped.run.build, place).end()
        return place / "data"

    def here(self, word):
        """A word of a command, with this gateway's addresses and files."""
        if word in self.own_copies:
            return str(self.own_copies[word])
        for theirs, ours in self.places.items():
            word = word.replace(theirs, ours)
        return word

    def environment(self):
        return {name: self.here(value) for name, value in exported().items()}

    def run_here(self, words):
        program, *rest = [self.here(word) for word in words]
        if rest == ["doctor"]:
            rest += ["--admin", self.gateway.admin]
        if rest[:1] == ["send"] and "--url" not in rest:
            rest += ["--url", f"http://{self.gateway.http}/release-events"]
        if program == "curl":
            shipped.curl(*rest)
            return 0, ""
        # The gateway reads these as settings of its own.
        given = self.environment() if program == "onhook" else {}
        done = subprocess.run([str(self.gateway.build / program), *rest], stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=shipped.PATIENCE_S,
                              env={"no_proxy": "127.0.0.1", **given})
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
        # A restore is tried by DamagedStoreTest, where the store has been moved away before.
        ours = [words for words in map(in_a_container, commands())
                if words[0] in OUR_PROGRAMS and "--restore" not in words]
        self.assertGreater(len(ours), 20)
        for words in ours:
            with self.subTest(" ".join(words)):
                code, said = self.run_here(words)
                self.assertNotIn("PERMISSION_DENIED", said)
                found = {0} if words[0] in {"onhookd", "curl"} or words[:2] == ["onhook", "send"] else {0, 1}
                self.assertIn(code, found, said)

    def test_what_it_takes_from_the_environment_is_needed(self):
        given = self.environment()
        self.assertEqual(len(given), 4)
        for left_out in given:
            rest = {name: value for name, value in given.items() if name != left_out}
            done = subprocess.run([str(self.gateway.build / "onhook"), "subscriptions", "list"], check=False, env=rest,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  timeout=shipped.PATIENCE_S)
            self.assertNotEqual(done.returncode, 0, left_out)

    def test_in_a_cluster_a_function_does_what_the_environment_does(self):
        standalone, sidecar = functions()
        pod = f"ONHOOK_SERVER={self.gateway.grpc}"
        self.assertEqual(self.by_function(standalone, pod), 0)
        # The gateway of a sidecar asks for nothing; what this one asks for is not the function's.
        everything = " ".join(f"{name}={value}" for name, value in self.environment().items())
        self.assertEqual(self.by_function(sidecar, everything), 0)
        self.assertNotEqual(self.by_function(sidecar, pod), 0)

    def by_function(self, function, pod):
        with tempfile.TemporaryDirectory() as folder:
            kubectl = pathlib.Path(folder) / "kubectl"
            kubectl.write_text(KUBECTL, encoding="utf-8")
            kubectl.chmod(0o755)
            path = f"{folder}:{self.gateway.build}:{os.environ['PATH']}"
            return subprocess.run(["bash", "-c", f"{function}\nonhook subscriptions show crm"], check=False,
                                  env={"PATH": path, "POD": pod, "FILES": str(self.files)}, timeout=shipped.PATIENCE_S,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode

    def test_what_harms_nobody_reaches_no_subscription(self):
        sent = [words for words in map(in_a_container, commands()) if words[:2] == ["onhook", "send"]]
        self.assertGreater(len(sent), 1)
        for words in sent:
            self.assertEqual(self.run_here(words)[0], 0)
        self.assertIn("\nonhook_store_events 0\n", shipped.curl(f"http://{self.gateway.admin}/metrics"))

    def test_a_declared_subscription_goes_by_the_steps_that_are_told_and_not_before(self):
        self.assertIn("onhook subscriptions delete NAME --yes", TEXT)
        delete = ("subscriptions", "delete", "billing", "--yes")
        with tempfile.TemporaryDirectory() as folder:
            declared = shipped.Gateway(shipped.run.build, folder, "subscriptions: [{name: billing}]")
            self.addCleanup(declared.end)
            self.assertIn("declared", declared.onhook("subscriptions", "list").stdout)
            self.assertIn("DECLARED_IN_SETTINGS", declared.onhook(*delete).stderr)
            declared.end()
            restarted = shipped.Gateway(shipped.run.build, folder)
            self.addCleanup(restarted.end)
            self.assertRegex(restarted.onhook("subscriptions", "list").stdout, r"billing .* active\n")
            self.assertEqual(restarted.onhook(*delete).returncode, 0)


if __name__ == "__main__":
    shipped.needs("curl", "openssl", str(nats_server.PROGRAMS / "newest/nats-server"))
    shipped.run()
