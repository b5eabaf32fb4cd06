#!/usr/bin/env bash
# Sets up, builds and tests everything. Each step's output is in build/logs/; failures are shown.
set -euo pipefail
# shellcheck source=deploy/steps.sh
. "$(dirname "${BASH_SOURCE[0]}")/../deploy/steps.sh"
cd "$STEPS_TOP"

ALL_PRESETS=(release asan tsan clang fuzz clients)
CLIENTS=(cpp go java node python rust)
MISSING_TOOLS=77
read -ra JETSTREAM_CLIENTS <<<"${ONHOOK_INTEROP_JETSTREAM_CLIENTS:-go}"
FUZZ_SECONDS="${ONHOOK_FUZZ_SECONDS:-20}"
JOBS=2
# Tests wait more than they compute.
TEST_JOBS=4
LINT_FILES_MAX=60
BUF="build/third_party/npm/node_modules/.bin/buf"

usage() {
  cat <<'USAGE'
usage: tests/run.sh [--strict] [preset...]
  --strict  a check whose tool is missing fails, instead of being left out and named
  preset    release, asan, tsan (what needs no gRPC), clang (analysis only), fuzz (each fuzz target
            for ONHOOK_FUZZ_SECONDS; unset, 20), clients (each client library's own tests, then all of
            them against the gateway; ONHOOK_INTEROP_EVENTS through each, unset 100,000; and
            ONHOOK_INTEROP_JETSTREAM_CLIENTS, unset "go", against the gateway on JetStream, with
            ONHOOK_INTEROP_JETSTREAM_EVENTS, unset 5,000);
            default: all of them
Beside the tests: clang-format, buf lint and shellcheck always, the quickstart with release,
clang-tidy over the changed files with clang (changed since ONHOOK_LINT_BASE, a git revision; unset,
since the branch left its upstream, else in the last 20 commits).
USAGE
}

strict=false
presets=()
for argument in "$@"; do
  case "$argument" in
    --strict) strict=true ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      [[ " ${ALL_PRESETS[*]} " == *" $argument "* ]] || {
        usage >&2
        fail "unknown preset $argument"
      }
      presets+=("$argument")
      ;;
  esac
done
[ "${#presets[@]}" -gt 0 ] || presets=("${ALL_PRESETS[@]}")

passed=0
failed=0
skipped=0
notes=()

# record RESULT NAME [WHY]: one check, counted as one test.
record() {
  case "$1" in
    passed) passed=$((passed + 1)) ;;
    failed)
      failed=$((failed + 1))
      notes+=("failed:  $2")
      ;;
    skipped)
      if $strict; then
        failed=$((failed + 1))
        notes+=("failed:  $2: $3 (--strict)")
      else
        skipped=$((skipped + 1))
        notes+=("skipped: $2: $3")
      fi
      ;;
  esac
}

# check NAME TITLE COMMAND...: a step that counts as one test.
check() {
  if run_step "$@"; then record passed "$1"; else record failed "$1"; fi
}

# have NAME TOOL: whether the tool is there; records the check NAME as left out if not.
have() {
  command -v "$2" >/dev/null && return 0
  record skipped "$1" "$2 is not installed"
  return 1
}

set_up() {
  ./deploy/setup.sh --tests && return 0
  if $strict; then fail "the setup failed"; fi
  record skipped setup "not all of the tests' own tools could be installed"
  ./deploy/setup.sh || fail "the setup failed"
}

# Our sources, whether git knows them already or not.
sources() { find gateway clients tests "$@" -type f | sort; }

check_format() {
  sources '(' -name '*.cc' -o -name '*.h' ')' | xargs clang-format-14 --dry-run --Werror
}

check_scripts() {
  grep -rlE --exclude-dir=node_modules '^#!.*\b(ba)?sh$' clients deploy tests .ci | xargs shellcheck --external-sources
}

# Lint, and no change that breaks those who have built on v1; proto/buf.yaml says how to renew it.
check_proto() { (cd proto && "../$BUF" lint && "../$BUF" breaking --against v1.binpb); }

# Takes the counts of a ctest run from its JUnit report.
count_tests() {
  local preset="$1" report="build/logs/ctest-$1.xml" tests failures not_run
  attribute() { sed -n "s/.*[[:space:]]$1=\"\([0-9]*\)\".*/\1/p" "$report" | head -n 1; }
  tests=$(attribute tests)
  failures=$(attribute failures)
  not_run=$(($(attribute skipped) + $(attribute disabled)))
  passed=$((passed + tests - failures - not_run))
  failed=$((failed + failures))
  if [ "$not_run" -gt 0 ]; then
    skipped=$((skipped + not_run))
    notes+=("skipped: $not_run tests of $preset, by their own word")
    if $strict; then record failed "$preset: no test may be skipped (--strict)"; fi
  fi
}

