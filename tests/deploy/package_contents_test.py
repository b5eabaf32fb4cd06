"""The package as a file: what lintian says of it, what is in it, and how its service is confined."""
import argparse
import pathlib
import re
import stat
import tempfile

from debian_package import TOP, check, field, need, pack, run
from documents_test import broken_links

PAGE = TOP / "deploy/PACKAGE.md"
UNIT = "lib/systemd/system/onhookd.service"
# What systemd-analyze makes of the unit, from 0 to 100; up to 40 it would say OK.
EXPOSURE_MAX = 15
# The package is small because it is stripped and takes its libraries from Debian.
BYTES_MAX = 3 << 20


def lintian_is_content(package):
    printed = run("lintian", "--allow-root", "--fail-on", "error,warning", "--display-info", package)
    print(printed.strip())
    check(True, "lintian finds neither an error nor a warning")


def it_is_small_and_roots(package, root):
    size = package.stat().st_size
    check(size < BYTES_MAX, f"it has {size} bytes")
    told = float(re.search(r"ARCHITECTURE.deb`, ([\d.]+) MB", PAGE.read_text("utf-8"))[1])
    check(abs(told - size / 1e6) < 0.15, f"as the page tells: {told} MB")
    for line in run("dpkg-deb", "--contents", package).splitlines():
        if not re.match(r"(drwxr-xr-x|-rw-r--r--|-rwxr-xr-x) root/root ", line):
            check(False, f"all of it is root's, and nobody else can write it: {line}")
    for program in ("onhookd", "onhook"):
        check("not stripped" not in run("file", "--brief", root / "usr/bin" / program), f"{program} is stripped")


def settings_survive(control, root):
    conffiles = (control / "conffiles").read_text("utf-8").split()
    shipped = [f"/{path.relative_to(root)}" for path in (root / "etc").rglob("*") if path.is_file()]
    check(conffiles == shipped, f"what lies in /etc is a conffile: {conffiles}")
    for script in ("postinst", "prerm", "postrm"):
        check(stat.S_IMODE((control / script).stat().st_mode) == 0o755, f"{script} can be run")


def its_pages_lead_on(root):
    documents = root / "usr/share/doc/onhook"
    pages = {str(path.relative_to(documents)): path for path in documents.rglob("*.md")}
    lacking = {"CHANGELOG.md", "UPGRADING.md", "PACKAGE.md", "RUNBOOK.md", "SETTINGS.md", "METRICS.md",
               "BACKUP.md", "FAILURES.md"} - set(pages)
    check(not lacking, f"pages that it says it has: all but {sorted(lacking)}")
    for name, path in pages.items():
        broken = broken_links(path, path.read_text("utf-8"))
        check(not broken, f"{name} leads somewhere with each link {broken}")
    source = TOP / "deploy/monitoring"
    for path in [source / "dashboard.json", *(source / "rules").iterdir()]:
        same = (documents / "monitoring" / path.relative_to(source)).read_bytes() == path.read_bytes()
        check(same, f"the runbook's {path.name} lies there")


def it_depends_on_what_it_reads(package):
    depends = field(package, "Depends")
    for name in ("libgrpc++1.51", "libnats3.4", "libsqlite3-0", "libssl3", "tzdata", "systemd"):
        check(re.search(rf"(^|, ){re.escape(name)}\b", depends), f"it depends on {name}")


def the_service_is_confined(root):
    printed = run("systemd-analyze", "security", "--offline=yes", "--no-pager",
                  f"--threshold={EXPOSURE_MAX}", root / UNIT)
    verdict = printed.strip().splitlines()[-1]
    check(" OK" in verdict, verdict.strip("→ "))
    told = re.search(r"security onhookd` says ([\d.]+), OK", PAGE.read_text("utf-8"))[1]
    check(f" {told} OK" in verdict, f"as the page tells: {told}")


def the_unit_is_understood(root):
    """By systemd itself: an unknown or misplaced line would be said, and be without effect."""
    unit = root / UNIT
    unit.write_text(unit.read_text("utf-8").replace("/usr/bin/", f"{root}/usr/bin/"), encoding="utf-8")
    printed = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit)
    check(printed == "", f"systemd understands every line of the unit {printed}")


