# shellcheck shell=bash
# Sourced by this folder's scripts.

# Ends with 77 and one line unless the Go that is needed is here.
require_go() {
  # Never fetches another toolchain, and looks at no workspace around.
  export GOTOOLCHAIN=local GOFLAGS=-mod=readonly GOWORK=off
  local version major minor
  if ! version=$(go env GOVERSION 2>/dev/null); then
    echo "missing: Go 1.26 or newer"
    exit 77
  fi
  IFS=. read -r major minor _ <<<"${version#go}"
  if ((major == 1 && ${minor%%[!0-9]*} < 26)); then
    echo "missing: Go 1.26 or newer; this is $version"
    exit 77
  fi
}

# Ends with 77 and one line unless the tools are here.
require_tools() {
  local tool
  for tool in "$@"; do
    if ! command -v "$tool" >/dev/null; then
      echo "missing: $tool"
      exit 77
    fi
  done
}
