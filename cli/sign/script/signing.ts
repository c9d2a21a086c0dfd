/**
 * The part of a script that signs and sends: Signature Version 4 in POSIX sh, with curl and openssl and what every POSIX system has
 * (date, od, tr, wc, dd, cat, mkdir, rm).
 *
 * - Keys come from the environment when the script runs, and leave it before anything else is started.
 * - No secret is ever an argument, which everybody on the machine can read in the list of processes. That is why the HMAC is made by
 *   hand of two hashes: openssl takes a key as an argument alone. curl gets its headers on stdin.
 * - `sh -x` shows no secret: the first line turns tracing off.
 * - Ends with 0 done, 1 refused, 2 usage, 4 unreachable, as waybill does.
 */
import { shell } from '../quote-shell.ts';

export const SIGNING = shell`{ set +x; } 2>/dev/null
set -u
umask 077
LC_ALL=C
export LC_ALL
unset secret token key_id signing_key CDPATH
key_id=$\{AWS_ACCESS_KEY_ID:-}
secret=$\{AWS_SECRET_ACCESS_KEY:-}
token=$\{AWS_SESSION_TOKEN:-}
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN

fail() {
  code=$1
  shift
  printf '%s\n' "$*" >&2
  exit "$code"
}

for tool in curl openssl od dd; do
  command -v "$tool" >/dev/null 2>&1 || fail 2 "this needs $tool"
done
if [ -z "$key_id" ] || [ -z "$secret" ]; then
  fail 2 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN where the keys have one'
fi
case $key_id$token in
  *[!!-~]* | *[\"\\]*) fail 2 'the keys hold white space or another character that no key has: were they copied whole?' ;;
esac
case $secret in
  ' '* | *' ' | *[[:cntrl:]]*) fail 2 'the secret holds white space that no key has: was it copied whole?' ;;
esac

scratch=$\{TMPDIR:-/tmp}/waybill-sign.$$
mkdir "$scratch" || fail 2 "cannot make $scratch"
at_end() { :; }
finish() {
  code=$?
  trap - EXIT
  trap '' HUP INT TERM
  at_end
  rm -rf "$scratch"
  exit "$code"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# SHA-256 of stdin, in hexadecimal.
sha256() {
  hashed=$(openssl dgst -sha256 -r) || fail 2 'openssl cannot hash'
  printf '%s' "$\{hashed%% *}"
}

# HMAC-SHA256 (RFC 2104) of the text $2 under the key $1, both ways in hexadecimal.
hmac() {
  left=$1 inner='' outer='' count=0
  while [ "$count" -lt 64 ]; do
    byte=0
    if [ -n "$left" ]; then
      rest=$\{left#??}
      byte=$((0x$\{left%"$rest"}))
      left=$rest
    fi
    i=$((byte ^ 54)) o=$((byte ^ 92))
    inner=$inner\\0$((i / 64))$((i / 8 % 8))$((i % 8))
    outer=$outer\\0$((o / 64))$((o / 8 % 8))$((o % 8))
    count=$((count + 1))
  done
  {
    printf '%b' "$outer"
    { printf '%b' "$inner"; printf '%s' "$2"; } | openssl dgst -sha256 -binary
  } | sha256
}

# The signing key of a day; the same until the day changes.
signing_day=
derive() {
  [ "$1" != "$signing_day" ] || return 0
  hex=$(printf '%s' "AWS4$secret" | od -An -v -tx1 | tr -d ' \n')
  # RFC 2104: a key longer than a block is hashed.
  [ "$\{#hex}" -le 128 ] || hex=$(printf '%s' "AWS4$secret" | sha256)
  signing_key=$(hmac "$hex" "$1")
  signing_key=$(hmac "$signing_key" "$region")
  signing_key=$(hmac "$signing_key" "$service")
  signing_key=$(hmac "$signing_key" aws4_request)
  signing_day=$1
}

# Percent-encodes ASCII text into "encoded".
encode() {
  left=$1 encoded=''
  while [ -n "$left" ]; do
    rest=$\{left#?}
    char=$\{left%"$rest"}
    left=$rest
    case $char in
      [A-Za-z0-9._~-]) encoded=$encoded$char ;;
      *) encoded=$encoded$(printf '%%%02X' "'$char") ;;
    esac
  done
}

# Adds a header that is sent and not signed: NAME VALUE.
carry() {
  left="$1: $2" quoted=''
  [ -n "$2" ] || left="$1;"
  while :; do
    case $left in
      *[\\\"]*)
        head=$\{left%%[\\\"]*}
        left=$\{left#"$head"}
        rest=$\{left#?}
        quoted=$quoted$head\\$\{left%"$rest"}
        left=$rest
        ;;
      *) break ;;
    esac
  done
  settings="$\{settings}header = \"$quoted$left\"
"
}

# Adds a header that is signed. They come in the order of their names.
add() {
  canonical="$\{canonical}$1:$2
"
  signed=$signed$\{signed:+;}$1
  carry "$1" "$2"
}

# Sends one signed request: METHOD, canonical query, payload hash, the function that adds its headers, then what curl sends as body.
# 0 when the answer is a 2xx. Sets status; the answer is in $scratch/answer, its headers are in $scratch/headers.
send() {
  method=$1 query=$2 hash=$3 headers=$4
  shift 4
  now=$(date -u +%Y%m%dT%H%M%SZ)
  scope=$\{now%T*}/$region/$service/aws4_request
  canonical='' signed='' settings=''
  "$headers"
  canonical="$method
$canonical_uri
$query
$canonical
$signed
$hash"
  derive "$\{now%T*}"
  signature=$(hmac "$signing_key" "AWS4-HMAC-SHA256
$now
$scope
$(printf '%s' "$canonical" | sha256)")
  carry authorization "AWS4-HMAC-SHA256 Credential=$key_id/$scope, SignedHeaders=$signed, Signature=$signature"
  : >"$scratch/answer"
  : >"$scratch/headers"
  if [ "$method" = HEAD ]; then set -- "$@" --head; else set -- "$@" --request "$method"; fi
  status=$(printf 'url = "%s"\n%s' "$origin$uri$\{query:+?$query}" "$settings" |
    curl --config - --silent --show-error --globoff --path-as-is --output "$scratch/answer" \
      --dump-header "$scratch/headers" --write-out '%{http_code}' "$@") || status=000
  case $status in 2??) return 0 ;; *) return 1 ;; esac
}

# As send, up to three times while the network or the server is in the way.
insist() {
  attempt=1
  until send "$@"; do
    case $status in 000 | 429 | 5??) ;; *) return 1 ;; esac
    [ "$attempt" -lt 3 ] || return 1
    sleep "$attempt"
    attempt=$((attempt + 1))
  done
}

# Ends with what was answered.
refused() {
  cat "$scratch/answer" >&2
  [ "$status" != 000 ] || fail 4 "$1: no answer"
  fail 1 "$1: answered $status"
}

# Makes sure of the file that is sent, and that curl does not take its name for an option.
check_file() {
  case $file in -*) file=./$file ;; esac
  if [ ! -f "$file" ] || [ ! -r "$file" ]; then fail 2 "cannot read the file $file"; fi
}
`;
