#!/bin/bash
# The program of tests/interop/clients/PROTOCOL.md: `interop.sh --build` builds it, `interop.sh` becomes it.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "${here}/../.." && pwd)"
export CARGO_TARGET_DIR="${root}/build/clients/rust"

if [[ "${1:-}" == "--build" ]]; then
  # shellcheck source=/dev/null
  source "${here}/toolchain.sh"
  # The same packages and features as in check.sh: what they depend on is compiled once. The profile
  # optimises.
  exec cargo build --quiet --manifest-path "${here}/Cargo.toml" --workspace --all-features
fi
exec "${CARGO_TARGET_DIR}/debug/onhook-client-interop"
