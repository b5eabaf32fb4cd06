"""How the benchmark chooses cases, reads what programs print, judges and shows it."""

import unittest

import cases
import instructions
import marks
import measurements
import report


class ChoiceTest(unittest.TestCase):
    """Which cases are measured."""

    def names(self, only=(), without=(), size=cases.Size()):
        """Of the cases that are left, by section."""
        return {section.name: [case.name for case in section.cases]
                for section in cases.chosen(cases.sections(size), only, without)}

    def test_all_are_measured_without_a_choice_and_no_two_are_called_alike(self):
        names = [name for of_section in self.names().values() for name in of_section]
        self.assertEqual(len(names), len(set(names)))
        self.assertGreater(len(names), 40)

    def test_a_word_is_a_section_or_part_of_a_name(self):
        self.assertEqual(list(self.names(only=["floors", "single-row"])), ["floors", "latency"])
        self.assertEqual(self.names(only=["single-row"]), {"latency": [cases.COMMITS]})

    def test_what_is_left_out_is_not_measured(self):
        self.assertEqual(self.names(only=["floors"], without=["nginx"]),
                         {"floors": [cases.HTTPLIB, cases.GATEWAY]})

    def test_the_curves_are_those_that_are_asked_for(self):
        self.assertEqual(cases.Size().connections, (1, 4, 16, 64, 256, 1024))
        self.assertEqual(cases.Size().subscribers, (0, 1, 2, 4, 8, 16, 32, 64))
        self.assertEqual(max(cases.Size().idle_streams), 1000)
        self.assertEqual(cases.Size().all_backlogs(), (0, 10_000, 1_000_000, 10_000_000))
        self.assertEqual(cases.Size(backlog=10_000).all_backlogs(), (0, 10_000))
        self.assertEqual(max(cases.Size().bodies_kib), 64)


class MarksTest(unittest.TestCase):
    """Marks that are met and missed."""

    def judged(self, results):
        """{the mark's first words: (value, met)}."""
        return {mark["mark"]: (mark["value"], mark["met"])
                for mark in marks.judge(results, marks.wanted(cases.Size()))}

    def test_a_mark_is_met_by_the_median_of_its_rounds(self):
        name = "64 connections: gateway CPU per event <= 28 us"
        self.assertEqual(self.judged({cases.GATEWAY: [{"server_cpu_us": 27}, {"server_cpu_us": 90},
                                                      {"server_cpu_us": 28}]}), {name: (28, True)})
        self.assertEqual(self.judged({cases.GATEWAY: [{"server_cpu_us": 29}]}), {name: (29, False)})

    def test_a_ratio_is_that_of_the_same_round(self):
        results = {cases.GATEWAY: [{"requests_per_second": 60}, {"requests_per_second": 30}],
                   cases.HTTPLIB: [{"requests_per_second": 100}, {"requests_per_second": 50}]}
        self.assertEqual(list(self.judged(results).values()), [(60, True)])

    def test_further_subscribers_are_judged_by_their_mean(self):
        results = {cases.subscribers_case(1): [{"server_cpu_us": 20}],
                   cases.subscribers_case(8): [{"server_cpu_us": 41}]}
        self.assertEqual(list(self.judged(results).values()), [(3, False)])

    def test_each_mark_is_of_figures_that_its_cases_have(self):
        names = {case.name for section in cases.sections(cases.Size()) for case in section.cases}
        for what, value_of, _, _ in marks.wanted(cases.Size()):
            asked = []
            value_of(lambda case, figure, asked=asked: asked.append(case) or 1)
            with self.subTest(what=what):
                self.assertLessEqual(set(asked), names)


class ReadingTest(unittest.TestCase):
    """What other programs print."""

    def test_counts_of_perf_and_callgrind_are_read(self):
        self.assertEqual(instructions.counted_by_perf("123456,,instructions:u,99,100.00,,\n"), 123456)
        self.assertIsNone(instructions.counted_by_perf("<not supported>,,instructions:u,0,100.00,,\n"))
        self.assertEqual(instructions.counted_by_callgrind("events: Ir\nsummary: 42\n"), 42)
        self.assertEqual(instructions.counted_by_callgrind("fn=(1)\n1 2\ntotals: 43\n"), 43)
        self.assertIsNone(instructions.counted_by_callgrind("events: Ir\n"))

    def test_each_benchmark_of_a_function_is_a_case(self):
        results = measurements.functions_of(
            {"benchmarks": [{"name": "Parse/json", "real_time": 7.5, "cpu_time": 7.0},
                            {"name": "Commit/real_time", "real_time": 90.0, "cpu_time": 8.0}]}, "function")
        self.assertEqual(results["function: Parse/json"], {"cpu_ns": 7.0, "ok": True, "said": ""})
        self.assertEqual(results["function: Commit/real_time"]["real_ns"], 90.0)


class TableTest(unittest.TestCase):
    """The table for people."""

    def table(self, rounds, load=0.1):
        """Of one case."""
        return report.table({"circumstances": {"load_before": load}, "results": {"a case": rounds},
                             "sections": [{"name": "s", "title": "t", "cases": ["a case"]}],
                             "marks": [{"mark": "m", "value": 1, "unit": "us", "met": False}]})

    def test_it_shows_medians_marks_and_what_was_said(self):
        text = self.table([{"p50_us": value, "ok": True, "said": ""} for value in (1, 3, 900)]
                          + [{"ok": False, "said": "one was lost"}])
        self.assertRegex(text, r"a case +3\n")
        self.assertIn("MISSED  m: 1 us", text)
        self.assertIn("a case: one was lost", text)
        self.assertNotIn("busy", text)

    def test_it_says_that_the_load_generator_was_late_itself(self):
        late = {"behind_us": 900, "p99_us": 800, "ok": True, "said": ""}
        self.assertIn("a case: the load generator itself was up to 900 us late", self.table([late]))
        self.assertNotIn("load generator", self.table([{**late, "behind_us": 700}]))

    def test_it_says_of_a_busy_machine_that_the_marks_say_little(self):
        self.assertIn("busy", self.table([{"p50_us": 1, "ok": True, "said": ""}], load=2))


if __name__ == "__main__":
    unittest.main()
