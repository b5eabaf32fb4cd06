"""The package's life on a machine: installed, used, configured, upgraded, removed, purged.

The machine is a Debian of its own, booted by systemd-nspawn. What an operator would type is typed, and
what she would look at is looked at; the chapters build on each other.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import sys

from debian_machine import Machine, folder_in_memory
from debian_package import PATIENCE_S, TOP, base_system, check, field, need, pack, run

URL = "http://127.0.0.1:8080/release-events"
READY = ["curl", "--silent", "--fail", "http://127.0.0.1:8081/readyz"]
CALL = "1197765398201387012"
SUCCESS = '{"retCode":"0","retMsg":"success"}'
PAGE = TOP / "deploy/PACKAGE.md"
GOING_BACK = TOP / "deploy/UPGRADING.md"
SETTINGS = "/etc/onhook/onhook.yaml"
# What a new version's package brings instead.
NEW_SETTINGS = "store: {directory: /var/lib/onhook}\n"
SOCKET = "/run/onhook/grpc.socket"
PATH_TOKEN = "a-path-that-nobody-guesses"
# What the operator adds to the settings that came with the package.
ADDED = f"""
grpc: {{unix_socket: {SOCKET}}}
sources:
  - name: default
    path: /release-events
  - name: sales
    path: /release-events/sales
    path_token_file: /etc/onhook/secrets/sales-path
subscriptions:
  - name: crm
access:
  - name: backend
    unix_socket: true
    subscribe: [crm]
"""
ADDED_LATER = """
  - name: operator
    token_files: [/etc/onhook/secrets/operator]
    administer: ["*"]
    subscribe: ["*"]
    monitor: true
"""
BEARER = "a-token-that-only-root-can-read"
ADAPTED_UNIT = """[Service]
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
PrivateUsers=no
ReadWritePaths=/srv/events
LoadCredential=service.token:/etc/root-only-token
ExecReload=
ExecReload=/bin/sh -c "kill -HUP $MAINPID"
WatchdogSec=2s
"""
ADAPTED_SETTINGS = """
http: {listen: "127.0.0.1:80"}
store: {directory: /srv/events}
sources:
  - name: service
    path: /release-events
    authentication: {bearer: {token_files: [/run/credentials/onhookd.service/service.token]}}
"""


class Onhook:
    """What the chapters do with a machine that has the package."""

    def __init__(self, machine):
        self.machine = machine
        self.run = machine.run

    def install(self, package, *options):
        shutil.copy(package, self.machine.root / "srv")
        return self.run("apt-get", "install", "--yes", *options, f"/srv/{package.name}")

    def property(self, name):
        return self.machine.does("systemctl", "show", "--property", name, "--value", "onhookd")[1].strip()

    def state(self):
        return self.machine.does("systemctl", "is-active", "onhookd")[1].strip()

    def is_ready(self, why):
        check(self.state() == "active" and self.machine.does(*READY) == (True, "ok\n"), f"onhookd is ready: {why}")

    def post(self, sample, url=URL, *options):
        """The answer that curl gets in the vendor's place."""
        return self.run("curl", "--silent", "--show-error", *options, "--data-binary", f"@/srv/{sample}", url)

    def attached(self):
        """A subscriber of crm that waits for one event."""
        subscriber = self.machine.start("onhook", "subscribe", "crm", "--count", "1", "--json", user="nobody")
        said = next((line for line in subscriber.stderr if "subscription crm" in line), "")
        check(said, f"a subscriber is attached: {said.strip()}")
        return subscriber

    def takes(self, count, *words, user=None):
        """The events that a subscriber of crm takes."""
        printed = self.run("onhook", "subscribe", "crm", "--count", count, "--json", *words, user=user)
        return [json.loads(line)["event"] for line in printed.splitlines() if line.startswith("{")]

    def write(self, path, text, *options):
        (self.machine.root / "srv/new").write_text(text, encoding="utf-8")
        self.run("install", *options, "/srv/new", path)

    def journal(self):
        """What onhookd itself said, a line each."""
        pid = self.property("MainPID")
        return self.run("journalctl", "--output=cat", "--unit=onhookd", f"_PID={pid}").splitlines()


