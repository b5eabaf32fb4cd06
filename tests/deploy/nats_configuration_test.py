"""deploy/nats: servers of each version take the configuration, keep what they acknowledge on disk, and let a gateway do
what it needs and no more.

usage: nats_configuration_test.py --build FOLDER; exit code 77 without the tools of deploy/setup.sh --tests
"""
import argparse
import json
import pathlib
import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests/support"))
# pylint: disable=wrong-import-position
import nats_server  # noqa: E402
from shipped_nats import README, Shipped, launch, put_files  # noqa: E402

VERSIONS = ("newest", "oldest")
STREAMS = {"ONHOOK": ["onhook.event.>"], "ONHOOK_STATE": ["onhook.state.>"],
           "ONHOOK_DEAD": ["onhook.dead.>", "onhook.redriven.>"], "ONHOOK_REJECTED": ["onhook.rejected.>"],
           "ONHOOK_NONCES": ["onhook.nonce.>", "onhook.horizon.>"]}
# What a gateway never asks for, though it is of its own account.
FORBIDDEN = ["$JS.API.STREAM.DELETE.ONHOOK", "$JS.API.STREAM.RESTORE.ONHOOK", "$JS.API.STREAM.SNAPSHOT.ONHOOK",
             "$JS.API.STREAM.LEADER.STEPDOWN.ONHOOK", "$JS.API.STREAM.PEER.REMOVE.ONHOOK", "$JS.API.ACCOUNT.PURGE.ONHOOK",
             "$JS.API.META.LEADER.STEPDOWN", "$JS.API.CONSUMER.PAUSE.ONHOOK.c", "$SYS.REQ.SERVER.PING", "crm.anything"]
PATIENCE_S = 20


class Refused(Exception):
    """The server said no, in these words."""


class Client:
    """One connection, over TLS, by the server's own protocol."""

    def __init__(self, port, folder, user="gateway", password="of-the-gateway", encrypted=True):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        try:
            # What it says of itself, before anything is encrypted.
            while self.socket.recv(1) != b"\n":
                pass
            if encrypted:
                trust = ssl.create_default_context(cafile=folder / "tls/ca.crt")
                self.socket = trust.wrap_socket(self.socket, server_hostname="127.0.0.1")
            self.lines = self.socket.makefile("rb")
            words = {"verbose": False, "headers": True, "no_responders": True, "user": user, "pass": password}
            self.write(f"CONNECT {json.dumps(words)}\r\nSUB _INBOX.a 1\r\nPING\r\n".encode())
            self.until("PONG")
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def write(self, text):
        self.socket.sendall(text)

    def until(self, wanted):
        """The body of the message that comes, or nothing for a PONG."""
        while line := self.lines.readline().decode():
            if line.startswith("-ERR"):
                raise Refused(line.strip())
            if line.startswith("PING"):
                self.write(b"PONG\r\n")
            if line.startswith(("MSG", "HMSG")):
                body = self.lines.read(int(line.split()[-1]) + 2)[:-2]
                if wanted == "MSG":
                    return json.loads(body) if line.startswith("MSG") else {"error": body.decode()}
            elif line.startswith(wanted):
                return None
        raise Refused("the connection has ended")

    def ask(self, subject, question=b""):
        self.write(f"PUB {subject} _INBOX.a {len(question)}\r\n".encode() + question + b"\r\n")
        return self.until("MSG")

    def subscribe(self, subject):
        self.write(f"SUB {subject} 2\r\nPING\r\n".encode())
        self.until("PONG")

    def stream(self, name, call="CREATE", **more):
        """A new leader may leave the first question unanswered, or say that it is not yet one."""
        text = json.dumps({"name": name, "subjects": STREAMS[name], "storage": "file", "discard": "new",
                           "num_replicas": 3, **more}).encode()
        return nats_server.wait_for(f"stream {name}", lambda: (answer := self.ask(f"$JS.API.STREAM.{call}.{name}", text))
                                    and "error" not in answer and answer)


