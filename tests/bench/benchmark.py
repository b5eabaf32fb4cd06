#!/usr/bin/env python3
"""Measures every case of cases.py, several rounds over, and reports the medians.

Called by run.sh, which says what it takes and gives.
"""

import argparse
import json
import shutil
import sys
import time

import cases
import comparison
import marks
import report
from measurements import Surroundings
from stores import Stores

REGRESSION = 3


def measure(arguments, sections):
    """Returns {case: [result of each round]} and [{name, title, cases}], as the report holds them."""
    stores = Stores(arguments.build, arguments.store)
    around = Surroundings(arguments.build, arguments.seconds, stores)
    results = {}
    told = []
    began = time.monotonic()
    try:
        for section in sections:
            names = []
            rounds = min(arguments.rounds, section.most_rounds)
            for number in range(1, rounds + 1):
                for case in section.cases:
                    minutes, seconds = divmod(int(time.monotonic() - began), 60)
                    print(f"{minutes:02}:{seconds:02} {section.name}, round {number} of {rounds}: "
                          f"{case.name}", file=sys.stderr)
                    for name, result in case.run(around).items():
                        results.setdefault(name, []).append(result)
                        if name not in names:
                            names.append(name)
            told.append({"name": section.name, "title": section.title, "cases": names})
    finally:
        stores.close()
    return results, told


def left_out():
    """The words of cases whose program is missing here."""
    words = []
    for program, word in (("nginx", "nginx"), ("valgrind", "instructions")):
        if not shutil.which(program):
            print(f"{program} is not installed: left out", file=sys.stderr)
            words.append(word)
    return words


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(prog="tests/bench/run.sh", description="See the script's head.")
    parser.add_argument("--seconds", type=float, default=4, help="of a measurement")
    parser.add_argument("--rounds", type=int, default=5, help="the medians are over so many")
    parser.add_argument("--quick", action="store_true",
                        help="one round of a second, with few points of each curve and small backlogs")
    parser.add_argument("--only", action="append", default=[], metavar="WORD",
                        help="only this section, or cases whose name holds this; may be repeated")
    parser.add_argument("--without", action="append", default=[], metavar="WORD",
                        help="without these; may be repeated")
    parser.add_argument("--backlog", type=int, help="events of the largest backlog")
    parser.add_argument("--store", help="folder of filled stores; made if it is missing, and kept")
    parser.add_argument("--compare", metavar="FILE", help="results.json of an earlier run")
    parser.add_argument("--with", dest="new", metavar="FILE",
                        help="measure nothing: compare with this results.json")
    parser.add_argument("--build", default="build/release", help="folder of the programs")
    parser.add_argument("--output", default="build/bench", help="folder of the results")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.seconds, arguments.rounds = 1, 1
    if arguments.new and not arguments.compare:
        parser.error("--with is for --compare")
    return arguments


def compare(old, new):
    """Prints what has changed; the exit code."""
    found = comparison.changes(old["results"], new["results"])
    print("", *comparison.describe(old, new, found), sep="\n")
    return REGRESSION if comparison.has_regression(found) else 0


def read(path):
    """A report of an earlier run."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def main():
    arguments = parse()
    # Before the long part, and before its results may be written to the same place.
    old = read(arguments.compare) if arguments.compare else None
    if arguments.new:
        sys.exit(compare(old, read(arguments.new)))
    size = cases.QUICK if arguments.quick else cases.Size()
    if arguments.backlog:
        size = cases.dataclasses.replace(size, backlog=arguments.backlog)
    sections = cases.chosen(cases.sections(size, arguments.quick), arguments.only,
                            arguments.without + left_out())
    if not sections:
        sys.exit("nothing of that name")
    new = {"circumstances": report.circumstances(arguments.build)}
    new["circumstances"].update(seconds=arguments.seconds, rounds=arguments.rounds,
                                quick=arguments.quick)
    try:
        new["results"], new["sections"] = measure(arguments, sections)
    except RuntimeError as error:
        print(f"not measured: {error}", file=sys.stderr)
        sys.exit(2)
    new["marks"] = marks.judge(new["results"], marks.wanted(size))
    well = report.publish(new, arguments.output)
    code = compare(old, new) if old else 0
    sys.exit(code if well else 1)


if __name__ == "__main__":
    main()
