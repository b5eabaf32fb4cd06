#!/bin/bash
# Writes src/generated from proto/onhook/v1; with OUT_DIR, writes the same files there.
# Needs cargo, rustfmt and protoc 3.21 (Debian: protobuf-compiler).
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "${here}/../.." && pwd)"
out_dir="${1:-${here}/src/generated}"
export CARGO_TARGET_DIR="${root}/build/clients/rust/generator"

for tool in cargo rustfmt protoc; do
  if ! command -v "${tool}" > /dev/null; then
    echo "missing: ${tool}" >&2
    exit 77
  fi
done

mkdir -p "${out_dir}" "${CARGO_TARGET_DIR}"
descriptor_set="${CARGO_TARGET_DIR}/onhook.binpb"
protoc --proto_path="${root}/proto" --include_imports --include_source_info \
  --descriptor_set_out="${descriptor_set}" "${root}"/proto/onhook/v1/*.proto
cargo run --quiet --manifest-path "${here}/generator/Cargo.toml" -- "${descriptor_set}" "${out_dir}"
# As by default, wherever it is written: elsewhere there is no rustfmt.toml above it.
rustfmt --edition 2024 --config use_small_heuristics=Default "${out_dir}/onhook.v1.rs"
