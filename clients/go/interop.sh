#!/usr/bin/env bash
# Runs the program of tests/interop/clients/PROTOCOL.md; with --build, builds it.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=$(cd "$here/../.." && pwd)/build/clients/go/interop

if [[ ${1:-} == --build ]]; then
  # shellcheck source=clients/go/toolchain.sh
  source "$here/toolchain.sh"
  require_go
  mkdir -p "$(dirname "$program")"
  cd "$here/interop"
  exec go build -o "$program" .
fi
exec "$program" "$@"
