#!/usr/bin/env bash
# Generates the messages and stubs of proto/onhook/v1 anew, with the versions that package-lock.json pins.
# generate.sh [OUT_DIR]: into OUT_DIR instead of src/generated.
set -euo pipefail
out="$(realpath -m "${1:-$(dirname "${BASH_SOURCE[0]}")/src/generated}")"
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=/dev/null
. ./toolchain.sh
require_toolchain
install_packages
rm -rf "$out/onhook" "$out/google" # a message that is gone leaves nothing behind
mkdir -p "$out"
PATH="$PWD/node_modules/.bin:$PATH" buf generate ../../proto --template buf.gen.yaml --output "$out"
