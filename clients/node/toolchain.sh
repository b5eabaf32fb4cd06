# shellcheck shell=bash
# Sourced by the scripts beside it, which run in this folder.

# Ends with 77 where there is no Node.js, or one that is too old.
require_toolchain() {
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "missing: node and npm (Node.js 20 or newer)"
    exit 77
  fi
  if ! node -e 'process.exit(parseInt(process.versions.node, 10) >= 20 ? 0 : 1)'; then
    echo "missing: Node.js 20 or newer (this is $(node --version))"
    exit 77
  fi
}

# Installs what package-lock.json names, unless that has been done.
install_packages() {
  local wanted=node_modules/.installed-lock
  if [[ -f $wanted ]] && cmp -s package-lock.json "$wanted"; then return; fi
  npm ci --ignore-scripts --loglevel=error --no-progress >&2
  cp package-lock.json "$wanted"
}
