#!/usr/bin/env python3
"""Holds the tree against rules.py and prints what does not fit: path:line: what and why.

usage: tidy.py TREE    exit code 0 when everything fits, 1 otherwise.
"""

import os
import re
import sys

import rules

TOP = ["CMakeLists.txt", "CMakePresets.json", "README.md", ".ci", "clients", "deploy", "gateway",
       "proto", "tests"]
# Also what a fuzzer made: bytes, which nobody wrote.
LEFT_OUT = {"__pycache__", "node_modules", "target", "build", "corpus", "dist"}
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')
COMMAND = re.compile(r"^(?:\$ )?(?:[A-Z_]+=\S+ )*\./([\w./-]+)")
LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)")


def read_tree(top):
    """The text files of the project: {path: lines}."""
    files = {}
    for name in TOP:
        path = os.path.join(top, name)
        if os.path.isfile(path):
            _read(top, path, files)
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(set(folders) - LEFT_OUT)
            for each in sorted(names):
                _read(top, os.path.join(folder, each), files)
    return files


def _read(top, path, files):
    try:
        with open(path, encoding="utf-8") as file:
            files[os.path.relpath(path, top)] = file.read().splitlines()
    except UnicodeDecodeError:
        pass  # A binary golden file, an image.


def _longest(path, rows):
    return max((row for row in rows if path.startswith(row)), key=len, default=None)


def _under(path, folders):
    return any(path.startswith(folder) for folder in folders)


def check_directions(path, lines):
    """Which folder includes which, and which third-party header."""
    row = _longest(path, rules.DIRECTIONS)
    if row is None:
        return
    for number, line in enumerate(lines, 1):
        include = INCLUDE.match(line)
        if include:
            for finding in _check_include(path, row, include.group(1) or include.group(2)):
                yield number, finding


def _check_include(path, row, header):
    allowed = rules.DIRECTIONS[row] + [row]
    root = _longest(header, rules.INCLUDE_ROOTS)
    if root and not header.endswith(".pb.h"):
        header = rules.INCLUDE_ROOTS[root] + header[len(root):]
    if header.startswith(("gateway/", "clients/", "tests/")):
        if not _under(header, allowed):
            yield f"{row} must not include {header}"
        # A folder's own row is no licence for a folder within it that has a row of its own.
        elif (_longest(header, rules.DIRECTIONS) != row
              and not _under(header, rules.DIRECTIONS[row])):
            yield f"{row} must not include {header}"
        engine = _longest(header, rules.ENGINES)
        if engine and not path.startswith(engine) and not _under(path, rules.ENGINE_USERS):
            yield f"only {', '.join(rules.ENGINE_USERS)} may name the engine {engine}: {header}"
        return
    if header.endswith(".pb.h") and not header.startswith("google/"):
        wanted = "proto/ services" if header.endswith(".grpc.pb.h") else "proto/"
        if wanted not in allowed:
            yield f"{row} must not include {header}"
        return
    library = _longest(header, rules.THIRD_PARTY)
    if library and not _under(path, rules.THIRD_PARTY[library]):
        yield f"{header} belongs in {', '.join(rules.THIRD_PARTY[library])} only"
    if not library and "/" in header and not _under(header, rules.SYSTEM):
        yield f"{header} is of a library that tests/tidy/rules.py does not know"


def check_guard(path, lines):
    """A header's guard is its path."""
    if not path.endswith(".h"):
        return
    guard = "ONHOOK_" + re.sub(r"\W", "_", path).upper() + "_"
    code = [line for line in lines if line.strip()]
    wanted = (f"#ifndef {guard}", f"#define {guard}", f"#endif  // {guard}")
    if len(code) < 3 or (code[0], code[1], code[-1]) != wanted:
        yield 1, f"the header's guard is not {guard}, first and last in the file"


def check_length(path, lines):
    """No file grows beyond what one reads at a sitting."""
    if _under(path, rules.GENERATED):
        return
    longest = rules.LINES_MAX.get(path, rules.LINES_MAX_ELSEWHERE)
    if len(lines) > longest and not path.startswith("tests/golden/"):
        yield longest + 1, f"{len(lines)} lines, more than {longest}"


def check_words(path, lines):
    """What is never written."""
    for files, except_under, pattern, why in rules.WORDS:
        if not re.search(files, path) or _under(path, except_under):
            continue
        for number, line in enumerate(lines, 1):
            if re.search(pattern, line) and path != "tests/tidy/tidy_test.py":
                yield number, why


def check_built(path, files):
    """A C++ file that no CMakeLists.txt names is not built, and a test in it never runs."""
    if not re.search(rules.BUILT, path):
        return
    folder, name = os.path.split(path)
    while True:
        listed = files.get(os.path.join(folder, "CMakeLists.txt"), [])
        if any(re.search(rf"(?<![\w/.-]){re.escape(name)}(?![\w/.-])", line.split("#")[0])
               for line in listed):
            return
        if not folder:
            break
        folder, last = os.path.split(folder)
        name = os.path.join(last, name)
    yield 1, "no CMakeLists.txt names it, so it is not built"


def check_readme(path, lines, top):
    """The commands and links of a page lead somewhere."""
    if not path.endswith(".md"):
        return
    fenced = False
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        command = COMMAND.match(line.strip()) if fenced else None
        if command and not command.group(1).startswith("build/"):
            program = os.path.join(top, command.group(1))
            if not os.access(program, os.X_OK):
                yield number, f"./{command.group(1)} is no program of the tree"
        for link in [] if fenced else LINK.findall(line):
            if not os.path.exists(os.path.join(top, os.path.dirname(path), link)):
                yield number, f"the link {link} leads nowhere"


def findings(top):
    """Everything in the tree that does not fit, as lines of text."""
    files = read_tree(top)
    for path, lines in files.items():
        checks = [check_length(path, lines), check_words(path, lines), check_built(path, files),
                  check_readme(path, lines, top)]
        if path.endswith((".cc", ".h")):
            checks += [check_directions(path, lines), check_guard(path, lines)]
        for check in checks:
            for number, finding in check:
                yield f"{path}:{number}: {finding}"


def main():
    if len(sys.argv) != 2 or not os.path.isdir(os.path.join(sys.argv[1], "gateway")):
        sys.exit(__doc__)
    found = list(findings(sys.argv[1]))
    print(*found, sep="\n")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
