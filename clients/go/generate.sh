#!/usr/bin/env bash
# Generates the Go code of the API: generate.sh [OUT_DIR], by default into onhookpb.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
out=${1:-$here/onhookpb}
tools=$root/build/clients/go/bin

mkdir -p "$out" "$tools"
# The plugins' versions are pinned in tools/go.mod.
(cd "$here/tools" && GOBIN=$tools go install \
  google.golang.org/protobuf/cmd/protoc-gen-go google.golang.org/grpc/cmd/protoc-gen-go-grpc)

package=onhook.dev/onhook/onhookpb
options=(--go_opt=module="$package" --go-grpc_opt=module="$package")
cd "$root/proto"
for proto in onhook/v1/*.proto; do
  # The protos name no Go import path of this module.
  options+=(--go_opt="M$proto=$package;onhookpb" --go-grpc_opt="M$proto=$package;onhookpb")
done
protoc --plugin="$tools/protoc-gen-go" --plugin="$tools/protoc-gen-go-grpc" \
  --go_out="$out" --go-grpc_out="$out" "${options[@]}" onhook/v1/*.proto
