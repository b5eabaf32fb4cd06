"""Compares two runs of the benchmark, and tells change from noise.

A figure has changed if its median moved by more than its tolerance and the middle halves of the rounds,
from quartile to quartile, do not overlap. If they do, or are too few to tell, it is unsure: measure
again, with more rounds.
What is no part of the project (nginx, cpp-httplib, SQLite alone) is measured beside it as a yardstick:
it tells of the machine, and is never a regression.
"""

import dataclasses
import statistics

# (figure, its title, whether more is better, tolerance): a busy machine moves CPU time less than
# rates, rates less than what a percentile says of the slowest.
FIGURES = [
    ("requests_per_second", "requests/s", True, 0.10), ("events_per_second", "events/s", True, 0.10),
    ("server_cpu_us", "CPU us", False, 0.05), ("instructions", "instructions", False, 0.02),
    ("p50_us", "p50 us", False, 0.15), ("p99_us", "p99 us", False, 0.30),
    ("p999_us", "p99.9 us", False, 0.50), ("start_ms", "start ms", False, 0.15),
    ("cpu_ns", "CPU ns", False, 0.05), ("real_ns", "ns", False, 0.10),
    ("server_at_rest_mib", "rest MiB", False, 0.05), ("server_peak_mib", "peak MiB", False, 0.05),
    ("idle_stream_kib", "KiB/stream", False, 0.05),
]

YARDSTICKS = ("nginx", "cpp-httplib", "SQLite")

# With fewer rounds nobody knows how far they spread.
FEWEST_ROUNDS = 3

# What has to be the same for the figures to be comparable.
MACHINE = ("processor", "processors", "memory", "kernel", "seconds")


@dataclasses.dataclass(frozen=True)
class Change:
    """One figure of one case, before and after."""
    case: str
    title: str
    old: float
    new: float
    old_spread: float  # of the rounds, from least to most, against the median
    new_spread: float
    verdict: str  # "", "better", "WORSE", "unsure", or "yardstick moved"

    @property
    def ratio(self):
        """New against old."""
        return self.new / self.old


def _quartiles(values):
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def _spread(values):
    return (max(values) - min(values)) / statistics.median(values)


def _verdict(case, old, new, more_is_better, tolerance):
    ratio = statistics.median(new) / statistics.median(old)
    if abs(ratio - 1) <= tolerance:
        return ""
    if case.startswith(YARDSTICKS):
        return "yardstick moved"
    if min(len(old), len(new)) < FEWEST_ROUNDS:
        return "unsure"
    (old_low, old_high), (new_low, new_high) = _quartiles(old), _quartiles(new)
    if old_low <= new_high and new_low <= old_high:
        return "unsure"
    return "better" if (ratio > 1) == more_is_better else "WORSE"


def changes(old_results, new_results):
    """Every figure that both runs have, of cases that both have, in the order of the new run."""
    found = []
    for case, new_rounds in new_results.items():
        for figure, title, more_is_better, tolerance in FIGURES:
            old = [each[figure] for each in old_results.get(case, []) if each.get(figure)]
            new = [each[figure] for each in new_rounds if each.get(figure)]
            if old and new:
                found.append(Change(
                    case, title, statistics.median(old), statistics.median(new), _spread(old),
                    _spread(new), _verdict(case, old, new, more_is_better, tolerance)))
    return found


def has_regression(found):
    """Whether something became worse."""
    return any(each.verdict == "WORSE" for each in found)


def describe(old, new, found):
    """The lines that tell of the changes."""
    machines = [{name: report["circumstances"].get(name) for name in MACHINE} for report in (old, new)]
    lines = [f"old: {old['circumstances']['commit']}", f"new: {new['circumstances']['commit']}"]
    lines += [f"not the same {name}: {machines[0][name]}; {machines[1][name]}"
              for name in MACHINE if machines[0][name] != machines[1][name]]
    if any(each.verdict == "yardstick moved" for each in found):
        lines.append("A yardstick moved: the machine was not as it was, which the rates show first.")
    width = max([len(each.case) for each in found], default=0)
    lines.append(f"{'':<{width}}{'':>14}{'old':>13}{'spread':>8}{'new':>13}{'spread':>8}{'ratio':>8}")
    for each in found:
        lines.append(f"{each.case:<{width}}{each.title:>14}{each.old:>13,.1f}{each.old_spread:>8.0%}"
                     f"{each.new:>13,.1f}{each.new_spread:>8.0%}{each.ratio:>8.3f}  {each.verdict}"
                     .rstrip())
    counts = {verdict: sum(each.verdict == verdict for each in found)
              for verdict in ("better", "WORSE", "unsure")}
    lines.append(f"{len(found)} figures: " + ", ".join(f"{count} {verdict}"
                                                      for verdict, count in counts.items()))
    return lines
