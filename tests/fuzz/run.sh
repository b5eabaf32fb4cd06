#!/usr/bin/env bash
# Builds the fuzz targets, runs them for a while and says what came of it.
set -euo pipefail
# shellcheck source=deploy/steps.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../deploy/steps.sh"
cd "$STEPS_TOP"

BIN="build/fuzz/tests/fuzz"
WORK="build/fuzz/runs"  # NAME/seeds, NAME/corpus (kept between runs), NAME/crashes
KEPT="tests/fuzz/corpus"
KEPT_BYTES=1500

usage() {
  cat <<'USAGE'
usage: tests/fuzz/run.sh [--seconds N] [--jobs N] [--keep] [target...]
       tests/fuzz/run.sh --list
  --seconds N  how long each target runs; default 60
  --jobs N     how many targets run at a time; default 2
  --keep       then renew tests/fuzz/corpus: of what was ever found, the few inputs that together
               reach all that was reached
  --list       prints the names of the targets
Inputs that end a target are left in build/fuzz/runs/TARGET/crashes; exit code 1 if there are any.
USAGE
}

targets() { sed -n 's/^onhook_fuzz_target(\([a-z_]*\)$/\1/p' tests/fuzz/CMakeLists.txt; }

seconds=60
jobs=2
keep=false
names=()
while [ $# -gt 0 ]; do
  case "$1" in
    --seconds | --jobs)
      [[ "${2:-}" =~ ^[1-9][0-9]*$ ]] || fail "$1 needs a number"
      if [ "$1" = --jobs ]; then jobs="$2"; else seconds="$2"; fi
      shift
      ;;
    --keep) keep=true ;;
    --list)
      targets
      exit 0
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      targets | grep -qx -- "$1" || {
        usage >&2
        fail "unknown target $1"
      }
      names+=("$1")
      ;;
  esac
  shift
done
[ "${#names[@]}" -gt 0 ] || mapfile -t names < <(targets)

# fuzz NAME FLAG...: one run of libFuzzer, as the least important work of the machine.
fuzz() {
  local name="$1" options=(-timeout=20 -rss_limit_mb=0 -print_final_stats=1)
  shift
  # Its threads free what others allocated, which libFuzzer takes for a leak and looks for, each time.
  if [ "$name" = stream_requests ]; then options+=(-detect_leaks=0); fi
  if [ -f "tests/fuzz/$name.dict" ]; then options+=("-dict=tests/fuzz/$name.dict"); fi
  nice -n 19 env ASAN_OPTIONS=hard_rss_limit_mb=2048 "$BIN/fuzz_$name" "${options[@]}" "-artifact_prefix=$WORK/$name/crashes/" "$@"
}

# run NAME: fuzzes one target. The corpus of the run comes first: what is new is written there.
run() {
  local name="$1" log="$STEPS_LOGS/fuzz-$1.log"
  mkdir -p "$WORK/$name"/{corpus,crashes}
  rm -rf "$WORK/$name/seeds"
  "$BIN/fuzz_${name}_replay" --write-seeds "$WORK/$name/seeds" tests/golden >"$log" 2>&1 || return
  local corpora=("$WORK/$name/corpus" "$WORK/$name/seeds")
  if [ -d "$KEPT/$name" ]; then corpora+=("$KEPT/$name"); fi
  fuzz "$name" "-max_total_time=$seconds" "${corpora[@]}" >>"$log" 2>&1 </dev/null
}

# summary NAME: one line of a run's log.
summary() {
  local name="$1" log="$STEPS_LOGS/fuzz-$1.log" executions coverage crashes
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
  coverage=$(sed -n 's/.* cov: \([0-9]*\) ft: \([0-9]*\) .*/cov \1, ft \2/p' "$log" | tail -n 1)
  crashes=$(find "$WORK/$name/crashes" -type f 2>/dev/null | wc -l)
  say "$name: ${executions:-0} executions, ${coverage:-no coverage}, $crashes crashes"
}

# keep_corpus NAME: the least of all that was found becomes the checked-in corpus. Named by their
# content, so that the same input keeps its name. What was named by hand, as that which once ended
# a target, stays.
keep_corpus() {
  local name="$1" least="$WORK/$1/least"
  rm -rf "$least"
  mkdir -p "$least" "$KEPT/$name"
  fuzz "$name" -set_cover_merge=1 "$least" "$KEPT/$name" "$WORK/$name/corpus" || return
  # What is longer reaches little more, and the repository keeps it for ever.
  find "$least" -type f -size "+${KEPT_BYTES}c" -delete
  find "$KEPT/$name" -type f -regex '.*/[0-9a-f]*' -delete
  cp "$least"/* "$KEPT/$name/"
}

run_step configure-fuzz "fuzz: configure" cmake --preset fuzz
run_step build-fuzz "fuzz: build" cmake --build --preset fuzz -j 2

say "  fuzzing ${names[*]}: $seconds s each, $jobs at a time"
mkdir -p "$STEPS_LOGS"
failed=()
declare -A running=()
# Waits for one of those that run, and tells of it.
take_one() {
  local pid code=0
  wait -n -p pid "${!running[@]}" || code=$?
  summary "${running[$pid]}"
  if [ "$code" -ne 0 ]; then failed+=("${running[$pid]}"); fi
  unset "running[$pid]"
}
for name in "${names[@]}"; do
  while [ "${#running[@]}" -ge "$jobs" ]; do take_one; done
  run "$name" &
  running[$!]="$name"
done
while [ "${#running[@]}" -gt 0 ]; do take_one; done

for name in "${failed[@]}"; do
  say "$name: FAILED; the end of build/logs/fuzz-$name.log:"
  grep -v '^#[0-9]' "$STEPS_LOGS/fuzz-$name.log" | tail -n 40 | sed 's/^/    | /'
  find "$WORK/$name/crashes" -type f
done
[ "${#failed[@]}" -eq 0 ] || exit 1
if $keep; then
  for name in "${names[@]}"; do
    run_step "fuzz-keep-$name" "$name: keeping the least corpus" keep_corpus "$name"
  done
fi
