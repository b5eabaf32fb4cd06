#!/usr/bin/env bash
# An authority of one's own with a certificate for the gateway and one for each client, to try TLS
# with. Safe to run again: what is good stays, what expires soon is renewed.
set -euo pipefail

DAYS=90                 # of a certificate
RENEWED_DAYS_BEFORE=30  # its end
AUTHORITY_DAYS=3650
TRUST_DOMAIN=onhook.dev

usage() {
  cat <<USAGE
usage: deploy/dev-certificates.sh [--host HOST]... [DIRECTORY [NAME...]]
  DIRECTORY    where the files go; default ./onhook-certificates
  NAME         a client, which gets a certificate for spiffe://$TRUST_DOMAIN/NAME and NAME;
               default crm
  --host HOST  a name or address of the gateway, beside localhost, 127.0.0.1 and ::1; to be given
               in every run that makes the gateway's certificate
For trying only: the authority's key lies beside the others, without a passphrase.
USAGE
}

say() { printf '%s\n' "$*"; }
fail() {
  printf 'dev-certificates.sh: %s\n' "$*" >&2
  exit 1
}

hosts=(localhost 127.0.0.1 ::1)
words=()
while [ $# -gt 0 ]; do
  case "$1" in
    --host)
      [ $# -ge 2 ] || fail "--host needs a name or an address"
      hosts+=("$2")
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
    *) words+=("$1") ;;
  esac
  shift
done
directory="${words[0]:-onhook-certificates}"
clients=("${words[@]:1}")
[ "${#clients[@]}" -gt 0 ] || clients=(crm)

for name in "${clients[@]}"; do
  [[ "$name" =~ ^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$ ]] ||
    fail "\"$name\" is no name of a client: 1 to 63 of a-z, 0-9 and -"
  case "$name" in ca | server) fail "a client cannot be called \"$name\": its files would be others'" ;; esac
done
for host in "${hosts[@]}"; do
  [[ "$host" =~ ^[A-Za-z0-9.:*-]+$ ]] || fail "\"$host\" is neither a name nor an address"
done
command -v openssl >/dev/null || fail "openssl is not installed; on Debian: apt-get install openssl"

# What is created here is its owner's alone until it is told otherwise.
umask 077
mkdir -p "$directory"
scratch=$(mktemp -d "$directory/.new.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# put FILE MODE: what was made under that name takes its place at once, so that a gateway which
# reads it now sees the old one or the new one.
put() {
  chmod "$2" "$scratch/$1"
  mv -f "$scratch/$1" "$directory/$1"
  say "wrote $directory/$1"
}

# make_key NAME: unless there is one. A renewed certificate keeps its key: then one file changes,
# and no gateway ever finds half of a new pair.
make_key() {
  if [ -e "$directory/$1.key" ]; then
    chmod 600 "$directory/$1.key"
    return
  fi
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$scratch/$1.key"
  put "$1.key" 600
}

# lasts FILE DAYS: whether it is still valid then.
lasts() { openssl x509 -in "$1" -noout -checkend $(($2 * 86400)) >/dev/null 2>&1; }

# is_pair NAME: whether the key is the certificate's.
is_pair() {
  [ "$(openssl x509 -in "$directory/$1.crt" -noout -pubkey 2>/dev/null)" = \
    "$(openssl pkey -in "$directory/$1.key" -pubout 2>/dev/null)" ]
}

make_authority() {
  local certificate="$directory/ca.crt"
  if [ -e "$certificate" ]; then
    is_pair ca || fail "$directory/ca.key is not the key of $certificate: remove the directory and begin anew"
    lasts "$certificate" "$DAYS" ||
      fail "the authority $certificate ends within $DAYS days: remove the directory and begin anew"
    chmod 600 "$directory/ca.key"
    say "kept  $certificate"
    return
  fi
  make_key ca
  openssl req -new -x509 -key "$directory/ca.key" -sha256 -days "$AUTHORITY_DAYS" \
    -subj "/CN=Onhook development authority (for trying only)" \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" \
    -addext "keyUsage=critical,keyCertSign,cRLSign" -out "$scratch/ca.crt"
  put ca.crt 644
}

# names FILE: the alternative names of a certificate, as openssl shows them.
names() { openssl x509 -in "$1" -noout -ext subjectAltName 2>/dev/null | tail -n +2 | tr -d ' '; }

# is_good NAME USAGE: it is ours, for its key, for what it is made for, and for some time.
is_good() {
  local certificate="$directory/$1.crt"
  [ -e "$certificate" ] && lasts "$certificate" "$RENEWED_DAYS_BEFORE" && is_pair "$1" &&
    openssl verify -CAfile "$directory/ca.crt" -purpose "ssl${2%Auth}" "$certificate" >/dev/null 2>&1
}

# make_certificate NAME USAGE ALTERNATIVE-NAMES: unless there is a good one that has the same names.
make_certificate() {
  local name="$1" usage="$2" alternative_names="$3"
  make_key "$name"
  {
    say "basicConstraints = critical, CA:FALSE"
    say "keyUsage = critical, digitalSignature"
    say "extendedKeyUsage = $usage"
    say "subjectAltName = $alternative_names"
  } >"$scratch/extensions"
  openssl req -new -key "$directory/$name.key" -subj "/CN=$name" -out "$scratch/request"
  openssl x509 -req -in "$scratch/request" -CA "$directory/ca.crt" -CAkey "$directory/ca.key" \
    -set_serial "0x$(openssl rand -hex 16)" -sha256 -days "$DAYS" \
    -extfile "$scratch/extensions" -out "$scratch/$name.crt" 2>/dev/null ||
    fail "openssl cannot make a certificate for $alternative_names"
  if is_good "$name" "$usage" && [ "$(names "$directory/$name.crt")" = "$(names "$scratch/$name.crt")" ]; then
    say "kept  $directory/$name.crt"
    return
  fi
  put "$name.crt" 644
}

server_names() {
  local host separator=""
  for host in "${hosts[@]}"; do
    if [[ "$host" == *:* || "$host" =~ ^[0-9.]+$ ]]; then
      printf '%sIP:%s' "$separator" "$host"
    else
      printf '%sDNS:%s' "$separator" "$host"
    fi
    separator=", "
  done
}

make_authority
make_certificate server serverAuth "$(server_names)"
for name in "${clients[@]}"; do
  make_certificate "$name" clientAuth "URI:spiffe://$TRUST_DOMAIN/$name, DNS:$name"
done

first="${clients[0]}"
cat <<LINES

For trying only: whoever reads $directory/ca.key can make himself any client.
  onhookd --grpc-tls-certificate-file $directory/server.crt --grpc-tls-key-file $directory/server.key \\
    --grpc-tls-client-ca-file $directory/ca.crt
  onhook subscribe $first --ca $directory/ca.crt --cert $directory/$first.crt --key $directory/$first.key
LINES
