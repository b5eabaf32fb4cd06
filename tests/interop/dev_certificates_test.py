"""deploy/dev-certificates.sh, looked at with openssl: what it makes, what it keeps, what it renews."""
import pathlib
import re
import stat
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
SCRIPT = TOP / "deploy/dev-certificates.sh"


def check(holds, what):
    print(f"{'ok  ' if holds else 'FAIL'}  {what}", flush=True)
    if not holds:
        sys.exit(1)


def run(*command):
    return subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60, check=False)


def make(*words):
    done = run(SCRIPT, *words)
    check(done.returncode == 0, f"it makes certificates: {' '.join(map(str, words))}\n{done.stderr}")
    return done.stdout


def verifies(folder, name, purpose, authority=None):
    return run("openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile",
               (authority or folder) / "ca.crt", folder / f"{name}.crt").returncode == 0


def alternative_names(folder, name):
    text = run("openssl", "x509", "-in", folder / f"{name}.crt", "-noout", "-ext", "subjectAltName").stdout
    return set(re.split(r",\s*", text.strip().splitlines()[-1].strip()))


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def what_it_makes(folder):
    said = make(folder, "crm", "billing")
    check(set(contents(folder)) == {f"{name}.{kind}" for name in ("ca", "server", "crm", "billing")
                                    for kind in ("key", "crt")}, "a pair for each, and nothing else")
    for path in folder.glob("*.key"):
        check(stat.S_IMODE(path.stat().st_mode) == 0o600, f"{path.name} is its owner's alone")
    check(verifies(folder, "server", "sslserver") and not verifies(folder, "server", "sslclient"),
          "the gateway's certificate is a server's")
    check(alternative_names(folder, "server") ==
          {"DNS:localhost", "IP Address:127.0.0.1", "IP Address:0:0:0:0:0:0:0:1"}, "for this machine")
    for name in ("crm", "billing"):
        check(verifies(folder, name, "sslclient") and not verifies(folder, name, "sslserver"),
              f"{name}'s certificate is a client's")
        check(alternative_names(folder, name) == {f"URI:spiffe://onhook.dev/{name}", f"DNS:{name}"},
              f"it names {name}")
    check("For trying only" in said, "it warns")
    check(f"--grpc-tls-client-ca-file {folder}/ca.crt" in said and f"--key {folder}/crm.key" in said,
          "it says the lines to use")


def what_it_keeps(folder):
    before = contents(folder)
    said = make(folder, "crm", "billing")
    check(contents(folder) == before and "wrote" not in said, "a second run changes nothing")
    (folder / "crm.key").chmod(0o644)
    make("--host", "gateway.example", folder, "crm", "audit")
    after = contents(folder)
    check("DNS:gateway.example" in alternative_names(folder, "server"), "another host is in a new certificate")
    check(after["server.key"] == before["server.key"], "of the same key, so that one file changes")
    check(after["ca.crt"] == before["ca.crt"] and after["crm.crt"] == before["crm.crt"], "the others stay")
    check(verifies(folder, "audit", "sslclient"), "another client is made by the same authority")
    check(stat.S_IMODE((folder / "crm.key").stat().st_mode) == 0o600, "a key that was open is closed")


def what_it_renews(folder, other):
    """What expires soon, belongs to another key, or was signed by another authority."""
    make(other, "crm")
    for what, spoil in (
            ("expires within the month", lambda: run(
                "openssl", "x509", "-req", "-days", "20", "-in", request(folder), "-copy_extensions", "copyall",
                "-CA", folder / "ca.crt", "-CAkey", folder / "ca.key", "-out", folder / "crm.crt")),
            ("is another authority's", lambda: (folder / "crm.crt").write_bytes((other / "crm.crt").read_bytes())),
            ("is none", lambda: (folder / "crm.crt").write_text("garbage"))):
        spoil()
        spoiled = (folder / "crm.crt").read_bytes()
        make("--host", "gateway.example", folder, "crm")
        check((folder / "crm.crt").read_bytes() != spoiled and verifies(folder, "crm", "sslclient"),
              f"a certificate that {what} is renewed")
    check(not verifies(folder, "crm", "sslclient", authority=other), "another authority's word is not taken")


def request(folder):
    """A signing request with the names that crm's certificate has."""
    path = folder.parent / "request"
    run("openssl", "req", "-new", "-key", folder / "crm.key", "-subj", "/CN=crm", "-addext",
        "subjectAltName=URI:spiffe://onhook.dev/crm,DNS:crm", "-addext", "extendedKeyUsage=clientAuth", "-out", path)
    return path


def what_it_refuses(folder):
    for words, said in ((("--hots", "x"), "--hots"), ((folder, "Crm"), '"Crm"'), ((folder, "../crm"), '"../crm"'),
                        ((folder, "ca"), '"ca"'), ((folder, "server"), '"server"'), (("--host",), "--host"),
                        (("--host", "a,URI:b", folder), '"a,URI:b"')):
        before = contents(folder)
        done = run(SCRIPT, *words)
        check(done.returncode == 1 and said in done.stderr and contents(folder) == before,
              f"{' '.join(map(str, words))} is refused, and nothing made")
    (folder / "ca.key").unlink()
    done = run(SCRIPT, folder)
    check(done.returncode == 1 and "ca.key" in done.stderr and not (folder / "ca.key").exists(),
          "an authority without its key is refused")


def main():
    shown = run(SCRIPT, "--help")
    check(shown.returncode == 0 and "usage:" in shown.stdout and "For trying only" in shown.stdout, "--help")
    with tempfile.TemporaryDirectory() as directory:
        folder = pathlib.Path(directory) / "certificates"
        what_it_makes(folder)
        what_it_keeps(folder)
        what_it_renews(folder, pathlib.Path(directory) / "others")
        what_it_refuses(folder)


if __name__ == "__main__":
    main()
