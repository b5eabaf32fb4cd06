#!/usr/bin/env bash
# Assembles the root filesystem of the container image: Debian's libraries that our two programs
# load, what these read at run time, the licences and the record of all that, and nothing else. No
# shell, no package manager, no file that anybody may write.
set -euo pipefail
# shellcheck source=deploy/steps.sh
. "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

usage() {
  cat <<'USAGE'
usage: deploy/image-root.sh [--base FILE] PROGRAMS ROOT
       deploy/image-root.sh --base FILE
  PROGRAMS     the folder of onhookd and onhook, built for this release of Debian
  ROOT         the folder to make
  --base FILE  keep Debian's packages in FILE, and take them from there if it is there already;
               otherwise they come from the machine's own mirror each time. Alone: make FILE only
Needs mmdebstrap and binutils; as root or not. As root, the data directory belongs to uid 65532.
USAGE
}

# What the image takes from Debian: name, why. Libraries that these depend on come along; of all of
# them only what is needed stays.
PACKAGES='
base-files               says which Debian this is, to people and to scanners; texts of licences
ca-certificates          whom the command line trusts, if told nothing else
tzdata                   the time zones of sources
libc6                    the loader too
libstdc++6               C++
libabsl20220623          Abseil
libgrpc++1.51            gRPC
libprotobuf32            its messages
libssl3                  TLS, signatures
libsqlite3-0             the store
libxxhash0               the checksum of a stored event
libyaml-cpp0.7           settings
libsimdjson14            the vendor'\''s JSON
libprometheus-cpp-core1.0  counts
libjemalloc2             takes and gives back memory
libnats3.4               JetStream
'
USER_ID=65532
DATA=var/lib/onhook

base=""
places=()
while [ $# -gt 0 ]; do
  case "$1" in
    --base)
      [ $# -ge 2 ] || fail "--base needs a path"
      base="$2"
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    -*)
      usage >&2
      fail "unknown option $1"
      ;;
    *) places+=("$1") ;;
  esac
  shift
done
if [ "${#places[@]}" -ne 2 ] && { [ "${#places[@]}" -ne 0 ] || [ -z "$base" ]; }; then
  usage >&2
  fail "give the folder of the programs, and the folder to make"
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
awk 'NF {print $1}' <<<"$PACKAGES" >"$scratch/asked-for"
DEBIAN="$scratch/debian"
TRIPLET="$(uname -m)-linux-gnu"

# The machine's own entries for this Debian, as files: its mirror, its keys.
own_sources() {
  local codename="$1"
  # shellcheck disable=SC2016 # the dollars are apt's
  apt-get indextargets --no-release-info --format '$(RELEASE)|$(COMPONENT)|$(SOURCESENTRY)' \
    'Created-By: Packages' |
    awk -F'|' -v name="$codename" \
      '$2 == "main" && ($1 == name || index($1, name "-") == 1) {sub(/:[0-9]+$/, "", $3); print $3}' |
    sort -u
}

# download_base FILE: the packages, verified by the archive's signature, extracted and not
# configured, so that nothing of theirs runs; and beside them the packages themselves, for what they
# say of themselves.
download_base() {
  local file="$1" mode=chrootless codename sources packages
  codename=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
  mapfile -t sources < <(own_sources "$codename")
  [ "${#sources[@]}" -gt 0 ] || {
    say "no entry for $codename main in apt's sources: which mirror to ask?" >&2
    return 1
  }
  packages=$(paste -sd, "$scratch/asked-for")
  if [ "$(id -u)" -eq 0 ]; then mode=root; fi
  mkdir -p "$(dirname "$file")"
  mmdebstrap --mode="$mode" --variant=extract --format=tar --skip=cleanup/apt/cache \
    --aptopt='Acquire::Retries "3"' --include="$packages" "$codename" "$file.new" "${sources[@]}" || return 1
  tar --append --file "$file.new" --directory "$scratch" asked-for || return 1
  mv "$file.new" "$file"
}

# Whether a kept file was made of these PACKAGES: with one more, it would hide that it is missing here.
base_fits() {
  [ -s "$1" ] && tar --extract --to-stdout --file "$1" asked-for 2>/dev/null |
    cmp --silent - "$scratch/asked-for"
}

unpack_base() {
  local file="${base:-$scratch/base.tar}"
  if ! base_fits "$file"; then
    command -v mmdebstrap >/dev/null || fail "mmdebstrap is missing: ./deploy/setup.sh --tests"
    run_step image-base "fetching Debian's part of the image" download_base "$file" ||
      fail "Debian's packages could not be fetched"
  fi
  if [ "${#places[@]}" -eq 0 ]; then return; fi
  mkdir "$DEBIAN"
  # Devices are not ours to make without root, nor wanted.
  tar --extract --file "$file" --directory "$DEBIAN" --exclude './dev/*' --no-same-owner
}

# keep PATH...: takes files of Debian's part into the root, each where it was.
keep() {
  local path
  for path in "$@"; do
    mkdir -p "$root/$(dirname "$path")"
    cp --archive --no-preserve=ownership "$DEBIAN/$path" "$root/$path"
  done
}

