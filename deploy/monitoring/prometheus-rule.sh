#!/usr/bin/env bash
# The rules of rules/ as a PrometheusRule, for clusters in which prometheus-operator loads them.
set -euo pipefail
RULES="$(dirname "${BASH_SOURCE[0]}")/rules"

usage() {
  cat <<'USAGE'
usage: deploy/monitoring/prometheus-rule.sh [--name NAME] [--label KEY=VALUE]... [--runbook-url URL]
  --name NAME        the object's name; onhook if not given
  --label KEY=VALUE  a label of the object, which your Prometheus may select by (its ruleSelector)
  --runbook-url URL  where your copy of deploy/RUNBOOK.md is read, for the alerts' links
Prints it: ... | kubectl apply --namespace monitoring --filename -
USAGE
}

name=onhook
labels=("app.kubernetes.io/name=onhook")
runbook_url=deploy/RUNBOOK.md
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help)
      usage
      exit 0
      ;;
    --name | --label | --runbook-url)
      [ $# -ge 2 ] || {
        echo "$1 needs a value" >&2
        exit 2
      }
      case "$1" in
        --name) name="$2" ;;
        --label) labels+=("$2") ;;
        --runbook-url) runbook_url="$2" ;;
      esac
      shift
      ;;
    *)
      usage >&2
      exit 2
      ;;
  esac
  shift
done
# What would end the quotes that it is put into, or sed's pattern.
for value in "$name" "${labels[@]}" "$runbook_url"; do
  case "$value" in
    *[\"\\\|\&]* | *$'\n'*)
      echo "no quotes, backslashes, bars or ampersands, please: $value" >&2
      exit 2
      ;;
  esac
done

printf 'apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: "%s"\n  labels:\n' "$name"
for label in "${labels[@]}"; do printf '    "%s": "%s"\n' "${label%%=*}" "${label#*=}"; done
printf 'spec:\n  groups:\n'
for file in "$RULES"/*.yaml; do
  sed -e '/^groups:$/d' -e 's/^\(.\)/  \1/' -e "s|deploy/RUNBOOK.md|$runbook_url|" "$file"
done
