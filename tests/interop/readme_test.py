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
CERTIFICATES = (TOP / "deploy/CERTIFICATES.md").read_text(encoding="utf-8")


def blocks(language, text=README):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(block):
    """Without their comments; one a line, but where it says that it goes on."""
    lines = (re.sub(r"\s+#.*", "", line).strip() for line in block.replace("\\\n", "").splitlines())
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
        line = line.replace("@tests/", f"@{TOP}/tests/").replace("./deploy/", f"{TOP}/deploy/")
        print(f"$ {line}", flush=True)
        return Program("/bin/sh", "-c", f"cd {self.folder} && exec {line}", environment=self.environment)

    def run(self, line, expected=0):
        """The lines it prints. It must end with the exit code that is expected."""
        code, printed, said = self.end_of(line)
        if code != expected:
            print(printed, said, sep="\n")
        check(code == expected, f"exit code {code}")
        return printed

    def refused(self, line):
        """Why: what it writes to standard error. It must fail."""
        code, printed, said = self.end_of(line)
        check(code not in (0, None) and printed == "", f"exit code {code}: {said}")
        return said

    def end_of(self, line):
        program = self.start(line)
        code = program.end()
        return code, *("\n".join(iter(program.lines[name].get, None)) for name in ("stdout", "stderr"))


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
    check("billing" in billing.line("stderr"), "a consumer attaches")
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


def begin_with_certificates(shell, serve):
    gateway = shell.start(serve)
    addresses = interop_test.listeners(gateway)
    shell.http = addresses["http"]
    shell.environment["ONHOOK_SERVER"] = addresses["grpc"]
    return gateway


def show_certificates(shell):
    """Mutual TLS from nothing, in five commands."""
    make, serve, subscribe, send, stranger = commands(next(b for b in blocks("sh") if "dev-certificates" in b))
    shell.run(make)
    gateway = begin_with_certificates(shell, serve)
    crm = shell.start(subscribe)
    check("created" in crm.line("stderr"), "crm is let in")
    check("HTTP 200, retCode 0, retMsg success" in shell.run(send), "the contact centre is answered")
    check("customer hung up" in crm.line(), "crm gets the event")
    check("--cert" in shell.refused(stranger), "who shows no certificate is refused, and told what is missing")
    check(crm.end(signal.SIGINT) == 0, "Ctrl-C ends it")
    check(gateway.end(signal.SIGTERM) == 0, "the gateway ends well")


def name_who_may(shell):
    """The access list, as the README has it."""
    write_settings(shell, next(b for b in blocks("yaml") if "access:" in b))
    gateway = begin_with_certificates(shell, "onhookd --config onhook.yaml")
    secrets = shell.folder / "secrets"
    crm = f"--ca {secrets}/ca.crt --cert {secrets}/crm.crt --key {secrets}/crm.key"
    operator = f"--ca {secrets}/ca.crt --token-file {secrets}/operator.token"
    subscriber = shell.start(f"onhook subscribe crm {crm}")
    check("crm" in subscriber.line("stderr"), "crm may subscribe to crm")
    check("permission subscribe" in shell.refused(f"onhook subscribe billing {crm}"), "but not to billing")
    check("permission read_events" in shell.refused(f"onhook get 1 {crm}"), "nor look events up")
    check("crm" in shell.run(f"onhook subscriptions list {operator}"), "the operator sees what there is")
    check("permission subscribe" in shell.refused(f"onhook subscribe crm {operator}"), "and may not take it away")
    check("--token-file" in shell.refused(f"onhook subscriptions list --ca {secrets}/ca.crt"),
          "who shows nothing is told what is missing")
    check(subscriber.end(signal.SIGINT) == 0, "Ctrl-C ends it")
    check(gateway.end(signal.SIGTERM) == 0, "the gateway ends well")


def write_settings(shell, block):
    """As onhook.yaml, with secrets and certificates where it says they are."""
    secrets = shell.folder / "secrets"
    secrets.mkdir(exist_ok=True)
    shell.run(f"./deploy/dev-certificates.sh {secrets} crm")
    for kind in ("crt", "key"):  # as a Secret of Kubernetes calls them
        (secrets / f"tls.{kind}").write_bytes((secrets / f"server.{kind}").read_bytes())
    for name in re.findall(r"/etc/onhook/([\w.]+)", block):
        if not (secrets / name).exists():
            (secrets / name).write_text("0123456789abcdef\n", encoding="utf-8")
    (shell.folder / "onhook.yaml").write_text(block.replace("/etc/onhook", str(secrets)), encoding="utf-8")


def check_settings(shell, block):
    write_settings(shell, block)
    for name in ("STORE_DIRECTORY", "HTTP_LISTEN", "GRPC_LISTEN", "ADMIN_LISTEN"):
        shell.environment.pop(f"ONHOOK_{name}", None)
    shell.run("onhookd --config onhook.yaml --check")


def check_manifest(shell, manifest):
    """It is YAML: a reader of it gets as far as to say which of its keys are no settings of ours."""
    (shell.folder / "manifest.yaml").write_text(manifest, encoding="utf-8")
    said = shell.refused("onhookd --config manifest.yaml --check")
    keys = re.findall(r"^(\w+):", manifest, re.MULTILINE)
    check({"apiVersion", "kind", "metadata", "spec"} == set(keys) and all(f" {key}: no such" in said for key in keys), said)


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
    with tempfile.TemporaryDirectory() as directory:
        shell = Shell(arguments.build, pathlib.Path(directory))
        show_certificates(shell)
        name_who_may(shell)
        for block in blocks("yaml"):
            check_settings(shell, block)
        for block in blocks("yaml", CERTIFICATES):
            if "apiVersion" not in block:
                check_settings(shell, block)
            for manifest in block.split("---\n") if "apiVersion" in block else []:
                check_manifest(shell, manifest)


if __name__ == "__main__":
    sys.exit(main())
