"""A backup, from a gateway under load to a store that was restored from it, by commands alone.

Every callback that was answered with success before `onhook backup` began is in the backup, and
whoever comes with a cursor of the store before is told where to resume. A kill of the gateway or of
the client in the middle leaves nothing that a start does not put right. Waits are for something that
should happen, and bounded.
"""
import argparse
import hashlib
import http.client
import json
import os
import pathlib
import re
import signal
import stat
import subprocess
import tempfile
import threading

from interop_test import ENVIRONMENT, PATIENCE_S, Program, check, listeners


class Gateway:
    """onhookd on a store and free ports."""

    def __init__(self, arguments, directory, *more):
        self.program = Program(arguments.onhookd, f"--store-directory={directory}",
                               "--acknowledge-when=stored", *more,
                               *(f"--{name}-listen=127.0.0.1:0" for name in ("http", "grpc", "admin")))
        self.addresses = listeners(self.program)

    def post(self, call):
        connection = http.client.HTTPConnection(self.addresses["http"], timeout=PATIENCE_S)
        connection.request("POST", "/release-events", json.dumps({"callSerialNo": call, "called": "88880067"}))
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer["retCode"] == "0"

    def stop(self):
        self.program.end(signal.SIGTERM)


class Load:
    """Callbacks one after the other, until it is stopped; knows which were answered with success."""

    def __init__(self, gateway):
        self.answered = []
        self.stopping = False
        self.thread = threading.Thread(target=self._run, args=(gateway,))
        self.thread.start()

    def _run(self, gateway):
        while not self.stopping:
            call = f"call-{len(self.answered)}"
            if not gateway.post(call):
                break
            self.answered.append(call)

    def wait_for(self, count):
        deadline = threading.Event()
        while len(self.answered) < count and self.thread.is_alive():
            deadline.wait(0.01)

    def stop(self):
        self.stopping = True
        self.thread.join(timeout=PATIENCE_S)


def onhook(arguments, gateway, *words, text=True):
    return subprocess.run([arguments.onhook, *words, "--server", gateway.addresses["grpc"]],
                          env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=text, timeout=PATIENCE_S, check=False)


def restore(arguments, backup, directory):
    return subprocess.run([arguments.onhookd, "--restore", backup, f"--store-directory={directory}"],
                          env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S, check=False)


def stored_calls(arguments, gateway):
    done = onhook(arguments, gateway, "tail", "--no-follow", "--json")
    check(done.returncode == 0, "tail prints everything")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return [event["event"]["callSerialNo"] for event in events], events


def backup_under_load(arguments, folder):
    gateway = Gateway(arguments, folder / "data")
    load = Load(gateway)
    load.wait_for(50)
    before = list(load.answered)
    check(len(before) >= 50, "callbacks are answered with success")
    backup = folder / "file.backup"
    done = onhook(arguments, gateway, "backup", str(backup))
    load.stop()
    check(done.returncode == 0, f"onhook backup ends with 0: {done.stderr}")
    check(stat.S_IMODE(backup.stat().st_mode) == 0o600, "the file is its owner's alone")
    check(not (folder / "file.backup.partial").exists(), "nothing is left beside it")
    told = re.search(r"(\d+) bytes, sha256 ([0-9a-f]{64})", done.stdout)
    content = backup.read_bytes()
    check(told and int(told[1]) == len(content), "its size is told")
    check(told and told[2] == hashlib.sha256(content).hexdigest(), "its checksum is told")
    check(not list((folder / "data").glob("*backup*")), "nothing is left in the store's directory")
    calls, events = stored_calls(arguments, gateway)
    check(calls == load.answered, "the gateway went on meanwhile")

    again = onhook(arguments, gateway, "backup", str(backup))
    check(again.returncode == 2 and "--force" in again.stderr, "a file that is there is not replaced")
    check(backup.read_bytes() == content, "and stays as it is")
    forced = onhook(arguments, gateway, "backup", "--force", str(backup))
    check(forced.returncode == 0 and backup.read_bytes() != content, "but with --force it is")
    backup.write_bytes(content)
    for kind, make in ("a pipe", os.mkfifo), ("a folder", os.mkdir), ("a link", lambda path: os.symlink(backup, path)):
        other = folder / "other.backup"
        make(other)
        kept = onhook(arguments, gateway, "backup", "--force", str(other))
        check(kept.returncode == 2 and "no regular file" in kept.stderr, f"{kind} is not replaced even with --force")
        check(not other.is_file() or other.is_symlink(), f"{kind} stays what it is")
        other.rmdir() if other.is_dir() else other.unlink()
    piped = onhook(arguments, gateway, "backup", "-", text=False)
    check(piped.returncode == 0 and hashlib.sha256(piped.stdout).hexdigest().encode() in piped.stderr,
          "it may go to standard output")
    gateway.stop()
    return backup, before, events


