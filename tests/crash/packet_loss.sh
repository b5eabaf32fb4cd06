#!/usr/bin/env bash
# Runs a command where one packet in so many is lost, in a network namespace of its own that goes
# with it: real loss, which the kernel's TCP has to make up for. Needs root and iptables.
#
#   tests/crash/packet_loss.sh 5 build/release/tests/crash/crash_test --gtest_filter='*FaultTest.*'
set -euo pipefail

if [ $# -lt 2 ] || ! [[ "$1" =~ ^[1-9][0-9]?$ ]]; then
  printf 'usage: %s PERCENT COMMAND...\n' "$0" >&2
  exit 2
fi
probability=$(printf '0.%02d' "$1")
shift
# shellcheck disable=SC2016 # the inner shell's own
exec unshare --net bash -c '
  ip link set lo up
  iptables -A INPUT -i lo -p tcp -m statistic --mode random --probability "$1" -j DROP || exit 2
  shift
  code=0
  "$@" || code=$?
  iptables -nvL INPUT | awk '"'"'$3 == "DROP" { print $1, "packets were lost" }'"'"'
  exit "$code"' packet_loss "$probability" "$@"