# build PRESET: configures and builds; a failure counts as one failed test.
build() {
  run_step "configure-$1" "$1: configure" cmake --preset "$1" &&
    run_step "build-$1" "$1: build" cmake --build --preset "$1" -j "$JOBS" && return 0
  record failed "$1: build"
  return 1
}

run_tests() {
  local preset="$1" report="$PWD/build/logs/ctest-$1.xml" code=0 failed_before=$failed names
  local runner=(ctest --preset "$preset" -j "$TEST_JOBS" --no-tests=error --output-junit "$report")
  # Its runtime wants memory at fixed addresses, which a kernel may have given away at random.
  if [ "$preset" = tsan ] && setarch -R true 2>/dev/null; then
    runner=(setarch -R "${runner[@]}")
  fi
  rm -f "$report"
  run_step "ctest-$preset" "$preset: tests" "${runner[@]}" || code=$?
  if [ -s "$report" ]; then count_tests "$preset"; fi
  if [ "$code" -ne 0 ] && [ "$failed" -eq "$failed_before" ]; then
    record failed "$preset: ctest"
  elif [ "$code" -ne 0 ]; then
    names=$(tr '\n' ' ' <"build/$preset/Testing/Temporary/LastTestsFailed.log")
    notes+=("failed:  $preset: $names")
  fi
}

# Three free ports, so that the quickstart meets no other gateway of this machine.
free_ports() {
  python3 - <<'PYTHON'
import socket
sockets = [socket.socket() for _ in range(3)]
for each in sockets:
    each.bind(("127.0.0.1", 0))
print(*(each.getsockname()[1] for each in sockets))
PYTHON
}

check_quickstart() {
  local http grpc admin
  read -r http grpc admin < <(free_ports)
  ONHOOK_HTTP_LISTEN="127.0.0.1:$http" ONHOOK_GRPC_LISTEN="127.0.0.1:$grpc" \
    ONHOOK_ADMIN_LISTEN="127.0.0.1:$admin" ./deploy/quickstart.sh --exit
}

# The revision since which a file counts as changed.
lint_base() {
  local base depth
  if [ -n "${ONHOOK_LINT_BASE:-}" ]; then
    printf '%s' "$ONHOOK_LINT_BASE"
    return
  fi
  base=$(git merge-base HEAD '@{upstream}' 2>/dev/null || true)
  if [ -z "$base" ] || [ "$base" = "$(git rev-parse HEAD)" ]; then
    depth=$(git rev-list --count --first-parent HEAD)
    # Of a history shorter than that everything has changed: since git's empty tree.
    if [ "$depth" -gt 20 ]; then base="HEAD~20"; else base=$(git hash-object -t tree /dev/null); fi
  fi
  printf '%s' "$base"
}

# The product's sources to lint: what changed, and for a header the .cc beside it.
changed_sources() {
  local base
  base=$(lint_base)
  {
    git diff --name-only --diff-filter=d "$base" -- gateway clients
    git ls-files --others --exclude-standard -- gateway clients
  } | sed -n 's/\.\(cc\|h\)$/.cc/p' | sort -u | while read -r file; do
    if [ -f "$file" ] && grep -qF "/$file\"" build/clang/compile_commands.json; then printf '%s\n' "$file"; fi
  done
}

lint_changed() {
  local files
  mapfile -t files < <(changed_sources)
  say "${#files[@]} files changed"
  if [ "${#files[@]}" -gt "$LINT_FILES_MAX" ]; then
    say "linting the first $LINT_FILES_MAX of them"
    files=("${files[@]:0:LINT_FILES_MAX}")
  fi
  [ "${#files[@]}" -gt 0 ] || return 0
  printf '%s\n' "${files[@]}" |
    xargs -P "$JOBS" -I '{}' sh -c 'echo "{}"; exec clang-tidy-14 -p build/clang --quiet "{}"'
}

