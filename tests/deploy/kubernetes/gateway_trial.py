"""The gateway with the settings of manifests: its paths under a folder of ours, its secrets made up."""
import contextlib
import json
import pathlib
import queue
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
# pylint: disable=wrong-import-position
import shipped_nats  # noqa: E402

PATIENCE_S = 60
SAMPLE = "tests/golden/vendor_sample_json/request.json"


@contextlib.contextmanager
def nats(folder, version="newest"):
    """Three servers of deploy/nats, in a folder."""
    shipped_nats.put_files(folder)
    servers = shipped_nats.launch(folder, version)
    try:
        yield servers
    finally:
        for server in servers:
            server.kill()


class Trial:
    def __init__(self, manifests, top):
        self.top = top
        self.pod = manifests.gateways()[0]
        self.settings = manifests.settings(self.pod)
        self.text = manifests.settings_text(self.pod)
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.processes = []
        self.servers = []
        self.addresses = {}

    def __enter__(self):
        for mount in self.pod.gateway["volumeMounts"]:
            self._fill(mount)
        self.file = self.folder / "onhook.yaml"
        self.file.write_text(self._moved(self.text), encoding="utf-8")
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.communicate(timeout=PATIENCE_S)
        for server in self.servers:
            server.kill()
        shutil.rmtree(self.folder)

    def _moved(self, text):
        """A pod's paths as paths of the folder."""
        for mount in self.pod.gateway["volumeMounts"]:
            text = text.replace(mount["mountPath"], f"{self.folder}{mount['mountPath']}")
        return text

    def _fill(self, mount):
        """What a mount would show: certificates as cert-manager names them, a secret for each other file."""
        place = pathlib.Path(f"{self.folder}{mount['mountPath']}")
        place.mkdir(parents=True)
        names = set(re.findall(rf"(?<![\w/]){re.escape(mount['mountPath'])}/([\w.-]+)", self.text))
        if "tls.crt" in names:
            subprocess.run([self.top / "deploy/dev-certificates.sh", "--host", "onhook", place], check=True, timeout=PATIENCE_S,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            (place / "server.crt").rename(place / "tls.crt")
            (place / "server.key").rename(place / "tls.key")
            (place / "ca.key").unlink()
            return
        for name in names:
            (place / name).write_text(secrets.token_hex(16), encoding="utf-8")
        if "ca.crt" in names:
            shipped_nats.put_files(self.folder)
            shutil.copy(self.folder / "tls/ca.crt", place / "ca.crt")
            (place / "password").write_text(shipped_nats.GATEWAY_PASSWORD, encoding="utf-8")

    def start_servers(self):
        """Those that the settings name, if they name any."""
        if "jetstream" in self.settings["store"]:
            self.servers = shipped_nats.launch(self.folder, "newest")
            self._name_servers(self.servers)

    def use_servers_of(self, other):
        shutil.copy(next(other.folder.glob("etc/**/ca.crt")), next(self.folder.glob("etc/**/ca.crt")))
        self._name_servers(other.servers)

    def _name_servers(self, servers):
        text = self.file.read_text(encoding="utf-8")
        for theirs, ours in zip(self.settings["store"]["jetstream"]["servers"], servers):
            text = text.replace(theirs, f"tls://127.0.0.1:{ours.port}")
        self.file.write_text(text, encoding="utf-8")

    def secret(self, name):
        return next(self.folder.glob(f"**/{name}")).read_text(encoding="utf-8")

    def check(self, onhookd):
        return subprocess.run([onhookd, "--config", self.file, "--check"], env={}, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S, check=False)

    @staticmethod
    def check_of(onhookd, words, text):
        """What a command of the page says when it is given this text."""
        return subprocess.run([onhookd, *words], env={}, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=PATIENCE_S, check=False)

    def start(self, onhookd):
        """On this machine only, and on free ports; returns once all three are open."""
        listen = [f"--{name}-listen=127.0.0.1:0" for name in ("http", "grpc", "admin")]
        gateway = self._run(onhookd, "--config", self.file, "--shutdown-delay=0s", *listen)
        lines = queue.Queue()
        threading.Thread(target=self._read, args=(gateway.stderr, lines), daemon=True).start()
        while not {"http", "grpc", "admin"} <= self.addresses.keys():
            line = lines.get(timeout=PATIENCE_S)
            if line is None:
                raise AssertionError(f"the gateway ended with exit code {gateway.wait(timeout=PATIENCE_S)}")
            entry = json.loads(line)
            if entry.get("msg") == "listening":
                self.addresses[entry["listener"]] = entry["address"]

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.put(line)
        lines.put(None)

    def _run(self, *words):
        # pylint: disable-next=consider-using-with
        process = subprocess.Popen(words, env={}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        self.processes.append(process)
        return process

    def subscribe(self, onhook, subscription):
        """A workload that takes events and acknowledges them."""
        self._run(onhook, "subscribe", subscription, "--server", self.addresses["grpc"])

    def ask(self, onhook, command):
        """What a command of the page says when it is given in the pod."""
        words = [self._moved(word) for word in command.split()]
        return subprocess.run([onhook, *words, "--server", self.addresses["grpc"]], env={}, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=PATIENCE_S, check=False)

    def get(self, listener, path):
        return self._ask(f"http://{self.addresses[listener]}{path}")[0]

    def post(self, token):
        """(HTTP status, retCode) for the vendor's sample, at the path with this token."""
        path = self.settings["sources"][0]["path"]
        status, body = self._ask(f"http://{self.addresses['http']}{path}/{token}", (self.top / SAMPLE).read_bytes())
        return status, json.loads(body).get("retCode") if body else None

    @staticmethod
    def _ask(url, data=None):
        try:
            with urllib.request.urlopen(url, data, timeout=PATIENCE_S) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def stop(self):
        self.processes[0].send_signal(signal.SIGTERM)
        return self.processes[0].wait(timeout=PATIENCE_S)
