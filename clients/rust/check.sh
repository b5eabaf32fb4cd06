#!/bin/bash
# Everything that must hold of the Rust client: format, lints, tests, examples, the README's code,
# documentation, package. Exits with 77 and one line where there is no Rust toolchain.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "${here}/../.." && pwd)"
export CARGO_TARGET_DIR="${root}/build/clients/rust"
# shellcheck source=/dev/null
source "${here}/toolchain.sh"
for tool in cargo-fmt cargo-clippy; do
  if ! command -v "${tool}" > /dev/null; then
    echo "missing: ${tool}"
    exit 77
  fi
done

cd "${here}"
log="${CARGO_TARGET_DIR}/check.log"
mkdir -p "${CARGO_TARGET_DIR}"

# Runs a command quietly; shows what it said if it fails.
step() {
  if ! "$@" > "${log}" 2>&1; then
    cat "${log}" >&2
    echo "failed: $*" >&2
    exit 1
  fi
}

tests=0
# As step, for tests; counts them.
count() {
  step "$@"
  local passed
  passed="$(sed -n 's/^test result: ok\. \([0-9]*\) passed.*/\1/p' "${log}" | paste -sd + -)"
  tests=$((tests + ${passed:-0}))
}

step cargo fmt --all --check
step cargo fmt --manifest-path generator/Cargo.toml --check
# The same packages and features each time: what they depend on is compiled once.
step cargo clippy --quiet --workspace --all-targets --all-features -- --deny warnings
count cargo test --quiet --workspace --all-targets --all-features
count cargo test --quiet --package onhook-client --all-features --doc
RUSTDOCFLAGS="--deny warnings" step cargo doc --quiet --no-deps --package onhook-client --all-features
step cargo package --quiet --no-verify --allow-dirty --package onhook-client
echo "${tests} tests passed"
