#!/usr/bin/env bash
# Checks everything there is of the Java library: style, unit tests, examples, the README's code, packages and
# API docs. Exits with 77 if there is no Java or Maven to do it with.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=/dev/null
source "$here/toolchain.sh"
cd "$here"
built=$here/../../build/clients/java
mkdir -p "$built"
rm -rf "$built"/*/surefire-reports

if ! mvn -q -B -ntp -Dstyle.color=never verify > "$built/check.log" 2>&1; then
  cat "$built/check.log"
  exit 1
fi
if ! "$here/format.sh" --check > "$built/format.log"; then
  echo "format.sh changes these files:"
  cat "$built/format.log"
  exit 1
fi

sed -n -E 's/^<testsuite .* tests="([0-9]+)".*/\1/p' "$built"/*/surefire-reports/TEST-*.xml |
  awk '{ sum += $1 } END { print sum " tests passed" }'
