# shellcheck shell=bash
# How our scripts run their long steps: the output goes to a file, the person sees that it lives.
# To be sourced; expects `set -euo pipefail`.

STEPS_TOP="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
STEPS_LOGS="$STEPS_TOP/build/logs"
STEPS_HEARTBEAT_SECONDS=30
# Of each step that ended: how many seconds it took, and its name.
STEPS_TOOK=()

# One checkout's compilations serve another's, whatever its place.
export CCACHE_BASEDIR="$STEPS_TOP" CCACHE_NOHASHDIR=1

say() { printf '%s\n' "$*"; }

# fail MESSAGE...: ends the script with a message that says what to do.
fail() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# run_step NAME TITLE COMMAND...: runs COMMAND with its output in build/logs/NAME.log and says every
# half minute that it still runs. Returns its exit code; after a failure prints the log's end. Exit
# code STEPS_SKIP, if set, is no failure: the command had nothing to do here, and said why. What it
# took is added to STEPS_TOOK.
run_step() {
  local name="$1" title="$2" log="$STEPS_LOGS/$1.log" started=$SECONDS code=0 beat
  shift 2
  mkdir -p "$STEPS_LOGS"
  say "  $title ..."
  # In the background only the clock: so Ctrl-C reaches the command. `read` on a pipe that nobody
  # writes to is a sleep without a process of its own, which would outlive the loop.
  (
    exec {silence}<> <(:)
    while ! read -r -t "$STEPS_HEARTBEAT_SECONDS" -u "$silence"; do
      say "  ... $((SECONDS - started)) s: $(tail -n 1 "$log" 2>/dev/null | cut -c1-80)"
    done
  ) &
  beat=$!
  "$@" >"$log" 2>&1 </dev/null || code=$?
  kill "$beat" 2>/dev/null || true
  wait "$beat" 2>/dev/null || true
  STEPS_TOOK+=("$((SECONDS - started)) $name")
  if [ "$code" -ne 0 ] && [ "$code" -ne "${STEPS_SKIP:-0}" ]; then
    say "  FAILED ($name, exit code $code); the end of ${log#"$STEPS_TOP"/}:"
    # Of a ctest log only what did not pass.
    grep -vE '( Start +[0-9]+: |\.\.\. +Passed +)' "$log" | tail -n 80 | sed 's/^/    | /'
  fi
  return "$code"
}