def restore_refusals(arguments, folder, backup):
    held = restore(arguments, backup, folder / "data")
    check(held.returncode == 2 and "is there already" in held.stderr,
          "no store is put where there is one")
    cut = folder / "cut.backup"
    cut.write_bytes(backup.read_bytes()[:-1000])
    refused = restore(arguments, cut, folder / "cut")
    check(refused.returncode == 3 and "cut off" in refused.stderr, "one that was cut off is refused")
    missing = restore(arguments, folder / "nothing", folder / "cut")
    check(missing.returncode == 2, "so is one that is not there")
    left = {path.name: path.stat().st_size for path in (folder / "cut").iterdir() if path.name != "lock"}
    check(left == {"onhook.db.restoring": 0}, "and leave nothing but the mark that there was to be a store")


def restored_store(arguments, folder, backup, before, events):
    done = restore(arguments, backup, folder / "restored")
    check(done.returncode == 0 and "new store_id" in done.stdout, f"it is restored: {done.stderr}")
    gateway = Gateway(arguments, folder / "restored")
    calls, now = stored_calls(arguments, gateway)
    check(calls[:len(before)] == before,
          "every callback answered with success before the backup began is in it")
    check(calls == [event["event"]["callSerialNo"] for event in events][:len(calls)],
          "and nothing is in it that was not stored in that order")
    created = onhook(arguments, gateway, "subscriptions", "create", "crm")
    check(created.returncode == 0, f"a subscription is created: {created.stderr}")
    for name, cursor, place in (("within the backup", events[9]["cursor"], 9),
                                ("beyond it", events[-1]["cursor"].rsplit("-", 1)[0] + "-99999", None)):
        refused = onhook(arguments, gateway, "subscriptions", "seek", "crm", "--yes", "--after",
                         cursor)
        told = re.search(r"--time (\S+)`", refused.stderr)
        check(refused.returncode == 1 and "FOREIGN_CURSOR" in refused.stderr and told,
              f"a cursor of the store before, {name}, is refused and told a time: {refused.stderr}")
        if place is not None:
            tail = onhook(arguments, gateway, "tail", "--no-follow", "--json", "--from", told[1])
            resumed = [json.loads(line)["event"]["callSerialNo"] for line in tail.stdout.splitlines()]
            check(resumed[-len(calls) + place + 1:] == calls[place + 1:] and
                  set(calls[place + 1:]) <= set(resumed), "from which nothing behind it is missed")
    check(gateway.post("new") and gateway.post(calls[0]), "it takes callbacks")
    check(len(stored_calls(arguments, gateway)[0]) == len(calls) + 1, "and knows those it had")
    gateway.stop()


def kills(arguments, folder):
    """Of the client and of the gateway, at instants spread over a backup's time."""
    directory = folder / "killed"
    answered = []
    for turn in range(arguments.kills):
        gateway = Gateway(arguments, directory)
        for _ in range(20):
            call = f"kill-{len(answered)}"
            gateway.post(call)
            answered.append(call)
        backup = subprocess.Popen([arguments.onhook, "backup", "--force", str(folder / "k.backup"),
                                   "--server", gateway.addresses["grpc"]], env=ENVIRONMENT,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        try:
            backup.wait(timeout=0.002 * turn)
        except subprocess.TimeoutExpired:
            pass
        victim = backup if turn % 2 else gateway.program.process
        victim.send_signal(signal.SIGKILL)
        victim.wait(timeout=PATIENCE_S)
        if victim is backup:
            gateway.stop()
        backup.wait(timeout=PATIENCE_S)
        if (folder / "k.backup").exists():
            target = folder / f"from-kill-{turn}"
            whole = restore(arguments, folder / "k.backup", target)
            if whole.returncode != 0:
                check(False, f"what stands at FILE is a whole backup: {whole.stderr}")
    gateway = Gateway(arguments, directory)
    check(stored_calls(arguments, gateway)[0] == answered, "no kill in a backup loses anything")
    names = sorted(path.name for path in directory.iterdir())
    check(names == ["lock", "onhook.db", "onhook.db-shm", "onhook.db-wal"],
          f"and a start removes what is left: {names}")
    gateway.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--onhookd", required=True)
    parser.add_argument("--onhook", required=True)
    parser.add_argument("--kills", type=int, default=12)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        os.chmod(folder, 0o700)
        backup, before, events = backup_under_load(arguments, folder)
        restore_refusals(arguments, folder, backup)
        restored_store(arguments, folder, backup, before, events)
        kills(arguments, folder)


if __name__ == "__main__":
    main()
