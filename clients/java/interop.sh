#!/usr/bin/env bash
# Builds (--build), or becomes, the program that the interop tests speak to.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
built=$here/../../build/clients/java/interop

if [[ ${1:-} == --build ]]; then
  # shellcheck source=/dev/null
  source "$here/toolchain.sh"
  cd "$here"
  exec mvn -q -B -ntp -Dstyle.color=never -pl interop -am -Dmaven.test.skip=true -Dcheckstyle.skip package
fi

# A short-lived program that the first seconds of matter for: no second compiler thread fights for
# the cores that the gateway needs, and the heap does not have to grow first.
exec java -XX:+UseSerialGC -Xms256m -cp "$built/classes:$built/lib/*" dev.onhook.interop.Main