def stubs_can_be_made(root, folder):
    protos = root / "usr/share/onhook/proto"
    names = sorted(str(path.relative_to(protos)) for path in protos.rglob("*.proto"))
    ours = sorted(str(path.relative_to(TOP / "proto")) for path in (TOP / "proto").rglob("*.proto"))
    check(names == ours and names, f"it has {len(names)} proto files")
    run("protoc", f"--proto_path={protos}", f"--python_out={folder}", *names)
    check(len(list(folder.rglob("*_pb2.py"))) == len(names), "stubs can be made of them")


def editors_find_the_schema(root):
    named = re.search(r"\$schema=(\S+)", (root / "etc/onhook/onhook.yaml").read_text("utf-8")).group(1)
    schema = (root / named.lstrip("/")).read_text("utf-8")
    check(schema == run(root / "usr/bin/onhookd", "--print-schema"), f"{named} is the program's own")


def commands(help_text):
    block = re.search(r"^Commands:\n((?:  .*\n)+)", help_text, re.MULTILINE).group(1)
    return re.findall(r"^  ([a-z-]+)  ", block, re.MULTILINE)


def the_manual_is_current(root):
    known = commands(run(root / "usr/bin/onhook", "--help"))
    page = run("gzip", "--decompress", "--stdout", root / "usr/share/man/man1/onhook.1.gz").replace("\\-", "-")
    check(re.findall(r"^\.TP\n\.B ([a-z][a-z-]+)\n", page.split(".SH ENVIRONMENT")[0], re.MULTILINE) == known, f"man onhook has the commands {known}")
    page = run("gzip", "--decompress", "--stdout", root / "usr/share/man/man8/onhookd.8.gz").replace("\\-", "-")
    options = set(re.findall(r"^  (--[a-z-]+)",
                             run(root / "usr/bin/onhookd", "--help").split("\nSettings,")[0], re.MULTILINE))
    check(options == set(re.findall(r"^\.BI? (--[a-z-]+)", page, re.MULTILINE)), f"man onhookd has {sorted(options)}")


def the_shell_completes(root):
    script = root / "usr/share/bash-completion/completions/onhook"

    def completed(*words):
        typed = " ".join(f"'{word}'" for word in words)
        return run("bash", "-c", f"PATH={root}/usr/bin:$PATH; . {script}; COMP_WORDS=({typed});"
                   f" COMP_CWORD={len(words) - 1}; _onhook {words[0]} '{words[-1]}';"
                   ' printf "%s\\n" "${COMPREPLY[@]}"').split()
    check(completed("onhook", "su") == ["subscribe", "subscriptions"], "onhook su<TAB>: subscribe, subscriptions")
    check(completed("onhook", "subscriptions", "pa") == ["pause"], "onhook subscriptions pa<TAB>: pause")
    check("--exec" in completed("onhook", "subscribe", "crm", "--ex"), "onhook subscribe crm --ex<TAB>: --exec")
    check(completed("onhookd", "--http-li") != [], "onhookd --http-li<TAB>")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="folder of the built programs")
    build = parser.parse_args().build
    need("lintian", "cpack", "dpkg-deb", "systemd-analyze", "protoc", "file")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        package = pack(build, folder / "packed")
        root, control, stubs = folder / "root", folder / "control", folder / "stubs"
        run("dpkg-deb", "--extract", package, root)
        run("dpkg-deb", "--control", package, control)
        stubs.mkdir()
        check(field(package, "Version") in run(root / "usr/bin/onhookd", "--version"), "its version is the program's")
        lintian_is_content(package)
        it_is_small_and_roots(package, root)
        settings_survive(control, root)
        its_pages_lead_on(root)
        it_depends_on_what_it_reads(package)
        the_service_is_confined(root)
        stubs_can_be_made(root, stubs)
        editors_find_the_schema(root)
        the_manual_is_current(root)
        the_shell_completes(root)
        the_unit_is_understood(root)


if __name__ == "__main__":
    main()
