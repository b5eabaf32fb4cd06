#!/usr/bin/env bash
# Becomes the program that tests/interop/clients plays its scenarios with; with --build, builds it.
set -euo pipefail
top="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"

if [ "${1:-}" != --build ]; then exec "$top/build/release/clients/cpp/onhook_interop_cpp"; fi
for tool in cmake ninja g++ protoc; do
  command -v "$tool" >/dev/null || {
    echo "missing: $tool (deploy/setup.sh installs it)"
    exit 77
  }
done
cd "$top"
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
if ! { [ -f build/release/build.ninja ] || cmake --preset release; } >"$log" 2>&1 ||
  ! cmake --build --preset release -j 2 --target onhook_interop_cpp >>"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
