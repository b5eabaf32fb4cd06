"""What a scenario works with: gateways, programs of the language under test, proxies, all ended with it."""

import pathlib
import subprocess
import sys
import tempfile

from client_program import ClientProgram
from gateway import Gateway
from relay import Relay
from run import interop_command
from tcp_proxy import TcpProxy
from waiting import check_equal

HERE = pathlib.Path(__file__).resolve().parent
TOP = pathlib.Path(__file__).resolve().parents[3]


class Tools:
    """The programs, and what is the same for all cases."""

    def __init__(self, onhookd, onhook, engine, event_count, crowd, outside, stubs):
        self.onhookd = onhookd
        self.onhook = onhook
        self.engine = engine  # of the gateways' stores
        self.event_count = event_count
        self.outside = outside  # a process in the machine's own network
        self.stubs = stubs
        self.crowd = crowd  # a gateway that holds event_count events, for S15

    def client_command(self, language):
        if language == "naive":
            return ["env", f"PYTHONPATH={self.stubs}", sys.executable, "-B", str(HERE / "naive_client.py")]
        return interop_command(language)


class Case:
    """One scenario with one language."""

    def __init__(self, tools, language):
        self.tools = tools
        self.language = language
        self._directory = tempfile.TemporaryDirectory(prefix=f"onhook-{language}-")
        self.folder = pathlib.Path(self._directory.name)
        self._ends = []

    def gateway(self, *settings, **options):
        folder = self.folder / f"gateway{len(self._ends)}"
        folder.mkdir()
        gateway = Gateway(self.tools.onhookd, folder, *settings, engine=self.tools.engine, **options)
        self._ends.append(gateway.close)
        return gateway

    def client(self, server, **connect):
        if isinstance(server, (Gateway, Relay, TcpProxy)):
            server = server.server
        program = ClientProgram(self.tools.client_command(self.language), server, **connect)
        self._ends.append(program.kill)
        return program

    def subscriber(self, server, name="crm", form="handler", connect=None, **options):
        """A program that receives, and has reached the gateway."""
        program = self.client(server, **(connect or {}))
        program.tell("subscribe", subscription=name, form=form, create=True, **options)
        program.await_state("streaming")
        return program

    def proxy(self, gateway):
        proxy = TcpProxy(gateway.ports["grpc"])
        self._ends.append(proxy.close)
        return proxy

    def relay(self, gateway, change=None):
        relay = Relay(gateway.server, change) if change else Relay(gateway.server)
        self._ends.append(relay.close)
        return relay

    def certificates(self, *names):
        """A folder of certificates, made as the README says."""
        folder = self.folder / "certificates"
        done = subprocess.run([TOP / "deploy/dev-certificates.sh", folder, *names], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        check_equal(done.returncode, 0, f"dev-certificates.sh: {done.stdout}")
        return folder

    def close(self):
        for end in reversed(self._ends):
            end()
        self._directory.cleanup()