def received(subscriber):
    return json.loads(subscriber.communicate(timeout=PATIENCE_S)[0])["event"]


def with_new_settings(package, folder):
    """The package again, but with other settings than the one before it brought."""
    root = folder / "repacked"
    run("dpkg-deb", "--raw-extract", package, root)
    (root / SETTINGS.lstrip("/")).write_text(NEW_SETTINGS, encoding="utf-8")
    # They would not fit any more, and nobody here looks at them.
    (root / "DEBIAN/md5sums").unlink()
    run("dpkg-deb", "--root-owner-group", "--build", root, package)
    return package


def put_samples(machine):
    golden = TOP / "tests/golden"
    first = (golden / "vendor_sample_json/request.json").read_text("utf-8")
    (machine.root / "srv/first.json").write_text(first, encoding="utf-8")
    (machine.root / "srv/second.json").write_text(first.replace(CALL, "2"), encoding="utf-8")
    (machine.root / "srv/third.json").write_text(first.replace(CALL, "3"), encoding="utf-8")


def it_installs_and_serves(onhook, package):
    onhook.install(package)
    onhook.is_ready("installed by apt, and nothing else was done")
    check(onhook.run("systemctl", "is-enabled", "onhookd") == "enabled\n", "it comes again at the next boot")
    subscriber = onhook.attached()
    check(onhook.post("first.json") == SUCCESS, f"a callback is answered {SUCCESS}")
    event = received(subscriber)
    check(event["callSerialNo"] == CALL and event["source"] == "default", "its subscriber has received the event")


def it_says_what_it_does_in_json(onhook):
    lines = [json.loads(line) for line in onhook.journal()]
    check(sum(line["msg"] == "listening" for line in lines) == 3 and all(line["ts"] for line in lines),
          f"each of the {len(lines)} lines in the journal is JSON")


