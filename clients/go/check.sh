#!/usr/bin/env bash
# Checks all of this folder: formatting, vet, staticcheck, generated code, documentation, builds, tests.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=clients/go/toolchain.sh
source "$here/toolchain.sh"
require_go
require_tools protoc cc
cd "$here"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
plugins=$root/build/clients/go/bin

# quietly COMMAND...: its output only if it fails.
quietly() {
  if ! "$@" >"$scratch/output" 2>&1; then
    echo "failed: $*"
    cat "$scratch/output"
    exit 1
  fi
}

unformatted=$(gofmt -l .)
if [[ -n $unformatted ]]; then
  echo "not as gofmt has it:" "$unformatted"
  exit 1
fi

(cd tools && quietly env GOBIN="$plugins" go install honnef.co/go/tools/cmd/staticcheck)
for module in . interop; do
  (
    cd "$module"
    quietly go mod verify
    quietly go mod tidy -diff
    quietly go build -o /dev/null ./...
    quietly go vet ./...
    quietly "$plugins/staticcheck" -checks all ./...
  )
done

./generate.sh "$scratch/generated"
quietly diff -r -x doc.go onhookpb "$scratch/generated/onhookpb"

for package in . ./onhookpb ./onhooktest; do
  quietly go doc -all "$package"
done

if ! go test -race -v ./... >"$scratch/tests" 2>&1; then
  grep -v -E '^ *(=== |--- PASS)' "$scratch/tests"
  exit 1
fi
passed=$(grep -c -E '^ *--- PASS' "$scratch/tests")
echo "gofmt, vet, staticcheck, generated code, documentation: as they should be"
echo "$passed tests passed"
