# shellcheck shell=bash
# Sourced by the scripts beside it, which run in this folder.

# Ends with 77 where there is no Node.js, or one that is too old.
require_toolchain() {
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "missing: node and npm (Node.js 20.11 or newer)"
    exit 77
  fi
  # The library needs 20; its tests need what came with 20.11.
  if ! node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 11) ? 0 : 1)'; then
    echo "missing: Node.js 20.11 or newer (this is $(node --version))"
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
