"""A machine of its own, booted by systemd-nspawn: its own processes, files, network (loopback only)."""
import atexit
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

from debian_package import CACHE, PATIENCE_S, check, run

POLL_S = 0.1


def folder_in_memory():
    """A folder that is gone with this process, whatever ends it: packages synchronise their files so often
    that a disk makes minutes of seconds. Starts the program again, in a view of the file system of its own."""
    if os.environ.get("ONHOOK_OWN_MOUNTS") != "1":
        os.environ["ONHOOK_OWN_MOUNTS"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation=private", sys.executable, "-B", *sys.argv])
    folder = pathlib.Path(tempfile.gettempdir(), f"onhook-package-{os.getpid()}")
    folder.mkdir()
    atexit.register(folder.rmdir)
    run("mount", "-t", "tmpfs", "-o", "size=4g,mode=0755", "onhook-package", folder)
    atexit.register(run, "umount", folder)
    return folder


class Machine:
    """A copy of a base system, in `folder`; as a context it is booted, and switched off in the end."""

    def __init__(self, base, folder):
        self._name = f"onhook-{os.getpid()}"
        self.root = folder / "machine"
        run("cp", "--archive", base, self.root)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{self._name}")
        self._socket.settimeout(PATIENCE_S)
        self._nspawn = None
        self._leader = None

    def __enter__(self):
        self._boot()
        return self

    def _boot(self):
        # Should this test be killed, its machine is switched off by the kernel's word.
        command = ["setpriv", "--pdeathsig", "TERM", "systemd-nspawn", "--quiet", "--boot", "--notify-ready=yes",
                   "--register=no", "--private-network", "--link-journal=no", "--resolv-conf=off",
                   "--console=pipe", f"--machine={self._name}", f"--directory={self.root}"]
        if not os.path.isdir("/run/systemd/system"):
            command.append("--keep-unit")  # Nobody is there who could give it a unit.
        environment = {**os.environ, "NOTIFY_SOCKET": f"@{self._name}", "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
        self._nspawn = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment,
                                        stdout=(CACHE / "machine.log").open("w"), stderr=subprocess.STDOUT)
        try:
            self._await_boot()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        self._nspawn.terminate()
        try:
            self._nspawn.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
            self._nspawn.wait()
        self._socket.close()
        for left in pathlib.Path("/run/systemd/nspawn/propagate").glob(self._name):
            left.rmdir()

    def _await_boot(self):
        ready = False
        while not ready:
            try:
                news = self._socket.recv(4096).decode()
            except socket.timeout:
                check(False, f"the machine boots: see {CACHE / 'machine.log'}")
            leader = re.search(r"^X_NSPAWN_LEADER_PID=(\d+)$", news, re.MULTILINE)
            self._leader = leader.group(1) if leader else self._leader
            ready = "READY=1" in news.splitlines()
        check(self._leader is not None, "the machine boots")

    def reboot(self):
        self.does("systemctl", "poweroff")
        self._nspawn.wait(timeout=PATIENCE_S)
        self._boot()

    def _command(self, words, user):
        as_user = ["runuser", f"--user={user}", "--"] if user else []
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return ["nsenter", "--target", self._leader, "--all", "env", "--ignore-environment", path,
                "DEBIAN_FRONTEND=noninteractive", *as_user, *map(str, words)]

    def start(self, *words, user=None):
        """A process that goes on, and whose standard output can be read."""
        return subprocess.Popen(self._command(words, user), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def does(self, *words, user=None):
        """Whether it succeeds, and what it printed on both outputs."""
        done = subprocess.run(self._command(words, user), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=PATIENCE_S, check=False)
        return done.returncode == 0, done.stdout

    def run(self, *words, user=None):
        """What it prints; it has to succeed."""
        print("  $", *words, flush=True)
        succeeded, printed = self.does(*words, user=user)
        if not succeeded:
            print(printed)
            check(False, f"{' '.join(map(str, words))} succeeds")
        return printed

    def refuses(self, *words, user=None):
        """What it prints, and must print in vain."""
        print("  $", *words, " # must fail", flush=True)
        succeeded, printed = self.does(*words, user=user)
        check(not succeeded, f"{words[0]} is refused: {printed.strip().splitlines()[-1:]}")
        return printed

    def becomes(self, what, *words, user=None):
        """Waits until a command succeeds."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            succeeded, printed = self.does(*words, user=user)
            if succeeded:
                check(True, what)
                return printed
            time.sleep(POLL_S)
        print(printed)
        return check(False, what)