# All targets, two at a time; each is a test. What they found once, the other presets replay.
run_fuzz() {
  local target log=build/logs/fuzz.log code=0 failed_before=$failed
  have fuzz clang++-14 || return 0
  run_step fuzz "fuzz: each target for $FUZZ_SECONDS s" tests/fuzz/run.sh --seconds "$FUZZ_SECONDS" --jobs "$JOBS" ||
    code=$?
  while read -r target; do
    # A target that failed may have executed much before.
    if grep -q "^$target: [1-9][0-9]* executions" "$log" && ! grep -q "^$target: FAILED" "$log"; then
      record passed "fuzz-$target"
    else
      record failed "fuzz-$target"
    fi
  done < <(tests/fuzz/run.sh --list)
  if [ "$code" -ne 0 ] && [ "$failed" -eq "$failed_before" ]; then record failed fuzz; fi
}

# A check of which 77 means that a language's tools are missing; its last line may say how many tests
# it ran: "N tests passed" or "N of M passed".
check_client() {
  local name="$1" title="$2" code=0 last tests
  shift 2
  STEPS_SKIP="$MISSING_TOOLS" run_step "$name" "$title" "$@" || code=$?
  last=$(grep -E 'passed$|^missing: ' "build/logs/$name.log" | tail -n 1 || true)
  if [ "$code" -eq "$MISSING_TOOLS" ]; then
    record skipped "$name" "$last"
  elif [ "$code" -ne 0 ]; then
    record failed "$name"
  else
    tests=$(sed -nE 's/^([0-9]+) (tests|of [0-9]+) passed$/\1/p' <<<"$last")
    passed=$((passed + ${tests:-1}))
  fi
}

run_clients() {
  local language
  if ! run_step configure-release "clients: configure" cmake --preset release ||
    ! run_step build-gateway "clients: the gateway" cmake --build --preset release -j "$JOBS" \
      --target onhookd onhook_cli; then
    record failed "clients: the gateway"
    return
  fi
  for language in "${CLIENTS[@]}"; do
    check_client "client-$language" "clients: $language" "clients/$language/check.sh"
  done
  check_client client-generated "clients: generated code is current" clients/generate.sh --check
  if have interop grpc_python_plugin; then
    check_client client-interop "clients: all scenarios, against the gateway" \
      env ONHOOK_STRICT="$($strict && echo 1 || echo 0)" tests/interop/clients/run.py \
      --build build/release --events "${ONHOOK_INTEROP_EVENTS:-100000}"
    sed -n '/^  *cpp/,$p' build/logs/client-interop.log
    # The engine differs and the clients do not, so by default one of them is enough.
    check_client client-interop-jetstream "clients: all scenarios, against the gateway on JetStream" \
      env ONHOOK_STRICT="$($strict && echo 1 || echo 0)" tests/interop/clients/run.py --engine jetstream \
      --build build/release --events "${ONHOOK_INTEROP_JETSTREAM_EVENTS:-5000}" \
      "${JETSTREAM_CLIENTS[@]/#/--language=}"
  fi
}

run_preset() {
  local preset="$1"
  if [ "$preset" = clients ]; then
    run_clients
    return
  fi
  if [ "$preset" = fuzz ]; then
    run_fuzz
    return
  fi
  if [ "$preset" = tsan ] && [ ! -d build/third_party/abseil-tsan ]; then
    record skipped tsan "Abseil with the thread sanitizer was not built"
    return
  fi
  if [ "$preset" = clang ]; then have clang clang++-14 || return 0; fi
  build "$preset" || return 0
  case "$preset" in
    clang)
      record passed clang
      if have clang-tidy clang-tidy-14; then
        check clang-tidy "clang-tidy over the changed files" lint_changed
      fi
      ;;
    *) run_tests "$preset" ;;
  esac
  if [ "$preset" = release ]; then
    check quickstart "the README's first command" check_quickstart
  fi
}

# The steps that took most of the time, on one line.
longest_steps() {
  printf '%s\n' "${STEPS_TOOK[@]}" | sort -rn | head -n 10 | awk '{ printf "%s%s %d s", sep, $2, $1; sep = ", " }'
}

set_up
if have clang-format clang-format-14; then check clang-format "layout of the C++" check_format; fi
if have shellcheck shellcheck; then check shellcheck "lint of the scripts" check_scripts; fi
if have buf-lint "$BUF"; then check buf-lint "lint of proto/, and nothing broken in it" check_proto; fi
for preset in "${presets[@]}"; do run_preset "$preset"; done

say ""
say "presets: ${presets[*]}; $((SECONDS / 60)) min $((SECONDS % 60)) s; each check counts as a test"
say "longest: $(longest_steps)"
for note in "${notes[@]}"; do say "$note"; done
tally="$passed passed, $failed failed"
if [ "$skipped" -gt 0 ]; then tally+=", $skipped skipped"; fi
say "$tally"
[ "$failed" -eq 0 ]
