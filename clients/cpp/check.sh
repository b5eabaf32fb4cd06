#!/usr/bin/env bash
# Tries the C++ library: its tests, its README's code, its examples, a project that uses it as it is installed,
# the layout of its files, and its pages. Quiet, but for what fails; the last line counts the tests.
set -euo pipefail
top="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
cd "$top"

for tool in cmake ctest ninja g++ protoc grpc_cpp_plugin pkg-config python3 clang-format-14; do
  command -v "$tool" >/dev/null || {
    echo "missing: $tool (deploy/setup.sh --tests installs it)"
    exit 77
  }
done

build=build/release
output=build/clients/cpp
mkdir -p "$output"

# quietly NAME COMMAND...: says something, all of it, only where the command fails.
quietly() {
  local log="$output/$1.log"
  shift
  "$@" >"$log" 2>&1 || {
    cat "$log"
    echo "failed: $*"
    exit 1
  }
}

[ -f "$build/build.ninja" ] || quietly configure cmake --preset release
quietly build cmake --build --preset release -j 2 -t onhook_client onhook_testing clients_cpp_test \
  onhook_interop_cpp onhook_example_crm_wrap_up onhook_example_recording_fetch
quietly tests ctest --test-dir "$build" -j 2 --no-tests=error --output-on-failure -L clients_cpp
passed=$(sed -n 's/^100% tests passed, 0 tests failed out of \([0-9]*\)$/\1/p' "$output/tests.log")
mapfile -t sources < <(find clients/cpp -name '*.cc' -o -name '*.h')
quietly layout clang-format-14 --dry-run --Werror "${sources[@]}"
if command -v doxygen >/dev/null; then
  quietly pages doxygen clients/cpp/Doxyfile
else
  echo "no pages of the headers: doxygen is not installed"
fi
echo "$passed tests passed"
