"""The scenarios find fault with a client that has faults, and with no other of what it does.

    control_test.py --build build/release     exit code 77: no network namespace to be had
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
# What naive_client.py does as the contract wants it, and what it does not.
RIGHT = {"S1", "S2", "S4", "S9"}
WRONG = {"S3", "S5", "S6", "S7", "S8", "S10", "S17", "S20"}
PATIENCE_S = "12"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    options = parser.parse_args()
    command = [sys.executable, "-B", HERE / "run.py", "--build", options.build, "--control"]
    for scenario in sorted(RIGHT | WRONG):
        command += ["--scenario", scenario]
    done = subprocess.run(command, env={**os.environ, "ONHOOK_INTEROP_PATIENCE_S": PATIENCE_S}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(done.stdout)
    found = dict(re.findall(r"^(S\d+) .*?(ok|FAIL) ", done.stdout, re.MULTILINE))
    wanted = {**dict.fromkeys(RIGHT, "ok"), **dict.fromkeys(WRONG, "FAIL")}
    print(f"found {found}\nwanted {wanted}")
    return 0 if found == wanted else 1


if __name__ == "__main__":
    sys.exit(main())
