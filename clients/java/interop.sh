#!/usr/bin/env bash
# Builds (--build), or becomes, the program that the interop tests speak to.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
built=$here/../../build/clients/java/interop

if [[ ${1:-} == --build ]]; then
  # shellcheck source=/dev/null
  source "$here/toolchain.sh"
  cd "$here"
  exec mvn -q -B -ntp -Dstyle.color=never -pl interop -am \
    -Dmaven.test.skip=true -Dmaven.javadoc.skip=true -Dmaven.source.skip=true package
fi

# A heap that does not have to grow first, and a collector of one thread: the gateway needs a core, too.
exec java -XX:+UseSerialGC -Xms256m -cp "$built/classes:$built/lib/*" dev.onhook.interop.Main
