# Sourced by the scripts beside it: finds Python and makes environments below build/clients/python.
# shellcheck shell=bash

build="${root:?}/build/clients/python"

# Prints the Python to use, or says what is missing and leaves with 77.
find_python() {
  local candidate
  for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11 python3.10; do
    if "${candidate}" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' \
      >/dev/null 2>&1; then
      command -v "${candidate}"
      return
    fi
  done
  echo "missing: Python 3.10 or later, with venv and pip" >&3
  exit 77
}

# environment NAME REQUIREMENT...: an environment that holds just these, made again if they change.
environment() {
  local name="$1" python wanted
  shift
  python="$(find_python)"
  wanted="$("${python}" -c 'import sys; print(sys.version)') $*"
  if [[ "$(cat "${build}/${name}/wanted" 2>/dev/null)" == "${wanted}" ]]; then return; fi
  rm -rf "${build:?}/${name}"
  mkdir -p "${build}"
  "${python}" -m venv "${build}/${name}"
  "${build}/${name}/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
  echo "${wanted}" >"${build}/${name}/wanted"
}

# The one line that says what is missing goes to where standard output went at first.
exec 3>&1

# What the tests run with.
# shellcheck disable=SC2034
RUNTIME=(grpcio==1.85.3 protobuf==7.36.2)
