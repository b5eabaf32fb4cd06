#!/usr/bin/env bash
# From a fresh Debian 12 to the vendor's two sample callbacks in a subscriber's hands: installs,
# builds, starts the gateway on its defaults, attaches a subscriber, plays the vendor.
set -euo pipefail
# shellcheck source=deploy/steps.sh
. "$(dirname "${BASH_SOURCE[0]}")/steps.sh"
cd "$STEPS_TOP"

usage() {
  cat <<'USAGE'
usage: deploy/quickstart.sh [--exit]
  --exit  leave after the demonstration, with exit code 0 only if all of it worked; the events then
          go to a new temporary directory instead of ./onhook-data, where those of an earlier run
          would be told apart as repeats and not be delivered again
The gateway's settings are taken from the environment, as always: ONHOOK_HTTP_LISTEN and so on.
USAGE
}

leave=false
while [ $# -gt 0 ]; do
  case "$1" in
    --exit) leave=true ;;
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

HTTP="${ONHOOK_HTTP_LISTEN:-127.0.0.1:8080}"
GRPC="${ONHOOK_GRPC_LISTEN:-127.0.0.1:50051}"
ADMIN="${ONHOOK_ADMIN_LISTEN:-127.0.0.1:8081}"
URL="http://$HTTP/release-events"
SUBSCRIPTION=quickstart
SUCCESS='{"retCode":"0","retMsg":"success"}'
SAMPLES=(
  tests/golden/vendor_sample_javamap/request.txt
  tests/golden/vendor_sample_json/request.json
)
PROGRAMS="$STEPS_TOP/build/release"

scratch=$(mktemp -d)
gateway=""
subscriber=""
followers=""

# Ends what we started, by its id, and waits for it: the gateway leaves its store in order.
stop() {
  local pid
  for pid in $followers $subscriber $gateway; do
    kill -TERM "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$scratch"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Says which port is in the way, before the gateway fails over it.
require_free() {
  local address="$1" setting="$2"
  if (exec 3<>"/dev/tcp/${address%:*}/${address##*:}") 2>/dev/null; then
    fail "$address is taken by another program. End it, or choose another address:" \
      "$setting=${address%:*}:PORT ./deploy/quickstart.sh"
  fi
}

build_programs() {
  cmake --preset release -DONHOOK_TESTS=OFF && cmake --build --preset release --target onhookd onhook_cli -j "$(nproc)"
}

# await SECONDS WHAT COMMAND...: until COMMAND succeeds; false if it does not in time, or if one of
# our two programs ends first.
await() {
  local deadline=$((SECONDS + $1)) what="$2" pid
  shift 2
  until "$@"; do
    for pid in $gateway $subscriber; do
      if ! kill -0 "$pid" 2>/dev/null; then
        say "a program ended while we waited for $what:" >&2
        tail -n 5 "$scratch"/*.log >&2
        return 1
      fi
    done
    if [ "$SECONDS" -ge "$deadline" ]; then return 1; fi
    sleep 0.1
  done
}

is_ready() { curl --silent --fail --max-time 2 --output /dev/null "http://$ADMIN/readyz"; }
received() { [ "$(wc -l <"$scratch/events.jsonl")" -ge "$1" ]; }

# POSTs a sample as the vendor would; like the vendor, again when the answer asks for it. The answer
# is in $answer, the HTTP status in $status.
post() {
  local sample="$1" try
  for try in 1 2 3 4 5; do
    answer=$(curl --silent --show-error --max-time 10 --data-binary "@$sample" \
      --write-out '\n%{http_code}' "$URL") || return 1
    status="${answer##*$'\n'}"
    answer="${answer%$'\n'*}"
    if [ "$status" != 503 ]; then return 0; fi
    say "  answered $status $answer, asked to repeat (try $try)"
    sleep 1
  done
}

# demonstrate SAMPLE: posts it, shows the answer and what the subscriber received.
demonstrate() {
  local sample="$1" before
  before=$(wc -l <"$scratch/events.jsonl")
  say ""
  say "\$ curl --data-binary @$sample $URL"
  post "$sample" || return 1
  say "  the vendor is told:      HTTP $status $answer"
  if [ "$status" != 200 ] || [ "$answer" != "$SUCCESS" ]; then
    say "  expected:                HTTP 200 $SUCCESS"
    return 1
  fi
  if await "$patience" "the event" received $((before + 1)); then
    say "  the subscriber received: $(tail -n +$((before + 1)) "$scratch/events.jsonl")"
  elif $had_data; then
    say "  the subscriber received: nothing now: $directory has this event from an" \
      "earlier run, so this one is a repeat, and a repeat is not delivered again"
  else
    say "  the subscriber received nothing within $patience s"
    return 1
  fi
}

require_free "$HTTP" ONHOOK_HTTP_LISTEN
require_free "$GRPC" ONHOOK_GRPC_LISTEN
require_free "$ADMIN" ONHOOK_ADMIN_LISTEN
./deploy/setup.sh
run_step quickstart-build "building onhookd and onhook (the first time some minutes)" build_programs

if $leave; then export ONHOOK_STORE_DIRECTORY="$scratch/data"; fi
had_data=false
patience=10
directory="${ONHOOK_STORE_DIRECTORY:-./onhook-data}"
if [ -n "$(ls -A "$directory" 2>/dev/null || true)" ]; then had_data=true patience=2; fi

"$PROGRAMS/onhookd" </dev/null 2>"$scratch/onhookd.log" &
gateway=$!
await 15 "onhookd" is_ready || fail "onhookd is not ready: $(tail -n 3 "$scratch/onhookd.log")"
say "onhookd is ready: callbacks on $URL, gRPC on $GRPC, admin on $ADMIN, data in $directory"

: >"$scratch/events.jsonl"
"$PROGRAMS/onhook" subscribe "$SUBSCRIPTION" --server "$GRPC" --json \
  </dev/null >"$scratch/events.jsonl" 2>"$scratch/onhook.log" &
subscriber=$!
say "attached: onhook subscribe $SUBSCRIPTION"

worked=true
for sample in "${SAMPLES[@]}"; do demonstrate "$sample" || worked=false; done

say ""
if $leave; then
  if ! $worked; then
    tail -n 20 "$scratch"/*.log
    fail "the demonstration failed"
  fi
  say "all of it worked"
  exit 0
fi
$worked || say "not all of it worked; the gateway's log so far:" "$(cat "$scratch/onhookd.log")"
say "Running until Ctrl-C. Another callback: ./build/release/onhook send --help"
# In the background, with the script in a wait: a signal is then heeded at once.
tail -n 0 -f "$scratch/onhookd.log" >&2 &
followers=$!
tail -n "+$(($(wc -l <"$scratch/events.jsonl") + 1))" -f "$scratch/events.jsonl" &
followers+=" $!"
wait "$gateway" || fail "onhookd ended: $(tail -n 3 "$scratch/onhookd.log")"
