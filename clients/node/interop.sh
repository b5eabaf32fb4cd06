#!/usr/bin/env bash
# The program for the interop tests: `interop.sh --build` builds it, `interop.sh` becomes it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
if [[ "${1:-}" != --build ]]; then exec node dist/interop/main.js; fi
# shellcheck source=/dev/null
. ./toolchain.sh
require_toolchain
install_packages
npm run --silent build
