"""The NATS servers of deploy/nats on this machine: the configuration that is shipped, but for places and addresses.

For the tests beside it.
"""
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests/support"))
# pylint: disable=wrong-import-position
import nats_server  # noqa: E402

README = (TOP / "deploy/nats/README.md").read_text("utf-8")
CONFIGURATION = TOP / "deploy/nats/nats-server.conf"
SINGLE = TOP / "deploy/nats/nats-server-single.conf"
NAMES = ("nats-1", "nats-2", "nats-3")
GATEWAY_PASSWORD = "of-the-gateway"


class Shipped(nats_server.NatsServer):
    """A server with the configuration that is shipped, but for places and addresses."""

    def __init__(self, folder, version, name, routes=None):
        """Without routes: the only one there is."""
        super().__init__(folder / name, version, name=name)
        self.shared, self.routes, self.instead = folder, routes, {}

    def configuration(self):
        text = (CONFIGURATION if self.routes else SINGLE).read_text("utf-8")
        places = [("/etc/nats", str(self.shared)), ("/var/lib/nats", f"{self.folder}/store"),
                  ("include secrets/", "include ../secrets/"), ("0.0.0.0:4222", f"127.0.0.1:{self.port}"),
                  ("127.0.0.1:8222", f"127.0.0.1:{self.monitoring_port}"), *self.instead.items()]
        if self.routes:
            places.append(("0.0.0.0:6222", f"127.0.0.1:{self.routes[self.name]}"))
        for theirs, ours in places:
            assert theirs in text, theirs
            text = text.replace(theirs, ours)
        return re.sub(r"(nats-\d)\.example\.org:6222", lambda found: f"127.0.0.1:{self.routes[found[1]]}", text)


def put_files(folder):
    """Certificates and passwords, as deploy/nats/README.md tells to make them."""
    for name in ("tls", "secrets"):
        (folder / name).mkdir()
    commands = re.search(r"```sh\n( *openssl req.*?)```", README, re.DOTALL)[1]
    for theirs, ours in (("DNS:nats-1.example.org", "IP:127.0.0.1"), ("/etc/nats", str(folder))):
        assert theirs in commands, theirs
        commands = commands.replace(theirs, ours)
    subprocess.run(["bash", "-e", "-c", commands], check=True, stderr=subprocess.DEVNULL)
    (folder / "secrets/passwords.conf").write_text(
        f'GATEWAY_PASSWORD: "{GATEWAY_PASSWORD}"\nOPERATOR_PASSWORD: "of-the-operator"\n', "utf-8")


def launch(folder, version, instead=None):
    """Three of them, once they have a leader. What they share lies in `folder`, put there by put_files. `instead` has
    texts that the configuration is to have in the place of its own."""
    routes = dict(zip(NAMES, nats_server.free_ports(3)))
    servers = [Shipped(folder, version, name, routes) for name in NAMES]
    for server in servers:
        server.instead = instead or {}
        server.launch()
    for server in servers:
        server.wait_until_ready()
    nats_server.wait_for("a leader", lambda: all(
        server.ask("/healthz?js-meta-only=true").get("status") == "ok" for server in servers))
    return servers
