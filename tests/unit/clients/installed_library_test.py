#!/usr/bin/env python3
"""The C++ library as somebody else has it: installed apart, it builds and runs a project by CMake and by pkg-config.

usage: installed_library_test.py --cmake CMAKE --build BUILD --compiler C++ --project FOLDER
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
TIMEOUT_S = 300


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT_S, check=False, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}")
    return done.stdout


def check(holds, what):
    if not holds:
        sys.exit(f"it is not so that {what}")
    print(f"{what}")


def only_what_is_public_is_installed(prefix):
    headers = {str(path.relative_to(prefix / "include")) for path in prefix.rglob("*.h")}
    check("onhook/client.h" in headers and "onhook/v1/release_event.pb.h" in headers,
          "headers of the library and of its messages are there")
    check(not {name for name in headers if not name.startswith("onhook/")}, "all of them are below onhook/")
    included = {f"{name}: {other}" for name in headers
                for other in re.findall(r'^#include "([^"]+)"', (prefix / "include" / name).read_text("utf-8"), re.MULTILINE)
                if other not in headers and not other.startswith(("absl/", "google/"))}
    check(included == set(), f"they include nothing that is not installed {included or ''}")
    others = [path.name for path in prefix.rglob("*") if path.is_file() and path.name in ("onhookd", "onhook")]
    check(others == [], "nothing of the gateway is installed with it")


def it_is_found_by_cmake(options, prefix, folder):
    run(options.cmake, "-S", options.project, "-B", folder, f"-DCMAKE_PREFIX_PATH={prefix}",
        f"-DCMAKE_CXX_COMPILER={options.compiler}")
    run(options.cmake, "--build", folder)
    check(run(folder / "consumer") == "call-1\n", "a project that finds it by find_package(Onhook) receives its event")


def it_is_found_by_pkg_config(options, prefix, folder):
    environment = {**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}
    flags = run("pkg-config", "--cflags", "--libs", "onhook-testing", env=environment).split()
    run(options.compiler, "-std=c++17", options.project / "main.cc", "-o", folder / "by_pkg_config", *flags)
    check(run(folder / "by_pkg_config") == "call-1\n", "one that finds it by pkg-config does, too")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("cmake", "build", "compiler", "project"):
        parser.add_argument(f"--{name}", required=True, type=pathlib.Path)
    options = parser.parse_args()
    if shutil.which("pkg-config") is None:
        print("skipped: there is no pkg-config")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory(prefix="onhook-installed-") as name:
        folder = pathlib.Path(name)
        run(options.cmake, "--install", options.build, "--component", "onhook_client", "--prefix", folder / "prefix")
        only_what_is_public_is_installed(folder / "prefix")
        it_is_found_by_cmake(options, folder / "prefix", folder / "by_cmake")
        it_is_found_by_pkg_config(options, folder / "prefix", folder)


if __name__ == "__main__":
    main()
