#!/bin/bash
# Checks all of the library: format, lint, types, generated code, documentation, package, tests, on
# the newest and on the oldest of what it may be installed with. The last line: "N tests passed".
#
#   clients/python/check.sh      exit code 77 and one line "missing: ..." without Python 3.10
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "${here}/../.." && pwd)"
# shellcheck source=clients/python/toolchain.sh
source "${here}/toolchain.sh"

export PYTHONDONTWRITEBYTECODE=1 GRPC_VERBOSITY=ERROR
mkdir -p "${build}"
log="${build}/check.log"

# step WORDS COMMAND...: runs it, and shows what it printed only if it failed.
step() {
  local words="$1"
  shift
  if ! "$@" >"${log}" 2>&1; then
    cat "${log}"
    echo "failed: ${words}"
    exit 1
  fi
}

readonly TEST_TOOLS=(pytest==9.2.0 pytest-asyncio==1.5.0)
environment check "${RUNTIME[@]}" "${TEST_TOOLS[@]}" ruff==0.17.6 mypy==2.4.1 pdoc==16.0.0 \
  types-grpcio==1.85.0.20261028 types-protobuf==7.35.1.20260906 build==1.6.1 setuptools==84.2.1
environment oldest grpcio==1.76.0 protobuf==6.31.1 "${TEST_TOOLS[@]}"
python="${build}/check/bin/python"
cd "${here}"

step "format" "${python}" -m ruff format --no-cache --check --quiet .
step "lint" "${python}" -m ruff check --no-cache --quiet .

# The README's blocks are checked as programs are.
blocks="${build}/readme"
rm -rf "${blocks}" && mkdir -p "${blocks}"
"${python}" - README.md "${blocks}" <<'END'
import pathlib, re, sys
text = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
for number, block in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL)):
    (pathlib.Path(sys.argv[2]) / f"block_{number}.py").write_text(block, encoding="utf-8")
END
step "types" "${python}" -m mypy --cache-dir "${build}/mypy" src/onhook tests interop examples
for block in "${blocks}"/*.py; do
  step "types of the README" "${python}" -m mypy --cache-dir "${build}/mypy" "${block}"
done

rm -rf "${build}/generated"
step "generate.sh" "${here}/generate.sh" "${build}/generated"
for package in v1 wire; do
  step "generated code is current: run clients/python/generate.sh" \
    diff -r -x __pycache__ "${build}/generated/onhook/${package}" "src/onhook/${package}"
done

# The command that the README has for stubs alone, where it says to run it: at the top.
stubs="${build}/stubs"
rm -rf "${stubs}" && mkdir -p "${stubs}"
command="$(grep '^python -m grpc_tools.protoc' README.md)"
ln -s "${root}/proto" "${stubs}/proto"
step "stubs alone" env -C "${stubs}" PATH="${build}/generator/bin:${PATH}" bash -c "${command}"
step "stubs alone" env -C "${stubs}" "${python}" -c \
  "from onhook.v1 import release_event_service_pb2_grpc as stubs; stubs.ReleaseEventServiceStub"

# Packages are built from a copy: setuptools writes beside what it reads.
package="${build}/package"
rm -rf "${package}" && mkdir -p "${package}"
cp -r src README.md pyproject.toml "${package}"
step "package" "${python}" -m build --no-isolation --wheel --outdir "${package}/dist" "${package}"
for name in check oldest; do
  step "installation" "${build}/${name}/bin/python" -m pip install --quiet --no-deps \
    --disable-pip-version-check --force-reinstall "${package}"/dist/*.whl
done
step "typed package" "${python}" -c \
  "import onhook, pathlib; assert (pathlib.Path(onhook.__file__).parent / 'py.typed').exists()"

step "documentation" "${python}" -W error -m pdoc --output-directory "${build}/docs" \
  onhook onhook.aio onhook.testing '!onhook.v1' '!onhook.wire'

if command -v shellcheck >/dev/null; then
  step "shellcheck" env -C "${root}" shellcheck -x clients/python/check.sh \
    clients/python/generate.sh clients/python/interop.sh clients/python/toolchain.sh
fi

step "tests, on the oldest dependencies" "${build}/oldest/bin/python" -m pytest -q \
  -p no:cacheprovider
step "tests" "${python}" -m pytest -q -p no:cacheprovider
passed="$(sed -nE 's/^([0-9]+) passed.*/\1/p' "${log}")"
echo "${passed:?the tests did not say how many passed} tests passed"
