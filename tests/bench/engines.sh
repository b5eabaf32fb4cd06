#!/usr/bin/env bash
# The engines side by side, SQLite and JetStream on one server and on three: see engines.py.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/bench/programs.sh
. tests/bench/programs.sh
build_programs onhookd gateway_bench -- "$@"
exec python3 -B tests/bench/engines.py "$@"
