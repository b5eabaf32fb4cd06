"""Two runs are compared, and change is told from noise: as a command, on two small files."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
GATEWAY = "gateway, 64 connections"


def report(**cases):
    """A run in which the gateway's case has these figures, or those that are given by name."""
    machine = {"processor": "p", "processors": 2, "memory": "8 GiB", "kernel": "6", "commit": "c"}
    results = {}
    for name, figures in cases.items():
        rounds = max(len(values) for values in figures.values())
        results[{"gateway": GATEWAY}.get(name, name)] = [
            {figure: values[at] for figure, values in figures.items()} for at in range(rounds)]
    return {"circumstances": machine, "results": results}


class ComparisonTest(unittest.TestCase):
    """`benchmark.py --compare OLD --with NEW`."""

    def compare(self, old, new):
        """The exit code, and what was printed."""
        with tempfile.TemporaryDirectory() as directory:
            paths = [os.path.join(directory, name) for name in ("old.json", "new.json")]
            for path, content in zip(paths, (old, new)):
                with open(path, "w", encoding="utf-8") as file:
                    json.dump(content, file)
            done = subprocess.run(
                [sys.executable, "-B", str(HERE / "benchmark.py"), "--compare", paths[0], "--with",
                 paths[1]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode, done.stdout

    def line(self, text, title):
        """The line that tells of a figure."""
        return next(line for line in text.splitlines() if title in line)

    def test_the_same_is_no_change(self):
        same = report(gateway={"server_cpu_us": [30, 31, 29], "p50_us": [900, 950, 920]})
        code, text = self.compare(same, same)
        self.assertEqual(code, 0, text)
        self.assertIn("2 figures: 0 better, 0 WORSE, 0 unsure", text)

    def test_what_costs_more_beyond_all_noise_is_a_regression(self):
        code, text = self.compare(report(gateway={"server_cpu_us": [28, 28.4, 28.2, 27.9, 28.1]}),
                                  report(gateway={"server_cpu_us": [31, 31.2, 30.8, 31.1, 31.3]}))
        self.assertEqual(code, 3, text)
        line = self.line(text, "CPU us")
        self.assertTrue(line.endswith("1.107  WORSE"), line)
        self.assertIn("2%", line)  # (28.4 - 27.9) / 28.1, and so the other

    def test_what_costs_less_is_better(self):
        code, text = self.compare(report(gateway={"server_cpu_us": [31, 31, 31]}),
                                  report(gateway={"server_cpu_us": [28, 28, 28]}))
        self.assertEqual(code, 0, text)
        self.assertTrue(self.line(text, "CPU us").endswith("0.903  better"), text)

    def test_of_rates_more_is_better_and_less_is_worse(self):
        slow, fast = ({"requests_per_second": [value] * 3} for value in (30_000, 40_000))
        code, text = self.compare(report(gateway=slow), report(gateway=fast))
        self.assertEqual((code, self.line(text, "requests/s").split()[-1]), (0, "better"))
        code, text = self.compare(report(gateway=fast), report(gateway=slow))
        self.assertEqual((code, self.line(text, "requests/s").split()[-1]), (3, "WORSE"))

    def test_what_moves_within_its_tolerance_is_no_change(self):
        code, text = self.compare(report(gateway={"server_cpu_us": [28, 28, 28]}),
                                  report(gateway={"server_cpu_us": [29, 29, 29]}))
        self.assertEqual(code, 0, text)
        self.assertTrue(self.line(text, "CPU us").endswith("1.036"), text)

    def test_what_moves_while_its_rounds_overlap_is_unsure_and_no_regression(self):
        code, text = self.compare(report(gateway={"server_cpu_us": [24, 28, 33, 27, 32]}),
                                  report(gateway={"server_cpu_us": [25, 31, 36, 32, 30]}))
        self.assertEqual(code, 0, text)
        self.assertTrue(self.line(text, "CPU us").endswith("unsure"), text)

    def test_what_two_rounds_say_is_unsure(self):
        code, text = self.compare(report(gateway={"server_cpu_us": [28, 28]}),
                                  report(gateway={"server_cpu_us": [40, 40]}))
        self.assertEqual(code, 0, text)
        self.assertTrue(self.line(text, "CPU us").endswith("unsure"), text)

    def test_one_slow_round_hides_no_regression(self):
        code, text = self.compare(report(gateway={"server_cpu_us": [28, 28, 28, 28, 40]}),
                                  report(gateway={"server_cpu_us": [33, 33, 33, 33, 27]}))
        self.assertEqual(code, 3, text)

    def test_a_yardstick_tells_of_the_machine_and_is_no_regression(self):
        name = "nginx, 64 connections"
        code, text = self.compare(report(**{name: {"server_cpu_us": [6, 6, 6]}}),
                                  report(**{name: {"server_cpu_us": [9, 9, 9]}}))
        self.assertEqual(code, 0, text)
        self.assertIn("A yardstick moved", text)

    def test_another_machine_is_told(self):
        old, new = report(gateway={"p50_us": [1]}), report(gateway={"p50_us": [1]})
        new["circumstances"]["processors"] = 4
        self.assertIn("not the same processors: 2; 4", self.compare(old, new)[1])

    def test_what_only_one_run_has_is_left_out(self):
        code, text = self.compare(report(gateway={"p50_us": [1]}, other={"p50_us": [1]}),
                                  report(gateway={"p50_us": [1], "p99_us": [2]}))
        self.assertEqual(code, 0, text)
        self.assertIn("1 figures", text)


if __name__ == "__main__":
    unittest.main()
