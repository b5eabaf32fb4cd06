"""deploy/build-image.sh's image: what is in it, and that it does the quickstart where little is allowed.

Runs as root or through sudo, in a network of its own, so on the image's own ports. Exit code 77 is a
skip: a tool is missing.
"""
import argparse
import http.client
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time

import container

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests/interop"))
import interop_test  # noqa: E402  pylint: disable=wrong-import-position
from interop_test import CALL, PATIENCE_S, SAMPLES, SUCCESS, Program, check  # noqa: E402  pylint: disable=wrong-import-position

USER = 65532
DATA = "/var/lib/onhook"
CALLBACKS = "http://127.0.0.1:8080/release-events"
TOOLS = ["runc", "umoci", "mmdebstrap", "strip", "unshare", "curl"]
# Devices and shared memory, which a runtime gives to every container.
NOT_FILES = re.compile(r"^/dev/(null|zero|full|random|urandom|tty|ptmx|pts(/.*)?|shm|mqueue|termination-log)$")


def build(arguments, output):
    """The archive."""
    done = subprocess.run([TOP / "deploy/build-image.sh", "--programs", arguments.build, "--base", arguments.base,
                           "--output", output], stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, end="", flush=True)
    check(done.returncode == 0, "deploy/build-image.sh builds an image")
    return next(output.glob("onhook-*.tar"))


def it_is_the_same_again(arguments, archive, folder):
    again = build(arguments, folder)
    check(again.read_bytes() == archive.read_bytes(), "the same sources, programs and packages make the same image")


def target_of(link, root):
    """Where a link leads within the image."""
    place = pathlib.PurePosixPath("/", link.parent.relative_to(root), os.readlink(link))
    return root / os.path.normpath(place)[1:]


def what_is_in_it(pod, archive):
    paths = sorted(pod.root.rglob("*"))
    modes = {path: path.lstat() for path in paths}
    check(all(target_of(path, pod.root).exists() for path in paths if path.is_symlink()), "every link leads somewhere")
    files = {path.relative_to(pod.root).as_posix(): modes[path] for path in paths if not path.is_symlink()}
    check({name for name, mode in files.items() if stat.S_ISREG(mode.st_mode) and mode.st_mode & 0o111
           and "/ld-linux-" not in name} == {"usr/bin/onhookd", "usr/bin/onhook"},
          "it executes our two programs, and neither a shell nor anything else")
    check(not [name for name, mode in files.items() if mode.st_mode & 0o7022],
          "no file runs as somebody else, none is for a group or for all to write")
    check({name for name, mode in files.items() if (mode.st_uid, mode.st_gid) != (0, 0)} == {DATA[1:]}
          and files[DATA[1:]].st_uid == files[DATA[1:]].st_gid == USER, "all is root's but the data directory")
    packages = what_it_says_of_itself(pod.root)
    what_is_listed(archive, packages)
    print(f"{pod.name}: {archive.stat().st_size >> 10} KiB packed, {len(paths)} files and folders, "
          f"{sum(mode.st_size for mode in files.values() if stat.S_ISREG(mode.st_mode)) >> 10} KiB of files", flush=True)


def what_it_says_of_itself(root):
    packages = [path for path in (root / "var/lib/dpkg/status.d").iterdir() if path.suffix != ".md5sums"]
    check(len(packages) > 10 and all(re.search(r"^Package: .*$\n(.*\n)*Version: \d", path.read_text(), re.MULTILINE)
                                     for path in packages), f"a scanner finds {len(packages)} packages of Debian")
    check(all((root / f"usr/share/doc/{path.name}/copyright").stat().st_size > 0 for path in packages),
          "each with its licence")
    check("cpp-httplib" in (root / "usr/share/doc/onhook/copyright").read_text(), "and what we compiled in too")
    sums = "".join(path.read_text() for path in sorted((root / "var/lib/dpkg/status.d").glob("*.md5sums")))
    libraries = {path.relative_to(root).as_posix() for path in root.glob("**/*.so*") if not path.is_symlink()}
    check(libraries <= {line.split("  ", 1)[1] for line in sums.splitlines()}, "every library is a package's")
    verified = subprocess.run(["md5sum", "--check", "--quiet"], cwd=root, input=sums, text=True, check=False)
    check(verified.returncode == 0, "and as the package has it")
    check("ID=debian" in (root / "etc/os-release").read_text(), "it says which system that is")
    return {path.name for path in packages}


