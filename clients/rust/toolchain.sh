# Sourced by the scripts beside it: exits with 77, and one line that says what is missing, unless the
# Rust toolchain is there and new enough.
# shellcheck shell=bash

oldest="1.88"

for tool in cargo rustc cc; do
  if ! command -v "${tool}" > /dev/null; then
    echo "missing: ${tool} (Rust ${oldest} or newer, and a C compiler)"
    exit 77
  fi
done
found="$(rustc --version | cut -d ' ' -f 2)"
if [[ "$(printf '%s\n' "${oldest}" "${found}" | sort --version-sort | head -n 1)" != "${oldest}" ]]; then
  echo "missing: Rust ${oldest} or newer (found ${found})"
  exit 77
fi
