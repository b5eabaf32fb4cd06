#!/usr/bin/env bash
# How many events each client library takes and acknowledges, side by side: builds the programs of
# clients/*/interop, fills a gateway's store, and lets each have a subscription of its own from the
# first event on, in turn, round after round.
#
#   tests/bench/clients.sh [--events 200000] [--rounds 3] [--language go]... [--build DIR] [--output DIR]
#
# Writes DIR/clients.json (default build/bench) and prints the table. Exit code 0 when everything was
# measured and nothing was lost, 1 otherwise; a library whose tools are missing is left out and named.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/bench/programs.sh
. tests/bench/programs.sh
build_programs onhookd onhook_cli -- "$@"
exec python3 -B tests/bench/client_throughput.py "$@"
