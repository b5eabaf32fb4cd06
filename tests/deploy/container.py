"""Containers of an image, run as the kubelet and its runtime would run them in a restricted Pod.

The runtime is runc, which most clusters have. Each container has the image's own user, environment
and program; a root that is read only; no capability and no way to one; the seccomp profile that
Kubernetes calls RuntimeDefault (the engines' common one); namespaces of its own but for the
network, which is the Pod's. The Pod's network is that of the test itself: see enter_a_network.
"""
import ctypes
import fcntl
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading

SECCOMP = pathlib.Path("/usr/share/containers/seccomp.json")
ARCHITECTURES = {"x86_64": ("amd64", "SCMP_ARCH_X86_64"), "aarch64": ("arm64", "SCMP_ARCH_AARCH64")}
# As containerd's default, which the container engines share.
MASKED = ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
          "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi"]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
SYSTEM_MOUNTS = [
    ("/proc", "proc", ["nosuid", "noexec", "nodev"]),
    ("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
    ("/dev/pts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
    ("/dev/shm", "tmpfs", ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
    ("/dev/mqueue", "mqueue", ["nosuid", "noexec", "nodev"]),
    ("/sys", "sysfs", ["nosuid", "noexec", "nodev", "ro"]),
]
CLONE_NEWNS, SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x00020000, 0x8913, 0x8914, 1


def enter_a_network(*words):
    """Starts this program anew as root in a network of its own, where the image's ports are free and
    nothing outside can be reached. In it the program goes on, with its loopback up."""
    if os.environ.get("ONHOOK_TEST_NETWORK") != "own":
        command = ["unshare", "--net", "env", "ONHOOK_TEST_NETWORK=own", sys.executable, "-B", *words]
        if os.geteuid() != 0:
            command = ["sudo", "--non-interactive", "--preserve-env=PATH", *command]
        os.execvp(command[0], command)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def runtime_default():
    """The engines' profile as the runtime takes it, for a process without any capability."""
    machine, own = ARCHITECTURES[os.uname().machine]
    profile = json.loads(SECCOMP.read_text(encoding="utf-8"))

    def holds(rule):
        includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
        return (not includes.get("caps") and machine in includes.get("arches", [machine])
                and machine not in excludes.get("arches", []))

    rules = []
    for rule in filter(holds, profile["syscalls"]):
        rules.append({"names": rule["names"], "action": rule["action"]})
        if rule.get("args"):
            rules[-1]["args"] = rule["args"]
        if rule.get("errnoRet") is not None:
            rules[-1]["errnoRet"] = rule["errnoRet"]
    return {"defaultAction": profile["defaultAction"], "defaultErrnoRet": profile["defaultErrnoRet"],
            "architectures": [own], "syscalls": rules}


def bind(inside, outside, mode):
    return {"destination": str(inside), "type": "bind", "source": str(outside), "options": ["rbind", "rprivate", mode]}


class NameServer:
    """The cluster's DNS, of one name: the Service's, which is this Pod's address."""

    NAME = "onhook.shop.svc.cluster.local"

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        wanted = b"".join(bytes([len(label)]) + label.encode() for label in self.NAME.split(".")) + b"\0"
        while True:
            query, caller = self.socket.recvfrom(512)
            end = query.index(b"\0", 12) + 1
            question, known = query[12:end + 4], query[12:end].lower() == wanted
            address = b"\xc0\x0c\0\x01\0\x01\0\0\0\x05\0\x04\x7f\0\0\x01" if known and question[-4:] == b"\0\x01\0\x01" else b""
            head = struct.pack("!HHHHHH", int.from_bytes(query[:2], "big"), 0x8580 if known else 0x8583, 1, bool(address), 0, 0)
            self.socket.sendto(head + question + address, caller)


class Pod:
    """What containers share: the files that a kubelet makes for a Pod, and the image, unpacked."""

    def __init__(self, archive, folder):
        self.folder = folder
        layout, self.bundle = folder / "layout", folder / "image"
        layout.mkdir()
        subprocess.run(["tar", "--extract", "--file", archive, "--directory", layout], check=True)
        name = json.loads((layout / "index.json").read_text())["manifests"][0]["annotations"]
        self.name = name["org.opencontainers.image.ref.name"]
        self.config = self._config(layout)
        subprocess.run(["umoci", "unpack", "--image", f"{layout}:{self.name}", self.bundle], check=True)
        self.root = self.bundle / "rootfs"
        self.made = 0
        (folder / "hosts").write_text("127.0.0.1 localhost\n")
        (folder / "hostname").write_text("onhook-0\n")
        (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")

    @staticmethod
    def _config(layout):
        """The image's own configuration."""
        def blob(descriptor):
            return json.loads((layout / "blobs" / descriptor["digest"].replace(":", "/")).read_text())
        return blob(blob(json.loads((layout / "index.json").read_text())["manifests"][0])["config"])

    def runc(self, *words):
        return ["runc", "--root", str(self.folder / "runc"), *map(str, words)]

    def command(self, *arguments, program=None, mounts=(), environment=()):
        """(name, words) that run a container in the foreground: the image's program with arguments, or
        another. Signals to it go to the program, its exit code is the program's."""
        self.made += 1
        name = f"onhook-test-{os.getpid()}-{self.made}"
        folder = self.folder / name
        folder.mkdir()
        termination = folder / "termination-log"
        termination.touch(mode=0o666)
        specification = json.loads((self.bundle / "config.json").read_text())
        process = specification["process"]
        words = [program] if program else process["args"]
        process.update(args=[*words, *arguments], env=[*process["env"], *environment], terminal=False,
                       noNewPrivileges=True, rlimits=[],
                       capabilities={kind: [] for kind in ("bounding", "effective", "inheritable", "permitted", "ambient")})
        files = [bind(f"/etc/{file}", self.folder / file, "ro") for file in ("hosts", "hostname", "resolv.conf")]
        specification.update(
            root={"path": str(self.root), "readonly": True}, hostname="onhook-0",
            mounts=[{"destination": place, "type": kind, "source": kind, "options": options}
                    for place, kind, options in SYSTEM_MOUNTS]
            + files + [bind("/dev/termination-log", termination, "rw"), *mounts],
            linux={"namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")],
                   "resources": {"devices": [{"allow": False, "access": "rwm"}]}, "maskedPaths": MASKED,
                   "readonlyPaths": READ_ONLY, "seccomp": runtime_default()})
        (folder / "config.json").write_text(json.dumps(specification))
        return name, self.runc("run", "--bundle", folder, name)

    def process_of(self, name):
        """The number, outside, of a container's first process."""
        state = subprocess.run(self.runc("state", name), check=True, stdout=subprocess.PIPE, text=True)
        return json.loads(state.stdout)["pid"]

    def close(self):
        """Ends what a failed test left running."""
        listed = subprocess.run(self.runc("list", "--quiet"), check=False, stdout=subprocess.PIPE, text=True)
        for name in listed.stdout.split():
            subprocess.run(self.runc("delete", "--force", name), check=False)
        shutil.rmtree(self.folder / "runc", ignore_errors=True)


def status_of(process):
    """The kernel's word on a process: {field: value}."""
    lines = pathlib.Path(f"/proc/{process}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def writable_in(process, user):
    """The paths that a user without capabilities may write to in the files that a process sees, but for
    /proc, whose entries are not files. Asked of the kernel, from within."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            library = ctypes.CDLL(None, use_errno=True)
            with open(f"/proc/{process}/ns/mnt", encoding="ascii") as namespace:
                if library.setns(namespace.fileno(), CLONE_NEWNS) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            os.write(writing, "\n".join(sorted(_writable("/"))).encode())
            code = 0
        finally:
            os._exit(code)  # pylint: disable=protected-access
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as answer:
        found = answer.read().split("\n")
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
        raise RuntimeError("the container's files could not be looked at")
    return [path for path in found if path]


def _writable(top):
    if os.access(top, os.W_OK):
        yield top
    for folder, folders, files in os.walk(top):
        if folder == "/":
            folders.remove("proc")
        for path in (os.path.join(folder, name) for name in folders + files):
            if not os.path.islink(path) and os.access(path, os.W_OK):
                yield path


def stop(program, patience_s):
    """SIGTERM, as a kubelet: the exit code."""
    program.process.send_signal(signal.SIGTERM)
    return program.process.wait(timeout=patience_s)