# The libraries that the programs load, as paths in Debian's part. Whatever the loader would find
# anywhere else is missing from PACKAGES.
needed_libraries() {
  local loader program line path
  loader=$(echo "$DEBIAN/lib/$TRIPLET"/ld-linux-*.so.*)
  for program in onhookd onhook; do
    "$loader" --inhibit-cache --library-path "$DEBIAN/lib/$TRIPLET:$DEBIAN/usr/lib/$TRIPLET" \
      --list "$programs/$program" || return 1
  done >"$scratch/loaded"
  while read -r line; do
    [[ "$line" != linux-vdso* ]] || continue
    [[ "$line" != "$loader "* && "$line" != *" => $loader "* ]] || continue
    path="${line#* => }"
    path="${path% (0x*}"
    if [[ "$path" != "$DEBIAN"/* ]]; then
      say "none of the image's packages has what a program loads: $line" >&2
      return 1
    fi
    printf '%s\n' "${path#"$DEBIAN"/}"
  done <"$scratch/loaded" | sort -u
}

keep_libraries() {
  local libraries library loader
  libraries=$(needed_libraries) || fail "the programs' libraries could not be collected"
  for library in $libraries; do
    keep "$library"
    # The name that a program asks for is often a link to the file.
    if [ -L "$DEBIAN/$library" ]; then
      keep "$(dirname "$library")/$(readlink "$DEBIAN/$library")"
    fi
  done
  # The loader, and the name by which a program asks the kernel for it.
  for loader in "$DEBIAN"/lib/"$TRIPLET"/ld-linux-* "$DEBIAN"/lib*/ld-linux-*; do
    if [ -e "$loader" ] || [ -L "$loader" ]; then keep "${loader#"$DEBIAN"/}"; fi
  done
}

# What ca-certificates does when it is configured: one file of all authorities.
make_authorities() {
  local bundle="$root/etc/ssl/certs/ca-certificates.crt"
  mkdir -p "$(dirname "$bundle")"
  find "$DEBIAN/usr/share/ca-certificates/mozilla" -name '*.crt' -print0 | LC_ALL=C sort -z |
    xargs -0 cat >"$bundle"
  [ "$(grep -c 'BEGIN CERTIFICATE' "$bundle")" -ge 50 ] || fail "ca-certificates holds hardly any"
}

keep_files() {
  keep etc/os-release usr/lib/os-release etc/debian_version usr/share/common-licenses
  keep usr/share/zoneinfo
  # The same zones twice more: under another name, and with leap seconds, which no clock here counts.
  rm -rf "$root"/usr/share/zoneinfo/{posix,right}
  # A link to what only an installed machine has.
  rm -f "$root/usr/share/zoneinfo/localtime"
  make_authorities
}

# Of each package that left a file here (from ca-certificates we made one): its licence, and for
# scanners what it is and the sums of those files, where distroless images have them too.
record_packages() {
  local package_file name directory="$root/var/lib/dpkg/status.d" sum path
  mkdir -p "$directory"
  for package_file in "$DEBIAN"/var/cache/apt/archives/*.deb; do
    name=$(dpkg-deb --field "$package_file" Package)
    dpkg-deb --info "$package_file" md5sums >"$scratch/md5sums"
    while read -r sum path; do
      [[ "$path" != usr/share/doc/* ]] || continue
      if [ -f "$root/$path" ] && [ ! -L "$root/$path" ]; then printf '%s  %s\n' "$sum" "$path"; fi
    done <"$scratch/md5sums" >"$scratch/kept"
    if [ -s "$scratch/kept" ] || [ "$name" = ca-certificates ]; then
      dpkg-deb --field "$package_file" >"$directory/$name"
      cp "$scratch/kept" "$directory/$name.md5sums"
      mkdir -p "$root/usr/share/doc/$name"
      cp --dereference "$DEBIAN/usr/share/doc/$name/copyright" "$root/usr/share/doc/$name/copyright"
    fi
  done
}

install_own() {
  local program
  mkdir -p "$root"/usr/bin "$root"/usr/share/doc/onhook "$root"/etc/onhook/secrets "$root/$DATA"
  for program in onhookd onhook; do
    strip --strip-all -o "$root/usr/bin/$program" "$programs/$program"
  done
  cp "$STEPS_TOP/deploy/image/onhook.yaml" "$root/etc/onhook/onhook.yaml"
  cp "$STEPS_TOP/deploy/image/copyright" "$root/usr/share/doc/onhook/copyright"
  printf 'root:x:0:0:root:/:/nonexistent\nonhook:x:%s:%s:Onhook:/%s:/nonexistent\n' \
    "$USER_ID" "$USER_ID" "$DATA" >"$root/etc/passwd"
  printf 'root:x:0:\nonhook:x:%s:\n' "$USER_ID" >"$root/etc/group"
  printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
  # What a container runtime mounts over; it could not make these in a root that is read only.
  mkdir -p "$root"/{dev,proc,sys}
}

# Nobody writes, everybody reads; only the programs and their libraries are executed.
close_permissions() {
  find "$root" -type d -exec chmod 755 {} +
  find "$root" -type f -exec chmod 644 {} +
  chmod 755 "$root"/usr/bin/* "$root/lib/$TRIPLET"/ld-linux-*
  chmod 750 "$root/$DATA"
  if [ "$(id -u)" -eq 0 ]; then
    chown --recursive --no-dereference 0:0 "$root"
    chown "$USER_ID:$USER_ID" "$root/$DATA"
  fi
}

assemble() {
  local program
  for program in onhookd onhook; do
    [ -x "$programs/$program" ] || fail "$programs has no program $program; build it first:" \
      "cmake --preset release && cmake --build --preset release --target onhookd onhook_cli"
  done
  [ ! -e "$root" ] || fail "$root is there already"
  command -v strip >/dev/null || fail "strip is missing: install binutils"
  mkdir -p "$root"
  root=$(cd "$root" && pwd)
  keep_libraries
  keep_files
  record_packages
  install_own
  close_permissions
}

unpack_base
if [ "${#places[@]}" -eq 2 ]; then
  programs="${places[0]}" root="${places[1]}"
  assemble
fi