def it_can_do_no_more_than_it_needs(onhook):
    machine, pid = onhook.machine, onhook.property("MainPID")
    status = dict(line.split(":\t", 1) for line in onhook.run("cat", f"/proc/{pid}/status").splitlines())
    user = onhook.run("id", "--user", "onhook").strip()
    check(status["Uid"].split() == [user] * 4, "it is the user onhook")
    check({status[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {"0" * 16}, "without capabilities")
    check((status["NoNewPrivs"], status["Seccomp"]) == ("1", "2"), "its system calls are filtered, for good")
    # In its own view of the file system even root cannot write but in one place.
    within = ["nsenter", "--target", pid, "--mount"]
    for path in ("/usr/bin/x", "/etc/onhook/x", "/etc/onhook/secrets/x", "/srv/x", "/boot/x"):
        check("Read-only file system" in machine.refuses(*within, "touch", path), f"it cannot write {path}")
    onhook.run(*within, "touch", "/var/lib/onhook/x")
    onhook.run("rm", "/var/lib/onhook/x")
    onhook.run("touch", "/home/somebody", "/tmp/somebody")
    seen = onhook.run(*within, "ls", "-A", "/home", "/tmp")
    check("somebody" not in seen, "it sees neither anybody's home nor anybody's temporary files")
    check("null" in onhook.run(*within, "ls", "/dev") and not machine.does(*within, "ls", "/dev/kmsg")[0],
          "and no device but such as /dev/null")
    modes = onhook.run("find", "/var/lib/onhook", "-printf", "%m %u %p\n").splitlines()
    check(len(modes) >= 3 and all(line.split()[:2] in (["700", "onhook"], ["600", "onhook"]) for line in modes),
          "what it stores only it can read")
    core = re.search(r"^Max core file size +(\w+) +(\w+)", onhook.run("cat", f"/proc/{pid}/limits"), re.MULTILINE)
    check(core.groups() == ("0", "0"), "no core file of its memory is ever written")


def it_takes_settings(onhook, machine):
    onhook.run("useradd", "backend")
    onhook.run("usermod", "--append", "--groups", "onhook", "backend")
    secret = ["-o", "onhook", "-m", "0400"]
    onhook.write("/etc/onhook/secrets/sales-path", PATH_TOKEN + "\n", *secret)
    settings = onhook.run("cat", SETTINGS)
    onhook.write(SETTINGS, settings + ADDED, "-m", "0644")
    checked = onhook.run("onhookd", "--check", "--config", SETTINGS, user="onhook")
    check(checked != "", "the settings are right: " + checked.strip())
    before = onhook.property("MainPID")
    onhook.run("systemctl", "restart", "onhookd")
    onhook.is_ready("restarted with the operator's settings")
    check(onhook.property("MainPID") != before, "as another process")
    machine.refuses("cat", "/etc/onhook/secrets/sales-path", user="backend")
    machine.refuses("onhook", "subscribe", "crm", "--count", "1", "--server", f"unix:{SOCKET}", user="nobody")
    check('"retCode":"2"' in onhook.post("second.json"), "a callback with nobody there is stored, not forwarded")
    taken = onhook.takes(1, "--server", f"unix:{SOCKET}", user="backend")
    check([event["callSerialNo"] for event in taken] == ["2"], "a user of the group comes through the socket")
    check('"retCode":"2"' in onhook.post("third.json", f"{URL}/sales/{PATH_TOKEN}"), "the secret path is served")


def it_reloads(onhook, machine):
    settings, pid = onhook.run("cat", SETTINGS), onhook.property("MainPID")
    onhook.write("/etc/onhook/secrets/operator", "a-token-of-an-operator\n", "-o", "onhook", "-m", "0400")
    asks = ["onhook", "subscriptions", "list", "--token-file", "/etc/onhook/secrets/operator"]
    machine.refuses(*asks)
    onhook.write(SETTINGS, settings + "nonsense: true\n", "-m", "0644")
    machine.refuses("systemctl", "reload", "onhookd")
    said = onhook.run("journalctl", "--output=cat", "--unit=onhookd", "--lines=20")
    check(f"{SETTINGS}:{settings.count(chr(10)) + 1}:" in said, "the journal has the place of what is wrong")
    onhook.is_ready("a bad file changes nothing")
    onhook.write(SETTINGS, settings + ADDED_LATER, "-m", "0644")
    onhook.run("systemctl", "reload", "onhookd")
    listed = machine.becomes("a reload takes the new access list", *asks)
    check("crm" in listed and onhook.property("MainPID") == pid, "in the same process")


def it_comes_back(onhook, machine):
    pid = onhook.property("MainPID")
    onhook.run("sh", "-c", f"kill -KILL {pid}")
    machine.becomes("systemd starts it again after a kill -9", *READY)
    check(onhook.property("MainPID") not in (pid, "0"), "as another process")
    machine.reboot()
    machine.becomes("it is there again after a reboot", *READY)


def it_is_upgraded(onhook, newer):
    """To a package with settings of its own that are new, while nobody can answer dpkg's question."""
    settings, pid = onhook.run("cat", SETTINGS), onhook.property("MainPID")
    option, = re.findall(r"apt install (-o \S+) ./newer.deb", PAGE.read_text("utf-8"))
    onhook.install(newer, *option.split())
    onhook.is_ready("upgraded")
    check(onhook.run("dpkg-query", "--show", "onhook").split() == ["onhook", field(newer, "Version")], "it is newer")
    check(onhook.property("MainPID") != pid, "and runs")
    check(onhook.run("cat", SETTINGS) == settings, "the operator's settings are as they were")
    check(onhook.run("cat", f"{SETTINGS}.dpkg-dist") == NEW_SETTINGS, "those of the new package lie beside them")
    check(onhook.post("first.json") == SUCCESS, "what was stored is known: the vendor's repeat has success at once")
    taken = onhook.takes(1, "--server", f"unix:{SOCKET}", user="backend")
    check([(event["callSerialNo"], event["source"]) for event in taken] == [("3", "sales")],
          "and what was owed before killing, rebooting and upgrading is owed still")
    stands = json.loads(onhook.run("onhook", "subscriptions", "show", "crm", "--json",
                                   "--token-file", "/etc/onhook/secrets/operator"))
    check(stands["stats"]["backlogEvents"] == "0", "and nothing else")


def it_goes_back(onhook, package, newer):
    """As UPGRADING.md says: within a format by its first commands, and over one by those after."""
    within, over = re.findall(r"^\n((?:    .*\n)+)", GOING_BACK.read_text("utf-8"), re.MULTILINE)
    # No sudo is on this machine, nor anybody who could answer dpkg.
    here = (("./onhook_OLD_amd64.deb", f"/srv/{package.name}"), ("./onhook_NEW_amd64.deb", f"/srv/{newer.name}"),
            ("apt install", "apt-get install --yes -o Dpkg::Options::=--force-confold"),
            ("sudo -u onhook", "runuser -u onhook --"), ("sudo ", ""))
    settings = onhook.run("cat", SETTINGS)
    for steps in (within, over):
        for step in steps.splitlines():
            for theirs, ours in here:
                step = step.replace(theirs, ours)
            onhook.run("sh", "-c", step)
        onhook.is_ready("gone back")
        check(onhook.run("dpkg-query", "--show", "onhook").split()[1] == field(package, "Version"), "it is the old one")
        check(onhook.run("cat", SETTINGS) == settings, "the operator's settings are as they were")
        check(onhook.post("first.json") == SUCCESS, "what was stored is known")
    onhook.run("rm", "-r", "/var/lib/onhook.before", "/var/lib/onhook.after")
    onhook.install(newer, "-o", "Dpkg::Options::=--force-confold")


def it_is_left_off_where_it_was_put_off(onhook, newer):
    onhook.run("systemctl", "disable", "--now", "onhookd")
    onhook.run("dpkg", "--install", f"/srv/{newer.name}")
    check(onhook.state() == "inactive", "an upgrade does not start what the operator has disabled")
    onhook.run("systemctl", "enable", "--now", "onhookd")


def it_is_removed(onhook, machine):
    pid = onhook.property("MainPID")
    onhook.run("test", "-e", f"/proc/{pid}")
    onhook.run("apt-get", "remove", "--yes", "onhook")
    check(not machine.does("test", "-e", f"/proc/{pid}")[0], "removed, it has stopped")
    kept = onhook.run("find", SETTINGS, "/etc/onhook/secrets/operator", "/var/lib/onhook/onhook.db").split()
    check(len(kept) == 3, "settings, secrets and events stay")
    check(not machine.does("ls", "/usr/bin/onhookd", "/usr/share/onhook")[0], "the programs are gone")


def it_is_purged(onhook, machine):
    said = onhook.run("apt-get", "purge", "--yes", "onhook")
    check("the events in /var/lib/onhook are kept" in said, "purged, it says that it keeps the events")
    onhook.run("test", "-s", "/var/lib/onhook/onhook.db")
    check(not machine.does("test", "-e", "/etc/onhook")[0], "settings and secrets are gone")
    left = onhook.run("find", "/etc", "/lib/systemd", "/usr", "/var/lib/systemd", "-name", "*onhook*")
    check(left == "", f"nothing else is left: {left.split()}")
    check(onhook.run("id", "--user", "--name", "onhook") == "onhook\n", "but the user whose files the events are")


def it_takes_up_its_events(onhook, package):
    onhook.install(package)
    onhook.is_ready("installed once more")
    found = onhook.run("onhook", "get", CALL)
    check("event_id v1-" in found, "the events of before are there")
    onhook.run("onhook", "subscriptions", "seek", "crm", "--to", "latest", "--yes")
    subscriber = onhook.attached()
    check("retCode 0" in onhook.run("onhook", "send"), "onhook send plays the vendor")
    check(received(subscriber)["serviceNo"] == "1001", "and the subscriber has its event")


def it_is_adapted(onhook, machine):
    """What PACKAGE.md says of `systemctl edit`."""
    onhook.run("install", "-d", "-o", "onhook", "-m", "0700", "/srv/events", "/etc/systemd/system/onhookd.service.d")
    onhook.write("/etc/systemd/system/onhookd.service.d/override.conf", ADAPTED_UNIT, "-m", "0644")
    onhook.write("/etc/root-only-token", f"{BEARER}\n", "-m", "0400")
    onhook.write(SETTINGS, ADAPTED_SETTINGS, "-m", "0644")
    onhook.run("systemctl", "daemon-reload")
    onhook.run("systemctl", "restart", "onhookd")
    url = "http://127.0.0.1:80/release-events"
    check('"retCode":"0"' not in onhook.post("first.json", url), "a secret that only root can read is in force")
    check('"retCode":"2"' in onhook.post("first.json", url, "--header", f"Authorization: Bearer {BEARER}"),
          "whoever has it comes in, by a port below 1024")
    onhook.run("test", "-s", "/srv/events/onhook.db")
    onhook.run("systemctl", "reload", "onhookd")
    machine.becomes("it reloads with that secret as well", "sh", "-c",
                    "journalctl --output=cat --unit=onhookd | grep -q 'the settings were read again'")
    check(not machine.does("setpriv", "--reuid=nobody", "--clear-groups", "ls", "/srv/events")[0],
          "another directory has the events")


def it_is_restarted_when_it_hangs(onhook, machine):
    pid = onhook.property("MainPID")
    onhook.run("sh", "-c", f"kill -STOP {pid}")
    machine.becomes("one that gives no sign of life is ended", "sh", "-c", f"! test -e /proc/{pid}")
    machine.becomes("and started again", *READY)
    check("Watchdog timeout" in onhook.run("journalctl", "--output=cat", "--unit=onhookd", "--lines=20"),
          "since the service manager missed it")


def it_waits_for_what_is_wrong(onhook, machine):
    onhook.write("/srv/right", machine.run("cat", SETTINGS), "-m", "0644")
    onhook.write(SETTINGS, "nonsense: true\n", "-m", "0644")
    machine.refuses("systemctl", "restart", "onhookd")
    said = onhook.run("journalctl", "--output=cat", "--unit=onhookd", "--lines=20")
    check("status=2/INVALIDARGUMENT" in said and onhook.state() == "activating",
          "settings that are wrong end it with exit code 2, and it will be tried again")
    onhook.run("cp", "/srv/right", SETTINGS)
    machine.becomes("once they are right it starts by itself", *READY)


def live(machine, package, newer):
    onhook = Onhook(machine)
    put_samples(machine)
    it_installs_and_serves(onhook, package)
    it_says_what_it_does_in_json(onhook)
    it_can_do_no_more_than_it_needs(onhook)
    it_takes_settings(onhook, machine)
    it_reloads(onhook, machine)
    it_comes_back(onhook, machine)
    it_is_upgraded(onhook, newer)
    it_goes_back(onhook, package, newer)
    it_is_left_off_where_it_was_put_off(onhook, newer)
    it_is_removed(onhook, machine)
    it_is_purged(onhook, machine)
    it_takes_up_its_events(onhook, package)
    it_is_adapted(onhook, machine)
    it_is_restarted_when_it_hangs(onhook, machine)
    it_waits_for_what_is_wrong(onhook, machine)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="folder of the built programs")
    build = parser.parse_args().build
    need("mmdebstrap", "systemd-nspawn", "setpriv", "nsenter", "unshare", "cpack", "dpkg-deb", "apt-get")
    if os.geteuid() != 0:
        print("skipped: a machine is booted by root only")
        sys.exit(77)
    folder = folder_in_memory()
    package = pack(build, folder / "now")
    newer = with_new_settings(pack(build, folder / "newer", field(package, "Version") + "+newer"), folder)
    with Machine(base_system(package), folder) as machine:
        live(machine, package, newer)
    print("it lives as it should")


if __name__ == "__main__":
    main()
