#!/bin/bash
# The program that tests/interop/clients/run.py speaks to: --build makes it, without arguments it
# becomes it. With `blocking`, it is the one on the blocking client.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "${here}/../.." && pwd)"
# shellcheck source=clients/python/toolchain.sh
source "${here}/toolchain.sh"

if [[ "${1:-}" == --build ]]; then
  environment interop "${RUNTIME[@]}"
  PYTHONPYCACHEPREFIX="${build}/pycache" "${build}/interop/bin/python" -m compileall -q \
    "${here}/src" "${here}/interop"
  exit
fi
export PYTHONPATH="${here}/src" PYTHONPYCACHEPREFIX="${build}/pycache"
exec "${build}/interop/bin/python" "${here}/interop/${1:-aio}_program.py" 3>&-
