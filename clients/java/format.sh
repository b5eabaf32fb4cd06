#!/usr/bin/env bash
# Formats all Java code as google-java-format has it; with --check, only says what is not.
set -euo pipefail

version=1.28.0
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=$here/../../build/clients/java/tools
jar=$tools/google-java-format-$version-all-deps.jar

if [[ ! -e $jar ]]; then
  mvn -q -B -ntp -Dstyle.color=never org.apache.maven.plugins:maven-dependency-plugin:3.10.0:copy \
    -Dartifact=com.google.googlejavaformat:google-java-format:$version:jar:all-deps \
    -DoutputDirectory="$tools"
fi

exports=()
for package in api code file parser tree util; do
  exports+=(--add-exports "jdk.compiler/com.sun.tools.javac.$package=ALL-UNNAMED")
done
mode=(--replace)
if [[ ${1:-} == --check ]]; then
  mode=(--dry-run --set-exit-if-changed)
fi
cd "$here"
find client testing examples interop -name '*.java' -print0 |
  xargs -0 java "${exports[@]}" -jar "$jar" "${mode[@]}"
