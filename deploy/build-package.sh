#!/usr/bin/env bash
# Builds the Debian package: build/package/onhook_VERSION_ARCHITECTURE.deb.
set -euo pipefail
# shellcheck source=deploy/steps.sh
. "$(dirname "${BASH_SOURCE[0]}")/steps.sh"
cd "$STEPS_TOP"

usage() {
  cat <<'USAGE'
usage: deploy/build-package.sh [--maintainer 'NAME <ADDRESS>']
  --maintainer  who answers for the package, as its control file names them
Needs what deploy/setup.sh installs, and no root. The package is for the Debian release and the
architecture of this machine.
USAGE
}

options=(-DONHOOK_TESTS=OFF)
while [ $# -gt 0 ]; do
  case "$1" in
    --maintainer)
      [ $# -ge 2 ] || fail "--maintainer needs a name and an address"
      options+=("-DONHOOK_PACKAGE_MAINTAINER=$2")
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      usage >&2
      fail "unknown option $1"
      ;;
  esac
  shift
done

# The date within is that of the sources, not that of the hour of building.
if [ -z "${SOURCE_DATE_EPOCH:-}" ] && epoch=$(git log -1 --format=%ct 2>/dev/null); then
  export SOURCE_DATE_EPOCH="$epoch"
fi

build_programs() {
  cmake --preset release "${options[@]}" &&
    cmake --build --preset release --target onhookd onhook_cli -j "$(nproc)"
}

pack() {
  rm -f build/package/onhook_*.deb
  cpack --config build/release/CPackConfig.cmake -B build/package
}

./deploy/setup.sh
run_step package-build "building onhookd and onhook (the first time some minutes)" build_programs
run_step package-pack "packing" pack
say "$(ls build/package/onhook_*.deb)"
