#!/usr/bin/env bash
# Makes the code anew that the client libraries ship of proto/onhook/v1, or says whether it is current.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# C++ and Java generate as they are built, and have nothing to keep current.
LANGUAGES=(go node python rust)
MISSING_TOOLS=77

usage() {
  cat <<'USAGE'
usage: clients/generate.sh [--check] [language...]
  --check   changes nothing: generates elsewhere, and fails if what is there differs
  language  go, node, python, rust; default: all of them
Exit codes: 0 done, or current; 1 not; 77 a language's tools are missing.
USAGE
}

check=false
languages=()
while [ $# -gt 0 ]; do
  case "$1" in
    --check) check=true ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      if [[ " ${LANGUAGES[*]} " != *" $1 "* ]]; then
        usage >&2
        exit 1
      fi
      languages+=("$1")
      ;;
  esac
  shift
done
[ "${#languages[@]}" -gt 0 ] || languages=("${LANGUAGES[@]}")

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# What of a language's folder is generated, and where generate.sh OUT_DIR puts the same.
generated_folders() {
  case "$1" in
    go) printf '%s\n' 'onhookpb onhookpb' ;;
    node | rust) printf '%s\n' 'src/generated .' ;;
    python) printf '%s\n' 'src/onhook/v1 onhook/v1' 'src/onhook/wire onhook/wire' ;;
  esac
}

# doc.go is written by hand, as Go wants a package's words. Finds too what is there and would not be generated any more.
is_current() {
  local language="$1" code=0 kept made
  "clients/$language/generate.sh" "$scratch/$language" >"$scratch/$language.log" 2>&1 || code=$?
  if [ "$code" -ne 0 ]; then
    cat "$scratch/$language.log" >&2
    return "$code"
  fi
  while read -r kept made; do
    diff -r --exclude=__pycache__ --exclude=doc.go "clients/$language/$kept" "$scratch/$language/$made" || return 1
  done < <(generated_folders "$language")
}

result=0
for language in "${languages[@]}"; do
  code=0
  if $check; then
    is_current "$language" || code=$?
    if [ "$code" -eq 0 ]; then printf '%s: current\n' "$language"; fi
  else
    "clients/$language/generate.sh" || code=$?
    if [ "$code" -eq 0 ]; then printf '%s: generated\n' "$language"; fi
  fi
  if [ "$code" -ne 0 ]; then
    printf '%s: %s\n' "$language" "$([ "$code" -eq "$MISSING_TOOLS" ] && echo 'its tools are missing' || echo 'not current, or not generated')"
    if [ "$result" -ne 1 ]; then result="$code"; fi
    if [ "$code" -ne "$MISSING_TOOLS" ]; then result=1; fi
  fi
done
exit "$result"
