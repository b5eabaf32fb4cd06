"""What engines.py asks of a gateway, and what it makes of the figures."""

import pathlib
import types
import unittest

import engines

SERVERS = [types.SimpleNamespace(url=f"nats://127.0.0.1:{port}") for port in (1, 2, 3)]


class EnginesTest(unittest.TestCase):
    def test_a_gateway_without_servers_is_on_its_defaults(self):
        self.assertEqual(engines.settings_of(engines.Case("SQLite"), [], pathlib.Path("spool")), ())

    def test_a_gateway_is_told_how_many_servers_there_are_and_whether_they_sync(self):
        told = engines.settings_of(engines.Case("three", 3, sync=None), SERVERS, pathlib.Path("spool"))
        self.assertIn("--store-jetstream-replicas=3", told)
        self.assertIn("--store-jetstream-servers=nats://127.0.0.1:1,nats://127.0.0.1:2,nats://127.0.0.1:3", told)
        self.assertIn("--store-jetstream-servers-sync-always=false", told)
        self.assertFalse([flag for flag in told if "spool" in flag])

    def test_a_spool_is_a_directory_of_the_gateways_own(self):
        told = engines.settings_of(engines.Case("spool", 1, spool=True), SERVERS[:1], pathlib.Path("spool0"))
        self.assertIn("--store-spool-directory=spool0", told)

    def test_what_is_shown_is_the_median_of_what_can_be_counted(self):
        results = [{"p50_us": figure, "said": "", "ok": True} for figure in (3, 100, 5)]
        self.assertEqual(engines.medians(results)["p50_us"], 5)
        self.assertNotIn("said", engines.medians(results))

    def test_each_case_is_a_row(self):
        full = {"requests_per_second": 1234, "p50_us": 1500, "p99_us": 20000, "server_cpu_us": 80, "servers_cpu_us": 130,
                "reading_cpu_us": 0, "onlooking_cpu_us": 0}
        lines = engines.table({"one": (full, full), "other": (full, full)}).splitlines()
        self.assertEqual(len(lines), 4)
        self.assertEqual(lines[2].split("|")[1:4], [" one ", " 1,234 ", " 1.5 ms "])


if __name__ == "__main__":
    unittest.main()
