#!/usr/bin/env bash
# The benchmark: builds the release preset's programs and measures the gateway beside bare
# cpp-httplib and nginx `return 200`, one after the other in the same run, by the same load generator.
#
#   tests/bench/run.sh [--seconds 5] [--rounds 3] [--only NAME] [--build DIR] [--output DIR]
#
# Writes DIR/results.json and DIR/results.txt (default build/bench) and prints the latter. Exit code 0
# when everything was measured and nothing was lost; whether the marks are met is in the table, for
# they are of a quiet machine. Close other programs first: load, subscribers and server share it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/bench/programs.sh
. tests/bench/programs.sh
build_programs onhookd gateway_bench bench_http_floor -- "$@"
exec python3 tests/bench/benchmark.py "$@"
