#!/usr/bin/env python3
"""FAULTS.md tells of each fault, and its commands name programs, tests and variables that there are.

usage: faults_test.py TREE
"""

import fnmatch
import pathlib
import re
import sys
import unittest

TREE = pathlib.Path(sys.argv.pop(1))
HERE = TREE / "tests/crash"
PAGE = (HERE / "FAULTS.md").read_text(encoding="utf-8")
# Of a run of tests/run.sh, a shell script.
ELSEWHERE = [TREE / "tests/run.sh", TREE / "tests/fuzz/run.sh"]


def sources():
    found = [path for path in (TREE / "tests").rglob("*.cc")] + [path for path in (TREE / "tests").rglob("*.h")]
    return "\n".join(path.read_text(encoding="utf-8") for path in found + ELSEWHERE)


SOURCES = sources()


def names_of_tests():
    """SUITE.TEST, with an instantiation's name before it where there is one."""
    prefixes = {suite: prefix for prefix, suite in re.findall(r"INSTANTIATE_TEST_SUITE_P\(\s*(\w+),\s*(\w+)", SOURCES)}
    found = []
    for kind, suite, test in re.findall(r"\bTEST(_F|_P)?\(\s*(\w+),\s*(\w+)\)", SOURCES):
        found.append(f"{prefixes[suite]}/{suite}.{test}/x" if kind == "_P" else f"{suite}.{test}")
    return found


class FaultsTest(unittest.TestCase):
    def test_the_table_has_a_row_for_each_fault_and_no_other(self):
        there = set()
        for path in HERE.glob("*_fault*.cc"):
            there |= set(re.findall(r'name\(\) const override \{ return "(\w+)"; \}', path.read_text(encoding="utf-8")))
        there.discard("first")  # of tests of the run itself
        made = re.findall(r"push_back\(Make\w+Fault\(\)\)", (HERE / "fault_registry.cc").read_text(encoding="utf-8"))
        rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
        self.assertEqual(rows, sorted(there))
        self.assertEqual(len(rows), len(made))

    def test_each_filter_finds_a_test(self):
        there = names_of_tests()
        filters = set(re.findall(r"--gtest_filter='([^']+)'", PAGE))
        self.assertGreater(len(filters), 10)
        for each in filters:
            self.assertTrue(fnmatch.filter(there, each), each)

    def test_each_program_is_built(self):
        for folder, program in set(re.findall(r"build/release/(tests/[\w/]+)/(\w+)", PAGE)):
            cmake = (TREE / folder / "CMakeLists.txt").read_text(encoding="utf-8")
            self.assertRegex(cmake, rf"(onhook_test|add_executable)\({program}\b", program)

    def test_each_program_has_the_tests_that_are_asked_of_it(self):
        asked = re.findall(r"build/release/(tests/[\w/]+)/(\w+) --gtest_filter='\*?/?(\w+)", PAGE)
        self.assertGreater(len(asked), 10)
        for folder, program, suite in set(asked):
            cmake = (TREE / folder / "CMakeLists.txt").read_text(encoding="utf-8")
            sources = re.search(rf"onhook_test\({program}\b(.*?)DEPENDS", cmake, re.DOTALL)[1]
            # Those that only some builds have.
            sources += " ".join(re.findall(rf"target_sources\({program}\b([^)]*)\)", cmake))
            text = "\n".join((TREE / folder / name).read_text(encoding="utf-8")
                             for name in re.findall(r"[\w/]+\.cc\b", sources))
            self.assertTrue(re.search(rf"\bTEST(_F|_P)?\(\w*{suite}", text), f"{program}: {suite}")

    def test_each_variable_is_read_and_each_fault_that_it_names_is_there(self):
        rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
        for name, value in re.findall(r"\b(ONHOOK_\w+)=([\w,]+)", PAGE):
            self.assertIn(name, SOURCES)
            if name == "ONHOOK_FAULTS" and value != "NAME":
                self.assertLessEqual(set(value.split(",")), set(rows))

    def test_each_script_is_there(self):
        for path in re.findall(r"\btests/[\w/]+\.sh\b", PAGE):
            self.assertTrue((TREE / path).exists(), path)


if __name__ == "__main__":
    unittest.main()
