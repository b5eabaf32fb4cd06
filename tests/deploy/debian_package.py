"""The Debian package as cpack makes it of a build, and a base system of Debian's to install it on.

For the tests beside it. What is missing on the machine is a skip, by exit code 77.
"""
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
CACHE = TOP / "build/deploy"
# What a server has; the rest comes with the package, as its dependencies.
BASE = ["systemd-sysv", "dbus", "curl", "ca-certificates"]
PATIENCE_S = 60
DOWNLOADS_S = 400


def check(holds, what):
    print(f"{'ok  ' if holds else 'FAIL'}  {what}", flush=True)
    if not holds:
        sys.exit(1)


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            print(f"skipped: {tool} is not installed")
            sys.exit(77)


def run(*command, patience_s=PATIENCE_S, **rest):
    """Ends the test if the command fails; what it printed otherwise."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=patience_s, check=False, **rest)
    if done.returncode != 0:
        print(done.stdout)
        check(False, f"{' '.join(map(str, command))}: exit code {done.returncode}")
    return done.stdout


def pack(build, folder, version=None):
    """The package of what has been built, as of another version if one is given."""
    other = ["-D", f"CPACK_PACKAGE_VERSION={version}"] if version else []
    run("cpack", "--config", build / "CPackConfig.cmake", "-B", folder, *other)
    packages = list(folder.glob("onhook_*.deb"))
    check(len(packages) == 1, f"one package is made: {[path.name for path in packages]}")
    return packages[0]


def field(package, name):
    return run("dpkg-deb", "--field", package, name).strip()


def _sources():
    """Debian's main archive, from wherever this machine's apt gets it."""
    release = dict(line.split("=", 1) for line in pathlib.Path("/etc/os-release").read_text("utf-8").splitlines()
                   if "=" in line)
    codename = release["VERSION_CODENAME"].strip('"')
    targets = run("apt-get", "indextargets", "--no-release-info", "--format",
                  "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages")
    suites = {codename, f"{codename}-updates", f"{codename}-security"}
    found = {tuple(line.split()) for line in targets.splitlines()}
    lines = [f"deb {uri} {suite} {component}" for uri, suite, component in sorted(found)
             if suite in suites and component == "main"]
    check(lines, f"apt on this machine knows an archive of Debian {codename}")
    return codename, lines


def _proxies():
    return [f"--aptopt={line.rstrip(';')}" for line in run("apt-config", "dump").splitlines()
            if line.startswith(("Acquire::http::Proxy", "Acquire::https::Proxy"))]


def base_system(package):
    """A folder with a Debian, and in its apt's cache what the package depends on. Made once and kept."""
    codename, sources = _sources()
    key = repr((codename, sources, BASE, field(package, "Depends"), pathlib.Path(__file__).read_text("utf-8")))
    base = CACHE / f"debian-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if base.is_dir():
            return base
        for old in CACHE.glob("debian-*"):
            shutil.rmtree(old)
        new = CACHE / f"debian-new-{os.getpid()}"
        download = ('APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get install --yes --download-only'
                    ' --no-install-recommends "$1/srv/onhook.deb"')
        run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(BASE)}", "--skip=cleanup/apt",
            *_proxies(), f"--customize-hook=upload {package} /srv/onhook.deb", f"--customize-hook={download}",
            "--customize-hook=rm $1/srv/onhook.deb", codename, new, *sources, patience_s=DOWNLOADS_S)
        new.rename(base)
    return base
