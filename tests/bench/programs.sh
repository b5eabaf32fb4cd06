# shellcheck shell=bash
# To be sourced by the benchmarks' scripts, from the project's folder.

# build_programs TARGET... -- ARGUMENT...: builds the programs in the folder that the arguments name
# with --build, or in that of the release preset.
build_programs() {
  local build=build/release targets=()
  while [ "$1" != -- ]; do
    targets+=("$1")
    shift
  done
  shift
  while [ "$#" -gt 1 ]; do
    if [ "$1" = --build ]; then build="$2"; fi
    shift
  done
  [ -f "$build/CMakeCache.txt" ] || cmake --preset release -B "$build" >/dev/null
  cmake --build "$build" --target "${targets[@]}" >/dev/null
}
