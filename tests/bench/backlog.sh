#!/usr/bin/env bash
# What a backlog and stalled readers cost: builds the release preset's programs, fills a store in which
# one subscription that nobody uses is owed millions of events, and measures the gateway with it and
# without it, in turn.
#
#   tests/bench/backlog.sh [--events 5000000] [--seconds 10] [--rounds 3]
#                          [--build DIR] [--output DIR] [--store DIR]
#
# The store takes about 0.5 KiB of disk an event; --store keeps it for another run. Results as run.sh's,
# in DIR (default build/bench/backlog). Close other programs first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/bench/programs.sh
. tests/bench/programs.sh
build_programs onhookd gateway_bench backlog_bench -- "$@"
exec python3 tests/bench/backlog.py "$@"