def what_is_listed(archive, packages):
    """The SPDX document beside the archive."""
    document = json.loads(next(archive.parent.glob("*.spdx.json")).read_text())
    listed = {package["name"]: package for package in document["packages"]}
    check(set(listed) == packages | {"onhook", "cpp-httplib"}, "the list of its parts has what a scanner finds, and ours")
    check(all(package["versionInfo"][:1].isdigit() and re.fullmatch(r"pkg:[\w.]+/[^@]+@.+", reference["referenceLocator"])
              for package in listed.values() for reference in package["externalRefs"]), "each by version and purl")
    names = {package["SPDXID"] for package in document["packages"]} | {"SPDXRef-DOCUMENT"}
    check(len(names) == len(listed) + 1 and all({relation["spdxElementId"], relation["relatedSpdxElement"]} <= names
                                                for relation in document["relationships"]), "and every reference leads somewhere")


def it_is_as_the_containerfile_says(pod):
    """The last stage's instructions, one by one."""
    text = (TOP / "deploy/Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    stage = text[text.rindex("\nFROM "):]

    def instruction(name):
        return [line.strip() for line in re.findall(rf"^{name} (.*)$", stage, re.MULTILINE)]

    config = pod.config["config"]
    check(instruction("USER") == [config["User"]] == [f"{USER}:{USER}"], "who runs it is a number")
    check([json.loads(line) for line in instruction("ENTRYPOINT")] == [config["Entrypoint"]], "the entry point")
    check(sorted(word for line in instruction("ENV") for word in line.split()) == sorted(config["Env"]), "the environment")
    check({f"{port}/tcp" for line in instruction("EXPOSE") for port in line.split()} == set(config["ExposedPorts"]),
          "the ports")
    check(instruction("WORKDIR") == [config["WorkingDir"]] and instruction("STOPSIGNAL") == [config["StopSignal"]],
          "where it starts and how it is stopped")
    check(not instruction("VOLUME") and "Volumes" not in config, "no volume that is made silently and dies silently")
    labels = re.findall(r'org\.opencontainers\.image\.(\w+)=', " ".join(instruction("LABEL")))
    check({f"org.opencontainers.image.{label}" for label in labels} == set(config["Labels"]), "the labels")


def what_the_page_says(pod, archive, folder):
    """deploy/IMAGE.md's numbers, within two megabytes, and its settings."""
    page = (TOP / "deploy/IMAGE.md").read_text(encoding="utf-8")
    told = [int(number) for number in re.search(r"(\d+) MB packed, (\d+) MB unpacked", page).groups()]
    found = [archive.stat().st_size / 1e6, sum(path.lstat().st_size for path in pod.root.rglob("*")) / 1e6]
    check(all(abs(one - other) < 2 for one, other in zip(told, found)), f"the page tells the image's size: {told} {found}")
    places, = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    secrets = folder / "page-secrets"
    secrets.mkdir()
    (secrets / "vendor-key").write_text("0123456789abcdef\n")
    (folder / "page.yaml").write_text(places)
    checked = Program(*pod.command("--check", mounts=[
        volume(data(folder / "page-data", 0o750, USER, USER)),
        container.bind("/etc/onhook/onhook.yaml", folder / "page.yaml", "ro"),
        container.bind("/etc/onhook/secrets", secrets, "ro")])[1])
    code, lines = end_of(checked, "stderr")
    check(code == 0, f"its settings are right {lines}")


def what_is_not_built(arguments, folder):
    """Programs that are not there or not this version's, words that mean nothing: no image."""
    stale = folder / "stale"
    stale.mkdir()
    for program in ("onhookd", "onhook"):
        (stale / program).write_text(f"#!/bin/sh\necho {program} 0.0.1\n")
        (stale / program).chmod(0o755)
    for words, said in ((["--programs", folder / "nowhere"], "build it first"), (["--programs", stale], "build it anew"),
                        (["--porgrams", arguments.build], "--porgrams"), (["--output"], "--output")):
        done = subprocess.run([TOP / "deploy/build-image.sh", "--output", folder / "none", *words], env={
            **os.environ, "TMPDIR": str(folder)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        check(done.returncode == 1 and said in done.stderr and not list(folder.glob("none/*")), f"refused: {words[0]} {said}")
    shown = subprocess.run([TOP / "deploy/build-image.sh", "--help"], stdout=subprocess.PIPE, text=True, check=False)
    check(shown.returncode == 0 and shown.stdout.startswith("usage:"), "--help")


def end_of(program, output):
    """(exit code, lines) of a program that ends by itself."""
    lines = list(iter(lambda: program.lines[output].get(timeout=PATIENCE_S), None))
    return program.end(), lines


def data(folder, mode, owner, group):
    """A volume, as it is when the container starts."""
    folder.mkdir()
    os.chown(folder, owner, group)
    folder.chmod(mode)
    return folder


def volume(folder, mode="rw"):
    return container.bind(DATA, folder, mode)


def begin(pod, *arguments, **container_words):
    """(gateway, name of its container), ready."""
    started = time.monotonic()
    name, command = pod.command(*arguments, **container_words)
    gateway = Program(*command)
    interop_test.listeners(gateway)
    wait_ready(gateway)
    print(f"ready after {1000 * (time.monotonic() - started):.0f} ms, the container's own start included", flush=True)
    return gateway, name


def wait_ready(gateway):
    deadline = time.monotonic() + PATIENCE_S
    while get("/readyz")[0] != 200:
        check(time.monotonic() < deadline and gateway.process.poll() is None, "it becomes ready")


def get(path):
    connection = http.client.HTTPConnection("127.0.0.1", 8081, timeout=PATIENCE_S)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def subscriber(pod, name, *words):
    """The image's own command line, in a container beside the gateway's as an application would be."""
    program = Program(*pod.command("subscribe", name, "--json", "--show-numbers", *words, program="/usr/bin/onhook")[1])
    said = program.line("stderr")
    check(name in said, f"{name} attaches from another container of the Pod: {said}")
    return program


def call_of(line):
    return json.loads(line)["event"]["callSerialNo"]


def quickstart(pod, arguments, folder):
    """The vendor's two samples to a subscriber in the Pod and to one beside it."""
    gateway, name = begin(pod, mounts=[volume(folder)])
    how_it_is_held(pod.process_of(name))
    inside = subscriber(pod, "crm", "--server", f"{container.NameServer.NAME}:50051")
    outside = Program(str(arguments.build / "onhook"), "subscribe", "billing", "--json", "--show-numbers")
    check("billing" in outside.line("stderr"), "billing attaches from outside")
    for sample in SAMPLES:
        check(interop_test.post(CALLBACKS, sample) == (200, SUCCESS), f"{sample.parent.name} is answered with success")
        check(call_of(inside.line()) == call_of(outside.line()), "both subscribers have it")
    asked = subprocess.run(pod.runc("exec", name, "/usr/bin/onhook", "get", CALL), stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S, check=False)
    check(asked.returncode == 0 and "crm: acked" in asked.stdout, "the command line answers within the container")
    for text, said in (("{}", (0, "")), ("nonsense: 1\n", (2, "/dev/stdin:1:1: nonsense"))):
        done = subprocess.run(pod.runc("exec", name, "onhookd", "--check", "--config", "/dev/stdin"), input=text,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S, check=False)
        check(done.returncode == said[0] and said[1] in done.stderr, f"new settings are asked about within it: {done.stderr.strip()}")
    check(container.stop(inside, PATIENCE_S) == 0 and outside.end(interop_test.signal.SIGINT) == 0, "both leave in order")
    check(container.stop(gateway, PATIENCE_S) == 0, "SIGTERM ends the gateway in order")


def how_it_is_held(process):
    status = container.status_of(process)
    check(set(status["Uid"].split()) == set(status["Gid"].split()) == {str(USER)} and status["Groups"] == "",
          f"it runs as {USER}, of no other group")
    check(all(int(status[f"Cap{kind}"], 16) == 0 for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")), "without a capability")
    check(status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", "without a way to one, behind a filter of system calls")
    writable = [path for path in container.writable_in(process, USER) if not NOT_FILES.match(path)]
    check(DATA in writable and all(path == DATA or path.startswith(DATA + "/") for path in writable),
          f"it may write to its data directory alone: {', '.join(writable)}")


def it_remembers(pod, folder):
    """Another container on the same volume."""
    gateway, _ = begin(pod, mounts=[volume(folder)])
    for sample in SAMPLES:
        check(interop_test.post(CALLBACKS, sample) == (200, SUCCESS), f"{sample.parent.name} once more is answered")
    repeats = re.findall(r"^onhook_events_duplicate_total\{.*\} (\d+)", get("/metrics")[1], re.MULTILINE)
    check(sum(map(int, repeats)) == len(SAMPLES), "both are known from the container before")
    check(container.stop(gateway, PATIENCE_S) == 0, "SIGTERM ends it in order")


def it_takes_settings(pod, folder):
    """A ConfigMap and a Secret where the image looks for them, on a volume that is its group's alone."""
    settings, secrets = folder / "settings", folder / "secrets"
    settings.mkdir()
    secrets.mkdir()
    (settings / "onhook.yaml").write_text(
        "sources:\n  - name: sales\n    path: /release-events/sales\n    time_zone: Asia/Shanghai\n"
        "    authentication: {bearer: {token_files: [/run/secrets/onhook/token]}}\n")
    (secrets / "token").write_text("0123456789abcdef\n")
    gateway, _ = begin(pod, mounts=[volume(data(folder / "group", 0o2770, 0, USER)),
                                    container.bind("/etc/onhook", settings, "ro"),
                                    container.bind("/run/secrets/onhook", secrets, "ro")])
    sales = subscriber(pod, "sales", "--count", "1")
    url = f"{CALLBACKS}/sales"
    check(interop_test.post(url, SAMPLES[1])[0] == 401, "a caller without the token is refused")
    answer = subprocess.run(["curl", "--silent", "--data-binary", f"@{SAMPLES[1]}", "--header",
                             "Authorization: Bearer 0123456789abcdef", url], stdout=subprocess.PIPE, text=True,
                            env=interop_test.ENVIRONMENT, timeout=PATIENCE_S, check=False).stdout
    check(answer == SUCCESS, "one with the token is not")
    event = json.loads(sales.line())["event"]
    check(event["releaseTime"] == "2022-02-22T02:04:36.318Z", "its time is Shanghai's")
    check(sales.end() == 0 and container.stop(gateway, PATIENCE_S) == 0, "both end in order")


def it_refuses(pod, folder):
    """Where it cannot keep events it says so and takes none."""
    for what, mounts in (("a data directory that is read only", [volume(folder, "ro")]),
                         ("no volume at all", []),
                         ("a volume of somebody else's", [volume(data(folder.parent / "foreign", 0o755, 0, 0))])):
        code, lines = end_of(Program(*pod.command(mounts=mounts)[1]), "stderr")
        check(code == 2 and len(lines) == 1 and "store.directory" in lines[0], f"{what}: exit code {code}, {lines}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--base", type=pathlib.Path, help="Debian's part, kept (default: build/image/base.tar)")
    arguments = parser.parse_args()
    arguments.base = arguments.base or TOP / "build/image/base.tar"
    for tool in TOOLS + (["sudo"] if os.geteuid() != 0 else []):
        if shutil.which(tool) is None:
            interop_test.skip(f"{tool} is not installed: deploy/setup.sh --tests")
    if not container.SECCOMP.exists():
        interop_test.skip(f"{container.SECCOMP} is not there: deploy/setup.sh --tests")
    # While a mirror can still be reached.
    fetched = subprocess.run([TOP / "deploy/image-root.sh", "--base", arguments.base], check=False)
    check(fetched.returncode == 0, "Debian's part is there")
    container.enter_a_network(*sys.argv)
    container.NameServer()
    with tempfile.TemporaryDirectory() as directory:
        folder = pathlib.Path(directory)
        what_is_not_built(arguments, folder)
        archive = build(arguments, folder / "first")
        it_is_the_same_again(arguments, archive, folder / "second")
        pod = container.Pod(archive, folder)
        try:
            what_is_in_it(pod, archive)
            it_is_as_the_containerfile_says(pod)
            what_the_page_says(pod, archive, folder)
            kept = data(folder / "data", 0o750, USER, USER)
            quickstart(pod, arguments, kept)
            it_remembers(pod, kept)
            it_takes_settings(pod, folder)
            it_refuses(pod, kept)
        finally:
            pod.close()


if __name__ == "__main__":
    main()
