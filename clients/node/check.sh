#!/usr/bin/env bash
# Everything that is to be so of this library: the generated code is current, lint, types, tests
# (examples, README and packed package among them) and documentation. Quiet if all is well.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=/dev/null
. ./toolchain.sh
require_toolchain
install_packages

work=../../build/clients/node
mkdir -p "$work"

# Says what failed, with its output.
quietly() {
  local what="$1"
  shift
  if "$@" >"$work/$what.log" 2>&1; then return; fi
  cat "$work/$what.log"
  echo "failed: $what"
  exit 1
}

is_current() {
  ./generate.sh "$work/generated" && diff -r src/generated "$work/generated"
}

quietly generated is_current
quietly build npm run --silent build
quietly lint npm run --silent lint
quietly tests node --test --test-timeout=120000 --test-reporter=tap dist/test/*.test.js
quietly documentation npm run --silent docs
passed="$(sed -n 's/^# pass //p' "$work/tests.log")"
failed="$(sed -n 's/^# fail //p' "$work/tests.log")"
if [[ "$failed" != 0 || "$passed" -lt 1 ]]; then
  echo "failed: $failed tests, $passed passed"
  exit 1
fi
echo "$passed tests passed"
