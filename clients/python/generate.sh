#!/bin/bash
# Writes the generated code, here or below OUT_DIR: messages, stubs, and the types of both.
#
#   clients/python/generate.sh [OUT_DIR]
#
# The versions are the oldest that the library is to work with: what they write works with any
# later protobuf of this major version and of the next.
set -euo pipefail

readonly GRPCIO_TOOLS=1.76.0
readonly PROTOBUF=6.33.6
readonly MYPY_PROTOBUF=4.0.0

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "${here}/../.." && pwd)"
out="${1:-${here}/src}"
# shellcheck source=clients/python/toolchain.sh
source "${here}/toolchain.sh"

environment generator "grpcio-tools==${GRPCIO_TOOLS}" "protobuf==${PROTOBUF}" \
  "mypy-protobuf==${MYPY_PROTOBUF}"
mkdir -p "${out}"
PATH="${build}/generator/bin:${PATH}" "${build}/generator/bin/python" -m grpc_tools.protoc \
  -I "${root}/proto" -I "${here}/proto" \
  --python_out="${out}" --mypy_out=quiet:"${out}" \
  "${here}"/proto/onhook/wire/*.proto "${root}"/proto/onhook/v1/*.proto
PATH="${build}/generator/bin:${PATH}" "${build}/generator/bin/python" -m grpc_tools.protoc \
  -I "${root}/proto" \
  --grpc_python_out="${out}" --mypy_grpc_out=quiet:"${out}" \
  "${root}"/proto/onhook/v1/*_service.proto
touch "${out}/onhook/v1/__init__.py" "${out}/onhook/wire/__init__.py"