class NatsConfigurationTest(unittest.TestCase):
    def cluster(self, version, instead=None):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        place = pathlib.Path(folder.name)
        put_files(place)
        servers = launch(place, version, instead)
        for server in servers:
            self.addCleanup(server.kill)
        return place, servers

    def refuses(self, place, server, ask):
        with Client(server.port, place) as gateway, self.assertRaisesRegex(Refused, "Permissions Violation"):
            ask(gateway)
        # What a test with a whole gateway looks for.
        self.assertIn("Violation", server.log_file.read_text("utf-8"))

    def test_a_gateway_may_do_what_the_engine_does_and_no_more(self):
        for version in VERSIONS:
            with self.subTest(version):
                place, servers = self.cluster(version)
                with Client(servers[0].port, place) as gateway:
                    for name in STREAMS:
                        self.assertEqual(gateway.stream(name)["config"]["num_replicas"], 3)
                    gateway.stream("ONHOOK", "UPDATE", duplicate_window=10**11)
                    self.its_own_work(gateway)
                for subject in FORBIDDEN:
                    self.refuses(place, servers[1], lambda gateway, subject=subject: gateway.ask(subject))
                for subject in (">", "crm.>", "$JS.API.>", "$SYS.>"):
                    self.refuses(place, servers[1], lambda gateway, subject=subject: gateway.subscribe(subject))
                with Client(servers[2].port, place, "operator", "of-the-operator") as operator:
                    self.assertEqual(operator.ask("$JS.API.STREAM.DELETE.ONHOOK_REJECTED"), {
                        "type": "io.nats.jetstream.api.v1.stream_delete_response", "success": True})

    def its_own_work(self, gateway):
        gateway.subscribe("onhook.forwarded")
        self.assertEqual(nats_server.wait_for("a place", lambda: gateway.ask("onhook.event.default.1", b"{}").get("seq")), 1)
        consumer = {"stream_name": "ONHOOK", "config": {"name": "c", "durable_name": "c", "ack_policy": "explicit",
                                                        "max_ack_pending": 1}}
        made = nats_server.wait_for("a consumer", lambda: (answer := gateway.ask(
            "$JS.API.CONSUMER.CREATE.ONHOOK.c", json.dumps(consumer).encode())).get("name") and answer)
        self.assertEqual(made["name"], "c")
        self.assertEqual(gateway.ask("$JS.API.CONSUMER.NAMES.ONHOOK")["consumers"], ["c"])
        gateway.write(b"PUB $JS.API.CONSUMER.MSG.NEXT.ONHOOK.c _INBOX.a 0\r\n\r\n")
        line = gateway.lines.readline().decode().split()
        self.assertEqual((line[0], line[1]), ("MSG", "onhook.event.default.1"))
        gateway.lines.read(int(line[-1]) + 2)
        self.assertEqual(gateway.ask("$JS.API.STREAM.MSG.GET.ONHOOK", b'{"seq":1}')["message"]["seq"], 1)
        gateway.write(f"PUB {line[3]} 4\r\n+ACK\r\n".encode())
        nats_server.wait_for("it is settled", lambda: gateway.ask("$JS.API.CONSUMER.INFO.ONHOOK.c")["num_ack_pending"] == 0)
        for subject, question in (("CONSUMER.DELETE.ONHOOK.c", b""), ("STREAM.MSG.DELETE.ONHOOK", b'{"seq":1}'),
                                  ("STREAM.PURGE.ONHOOK", b"")):
            self.assertTrue(gateway.ask(f"$JS.API.{subject}", question)["success"], subject)

    def test_a_single_server_has_a_configuration_that_starts(self):
        for version in VERSIONS:
            with self.subTest(version), tempfile.TemporaryDirectory() as folder:
                place = pathlib.Path(folder)
                put_files(place)
                server = Shipped(place, version, "nats-1")
                self.addCleanup(server.kill)
                server.start()
                self.assertTrue(server.ask("/jsz")["config"]["sync_always"])
                with Client(server.port, place) as gateway:
                    for name in STREAMS:
                        self.assertEqual(gateway.stream(name, num_replicas=1)["config"]["num_replicas"], 1)
                    self.its_own_work(gateway)

    def test_the_two_lines_to_try_it_with_are_enough(self):
        server_line, gateway_line = re.search(r"## To try it\n.*?```sh\n(.*?)\n(.*?)\n```", README, re.DOTALL).groups()
        with tempfile.TemporaryDirectory() as folder:
            server = nats_server.NatsServer(pathlib.Path(folder))
            program, *words = shlex.split(server_line.removesuffix("&"))
            self.assertEqual(program, "nats-server")
            words = [folder if word.startswith("/tmp/") else word for word in words]
            with subprocess.Popen([server.program, *words, "--port", str(server.port)], stderr=subprocess.DEVNULL) as nats:
                self.addCleanup(nats.kill)
                program, *words = shlex.split(gateway_line)
                ports = [f"--{listener}-listen=127.0.0.1:0" for listener in ("http", "grpc", "admin")]
                with subprocess.Popen([arguments.build.resolve() / program, *words, f"--store-jetstream-servers={server.url}",
                                       *ports], stderr=subprocess.PIPE, text=True) as gateway:
                    self.addCleanup(gateway.kill)
                    said = ""
                    while "opened the store in JetStream" not in said:
                        said = gateway.stderr.readline()
                        self.assertNotEqual(said, "", "it has ended")
                    gateway.terminate()
                nats.terminate()

    def test_what_is_acknowledged_is_synced_to_the_disk(self):
        for version in VERSIONS:
            with self.subTest(version):
                _, servers = self.cluster(version)
                for server in servers:
                    settings = server.ask("/jsz")["config"]
                    self.assertTrue(settings["sync_always"])
                    self.assertGreater(settings["max_storage"], 2**30)

    def test_a_full_account_takes_nothing_new_and_goes_on_until_it_is_given_more(self):
        for version in VERSIONS:
            with self.subTest(version):
                place, servers = self.cluster(version, {"max_file: 105GB": "max_file: 6MB"})
                with Client(servers[0].port, place) as gateway:
                    gateway.stream("ONHOOK")
                    body = b"x" * 10000
                    said = nats_server.wait_for("it is full", lambda: "error" in (
                        answer := gateway.ask("onhook.event.default.1", body)) and answer["error"] != "" and answer)
                    self.assertEqual(said["error"]["err_code"], 10002)
                    self.assertEqual(gateway.ask("$JS.API.STREAM.MSG.GET.ONHOOK", b'{"seq":1}')["message"]["seq"], 1)
                    for server in servers:
                        server.instead = {}
                        (server.folder / "nats.conf").write_text(server.configuration(), "utf-8")
                        server.process.send_signal(signal.SIGHUP)
                    nats_server.wait_for("it takes again", lambda: gateway.ask("onhook.event.default.2", body).get("seq"))

    def test_nobody_comes_in_without_a_password_or_in_the_clear(self):
        for version in VERSIONS:
            with self.subTest(version):
                place, servers = self.cluster(version)
                for user, password in (("gateway", "of-somebody"), ("operator", "of-the-gateway"), ("", "")):
                    with self.assertRaisesRegex(Refused, "Authorization Violation"):
                        Client(servers[0].port, place, user, password)
                with self.assertRaises((Refused, OSError, ssl.SSLError)):
                    Client(servers[0].port, place, encrypted=False)

    def test_the_check_that_the_file_tells_of_works_and_finds_a_fault(self):
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder)
            put_files(place)
            for version in VERSIONS:
                server = Shipped(place, version, "nats-1", {"nats-1": 6222, "nats-2": 6223, "nats-3": 6224})
                texts = [server.configuration(), Shipped(place, version, "nats-1").configuration()]
                for text, code in [(text, 0) for text in texts] + [
                        (text.replace("sync_interval: always", "sync_interval: sometimes"), 1) for text in texts]:
                    server.folder.mkdir(exist_ok=True)
                    (server.folder / "nats.conf").write_text(text, "utf-8")
                    done = subprocess.run([server.program, "-t", "-c", server.folder / "nats.conf"], check=False, text=True,
                                          env={"SERVER_NAME": "nats-1"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                    self.assertEqual(done.returncode, code, done.stdout)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    try:
        nats_server.NatsServer("unused")
        nats_server.NatsServer("unused", "oldest")
    except nats_server.MissingServer as error:
        print(error)
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
