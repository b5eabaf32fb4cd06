#!/usr/bin/env bash
# The benchmark: builds the release preset's programs and measures the gateway beside bare
# cpp-httplib and nginx `return 200`, in turn and by the same load generator, along the curves of
# connections, subscribers, idle streams, backlog and size; single functions; and a start.
#
#   tests/bench/run.sh [--quick] [--seconds 4] [--rounds 5] [--only WORD]... [--without WORD]...
#                      [--backlog 10000000] [--store DIR] [--build DIR] [--output DIR]
#                      [--compare FILE [--with FILE]]
#
# Writes DIR/results.json and DIR/results.txt (default build/bench) and prints the latter; the former
# is the baseline that a later run is compared with. Exit code 0 when everything was measured and
# nothing was lost, 1 when something was lost, 2 when it could not be measured, 3 when a figure became
# worse than --compare's; whether the marks are met is in the table, for they are of a quiet machine.
# Close other programs first: load, subscribers and server share it. README.md tells more.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/bench/programs.sh
. tests/bench/programs.sh
case " $* " in
  *" --with"[\ =]*) ;;
  *) build_programs onhookd gateway_bench backlog_bench bench_http_floor bench_hot_functions -- "$@" ;;
esac
exec python3 -B tests/bench/benchmark.py "$@"
