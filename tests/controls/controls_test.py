#!/usr/bin/env python3
"""A control whose place in the source has moved fails to build, and the table tells of each control.

usage: controls_test.py TREE
"""

import os
import re
import sys
import unittest

import mutate

TREE = sys.argv.pop(1)
CONTROL = re.compile(r"^\s*onhook_control(?:_object)?\((\w+) FILE (\S+)", re.MULTILINE)
ROW = re.compile(r"^\| `(\w+)` \| (.*) \| (.*) \|$", re.MULTILINE)


def read(*path):
    with open(os.path.join(TREE, *path), encoding="utf-8") as file:
        return file.read()


class MutateTest(unittest.TestCase):
    def test_each_text_is_replaced_where_it_stands(self):
        edits = [("two", "zwei; \"2\""), ("one", "two")]
        self.assertEqual(mutate.mutate("a", "one two three", edits), "two zwei; \"2\" three")

    def test_a_text_that_is_not_there_is_an_error(self):
        with self.assertRaisesRegex(ValueError, "control a: this text stands 0 times"):
            mutate.mutate("a", "one two", [("three", "")])

    def test_a_text_that_is_there_twice_is_an_error(self):
        with self.assertRaisesRegex(ValueError, "control a: this text stands 2 times"):
            mutate.mutate("a", "one two one", [("one", "")])

    def test_texts_that_overlap_are_an_error(self):
        with self.assertRaisesRegex(ValueError, "overlap"):
            mutate.mutate("a", "one two three", [("one two", ""), ("two three", "")])


class TableTest(unittest.TestCase):
    def setUp(self):
        self.rows = ROW.findall(read("tests", "controls", "CONTROLS.md"))

    def test_the_table_has_a_row_for_each_control_and_no_other(self):
        controls = CONTROL.findall(read("tests", "controls", "CMakeLists.txt"))
        self.assertGreater(len(controls), 5)
        self.assertEqual([name for name, _, _ in self.rows], [name for name, _ in controls])

    def test_each_row_names_tests_that_there_are_and_that_start_this_control(self):
        for name, wrong, caught in self.rows:
            tests = re.findall(r"`(\w+)\.(\w+)` in `([\w./]+)`", caught)
            self.assertTrue(wrong and tests, f"{name}: no test catches it")
            for suite, test, path in tests:
                source = read(path)
                self.assertRegex(source, rf"TEST(_F|_P)?\({suite}, {test}\)", f"{name}: {path}")
                self.assertIn(f'"{name}"', source, f"{name}: {path}")


if __name__ == "__main__":
    unittest.main()
