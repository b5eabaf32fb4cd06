# shellcheck shell=bash
# Sourced: ends the script with 77 and a line that says what is missing, unless Java and Maven are
# here and new enough.

missing() {
  echo "missing: $1"
  exit 77
}

command -v javac > /dev/null || missing "a JDK of Java 17 or newer"
command -v mvn > /dev/null || missing "Maven 3.8 or newer"
java_version=$(javac -version 2>&1 | sed -E 's/^javac ([0-9]+).*/\1/')
((java_version >= 17)) || missing "a JDK of Java 17 or newer (javac is of $java_version)"
