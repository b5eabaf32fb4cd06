"""The README's commands and settings, as they stand there.

Every command of its shell blocks is run in its order, by /bin/sh, with the programs of this build in the
PATH and with ports of their own; those that go on until Ctrl-C get it once they have said something.
"""
import argparse
import os
import pathlib
import re
import signal
import sys
import tempfile

import interop_test
from interop_test import TOP, Program, check

README = (TOP / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands(block):
    """Without their comments; one a line."""
    lines = (re.sub(r"\s+#.*", "", line).strip() for line in block.splitlines())
    return [line for line in lines if line]


class Shell:
    """Runs the README's lines where the reader would: in the project's folder, or in one with her own program."""

    def __init__(self, build, folder):
        self.folder = folder
        self.environment = {"PATH": f"{build}:{os.environ['PATH']}",
                            "ONHOOK_STORE_DIRECTORY": str(folder / "store")}
        self.environment.update((f"ONHOOK_{name}_LISTEN", "127.0.0.1:0") for name in ("HTTP", "GRPC", "ADMIN"))
        self.http = None
        # A program of the reader's own: says which event it got.
        (folder / "to-billing").write_text("#!/bin/sh\ncat > /dev/null\necho got $ONHOOK_EVENT_ID\n")
        (folder / "to-billing").chmod(0o755)

    def start(self, line):
        if self.http:
            line = line.replace("127.0.0.1:8080", self.http)
            line = line.replace("onhook send", f"onhook send --url http://{self.http}/release-events")
        line = line.replace("@tests/", f"@{TOP}/tests/")
        print(f"$ {line}", flush=True)
        return Program("/bin/sh", "-c", f"cd {self.folder} && exec {line}", environment=self.environment)

    def run(self, line, expected=0):
        """The lines it prints. It must end with the exit code that is expected."""
        program = self.start(line)
        code = program.end()
        printed = list(iter(program.lines["stdout"].get, None))
        if code != expected:
            print(*printed, *iter(program.lines["stderr"].get, None), sep="\n")
        check(code == expected, f"exit code {code}")
        return "\n".join(printed)


def try_by_hand(shell):
    """The gateway, which goes on running."""
    serve, subscribe, post = commands(next(b for b in blocks("sh") if "curl" in b))
    gateway = shell.start(serve)
    addresses = interop_test.listeners(gateway)
    shell.http = addresses["http"]
    shell.environment["ONHOOK_SERVER"] = addresses["grpc"]
    crm = shell.start(subscribe)
    check("created" in crm.line("stderr"), "crm is created")
    check(shell.run(post) == interop_test.SUCCESS, "the vendor is answered")
    check(interop_test.CALL in crm.line(), "crm prints the event")
    check(crm.end(signal.SIGINT) == 0, "Ctrl-C ends it")
    return gateway


def run_a_team(shell):
    create, consume, send, watch, get, *rest = commands(next(b for b in blocks("sh") if "dead-letters" in b))
    check("billing" in shell.run(create), "billing is created")
    billing = shell.start(consume)
    check("HTTP 200, retCode 0, retMsg success" in shell.run(send), "the contact centre is answered")
    check(billing.line().startswith("got v1-"), "the reader's program gets it")
    table = shell.start(watch)
    while "billing" not in table.line():
        pass
    check(table.end(signal.SIGINT) == 0, "Ctrl-C ends the table")
    told = shell.run(get)
    check(interop_test.CALL in told and "crm: acked" in told, "the call's history is told")
    for line in rest:
        shell.run(line)
    check(billing.end(signal.SIGINT) == 0, "Ctrl-C ends the consumer")


def refuse(shell):
    send, show, reparse, discard = commands(next(b for b in blocks("sh") if "rejected" in b))
    check("400" in shell.run(send), "nobody can read it")
    check("MALFORMED" in shell.run(show).upper(), "it is kept")
    check("refused" in shell.run(reparse, expected=1), "nobody can read it still")
    shell.run(discard)


def check_settings(shell, block):
    secrets = shell.folder / "secrets"
    secrets.mkdir(exist_ok=True)
    for name in re.findall(r"/etc/onhook/([\w.]+)", block):
        (secrets / name).write_text("0123456789abcdef\n", encoding="utf-8")
    block = block.replace("/etc/onhook", str(secrets))
    (shell.folder / "onhook.yaml").write_text(block, encoding="utf-8")
    for name in ("STORE_DIRECTORY", "HTTP_LISTEN", "GRPC_LISTEN", "ADMIN_LISTEN"):
        shell.environment.pop(f"ONHOOK_{name}", None)
    shell.run("onhookd --config onhook.yaml --check")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        shell = Shell(arguments.build, pathlib.Path(directory))
        gateway = try_by_hand(shell)
        run_a_team(shell)
        refuse(shell)
        check(gateway.end(signal.SIGTERM) == 0, "the gateway ends well")
        for block in blocks("yaml"):
            check_settings(shell, block)


if __name__ == "__main__":
    sys.exit(main())
