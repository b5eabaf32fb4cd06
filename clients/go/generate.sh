#!/usr/bin/env bash
# Generates the Go code of the API: generate.sh [OUT_DIR], by default in place.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=clients/go/toolchain.sh
source "$here/toolchain.sh"
require_go
require_tools protoc

mkdir -p "${1:-$here}"
out=$(cd "${1:-$here}" && pwd)
plugins=$root/build/clients/go/bin
# Their versions are pinned in tools/go.mod.
(cd "$here/tools" && GOBIN=$plugins go install \
  google.golang.org/protobuf/cmd/protoc-gen-go google.golang.org/grpc/cmd/protoc-gen-go-grpc)

module=onhook.dev/onhook
options=(--go_opt=module="$module" --go-grpc_opt=module="$module")
cd "$root/proto"
for proto in onhook/v1/*.proto; do
  # The protos name no import path of Go.
  package="M$proto=$module/onhookpb;onhookpb"
  options+=(--go_opt="$package" --go-grpc_opt="$package")
done
protoc --plugin="$plugins/protoc-gen-go" --plugin="$plugins/protoc-gen-go-grpc" \
  --go_out="$out" --go-grpc_out="$out" "${options[@]}" onhook/v1/*.proto
