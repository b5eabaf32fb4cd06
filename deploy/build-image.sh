#!/usr/bin/env bash
# Builds the container image without an engine: the programs of a finished build, on the root of
# deploy/image-root.sh, packed by umoci into an OCI archive that podman, docker, skopeo and
# containerd take. The same programs, packages and commit give the same digest.
set -euo pipefail
# shellcheck source=deploy/steps.sh
. "$(dirname "${BASH_SOURCE[0]}")/steps.sh"
cd "$STEPS_TOP"

usage() {
  cat <<'USAGE'
usage: deploy/build-image.sh [--programs FOLDER] [--base FILE] [--output FOLDER]
  --programs FOLDER  onhookd and onhook, built (default: build/release)
  --base FILE        keep Debian's packages in FILE, and take them from there if it is there
                     already; otherwise they come fresh from the machine's mirror
  --output FOLDER    where the image goes (default: build/image)
Makes onhook-VERSION.tar, an OCI archive of the image onhook:VERSION, and onhook-VERSION.spdx.json,
what it is made of. Needs umoci, mmdebstrap, binutils and python3 (./deploy/setup.sh --tests); root is
not needed. The date in it is SOURCE_DATE_EPOCH, unset the commit's.
USAGE
}

programs=build/release
base=""
output=build/image
while [ $# -gt 0 ]; do
  case "$1" in
    --programs | --base | --output)
      [ $# -ge 2 ] || fail "$1 needs a path"
      declare "${1#--}=$2"
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

USER_ID=65532
DATA=var/lib/onhook

# The commit, and whether the tree differs from it; nothing for a tree without git.
revision() {
  git rev-parse --git-dir >/dev/null 2>&1 || return 0
  printf '%s%s' "$(git rev-parse HEAD)" "$([ -z "$(git status --porcelain)" ] || printf -- '-changed')"
}

build_time() {
  if [ -n "${SOURCE_DATE_EPOCH:-}" ]; then
    printf '%s' "$SOURCE_DATE_EPOCH"
  else
    git log -1 --format=%ct 2>/dev/null || stat --format=%Y CMakeLists.txt
  fi
}

project_version() { sed -n 's/^project(onhook VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt; }

# An image must not be called what its programs are not.
require_version() {
  local program said
  for program in onhookd onhook; do
    said=$("$programs/$program" --version) ||
      fail "$programs has no $program that runs; build it first:" \
        "cmake --preset release && cmake --build --preset release --target onhookd onhook_cli"
    [ "$said" = "$program $version" ] ||
      fail "$programs/$program says \"$said\", the source is version $version: build it anew"
  done
}

# pack_layer ROOT FILE: in one order, of one time, of owner root, but for the data directory: who
# packs it leaves no trace.
pack_layer() {
  local root="$1" file="$2"
  local tar_options=(--format=gnu --sort=name --mtime="@$time" --numeric-owner --no-recursion)
  (cd "$root" && find . -mindepth 1 ! -path "./$DATA" -printf '%P\n' | LC_ALL=C sort) >"$scratch/list"
  tar --create --file "$file" "${tar_options[@]}" --owner=0 --group=0 --directory "$root" \
    --verbatim-files-from --files-from "$scratch/list" || return 1
  tar --append --file "$file" "${tar_options[@]}" --owner="$USER_ID" --group="$USER_ID" \
    --directory "$root" "$DATA"
}

# configure IMAGE: as deploy/Containerfile has it.
configure() {
  local labels=() label
  for label in "title=Onhook" "version=$version" "revision=$(revision)" \
    "description=Takes hang-up callbacks, keeps them, streams them to subscribers over gRPC"; do
    labels+=(--config.label "org.opencontainers.image.$label")
  done
  umoci config --image "$1" --no-history --created "$date" --os linux \
    --architecture "$(dpkg --print-architecture)" --config.user "$USER_ID:$USER_ID" \
    --config.entrypoint /usr/bin/onhookd --config.workingdir / --config.stopsignal SIGTERM \
    --config.env PATH=/usr/bin --config.env "ONHOOK_STORE_DIRECTORY=/$DATA" \
    --config.env ONHOOK_CONFIG=/etc/onhook/onhook.yaml --config.exposedports 8080/tcp \
    --config.exposedports 50051/tcp --config.exposedports 8081/tcp "${labels[@]}"
}

# make_archive LAYER ARCHIVE
make_archive() {
  local layout="$scratch/layout"
  umoci init --layout "$layout" && umoci new --image "$layout:$version" || return 1
  umoci raw add-layer --image "$layout:$version" --history.created "$date" \
    --history.created_by deploy/build-image.sh "$1" || return 1
  configure "$layout:$version" || return 1
  umoci gc --layout "$layout" || return 1
  # umoci's tags hold no colon; the name by which engines load it does.
  sed -i "s/\"org.opencontainers.image.ref.name\":\"$version\"/\"org.opencontainers.image.ref.name\":\"onhook:$version\"/" \
    "$layout/index.json" || return 1
  tar --create --file "$2.new" --format=gnu --sort=name --mtime="@$time" --numeric-owner --owner=0 \
    --group=0 --mode=u=rwX,go=rX --directory "$layout" blobs index.json oci-layout || return 1
  mv "$2.new" "$2"
}

# What of cpp-httplib the programs hold: it is a header, so no package tells.
httplib_version() {
  sed -n 's/^#define CPPHTTPLIB_VERSION "\([0-9.]*\)".*/\1/p' build/third_party/cpp-httplib/httplib.h
}

version=$(project_version)
[ -n "$version" ] || fail "CMakeLists.txt names no version"
time=$(build_time)
date=$(date --utc --date="@$time" +%Y-%m-%dT%H:%M:%SZ)
export SOURCE_DATE_EPOCH="$time"
command -v umoci >/dev/null || fail "umoci is missing: ./deploy/setup.sh --tests"
require_version
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$output"
archive="$output/onhook-$version.tar"

deploy/image-root.sh ${base:+--base "$base"} "$programs" "$scratch/root"
pack_layer "$scratch/root" "$scratch/layer.tar" || fail "the layer could not be packed"
python3 deploy/image/sbom.py "$scratch/root" "$version" "$date" "$(httplib_version)" \
  >"$output/onhook-$version.spdx.json" || fail "the list of what is in the image could not be made"
make_archive "$scratch/layer.tar" "$archive" || fail "the image could not be packed"
say "onhook:$version: $archive, $(($(stat --format=%s "$archive") / 1024)) KiB," \
  "$(($(stat --format=%s "$scratch/layer.tar") / 1024)) KiB unpacked," \
  "$(wc -l <"$scratch/list") files and folders, $(sha256sum "$archive" | cut -d' ' -f1)"
