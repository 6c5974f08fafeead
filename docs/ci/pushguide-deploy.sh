#!/bin/sh
# Ask pushguide for a deployment, by a request that the key of a deployment token signs.
#
# Usage: pushguide-deploy.sh MODULE VERSION ENVIRONMENT [REASON]
#
# It needs a POSIX shell, curl, and OpenSSL 3.0 or newer. The environment says:
#
#   PUSHGUIDE_URL        salt-api, such as https://master:8000
#   PUSHGUIDE_TOKEN      the name of the deployment token
#   PUSHGUIDE_KEY_FILE   the file with its private key; or
#   PUSHGUIDE_KEY        the private key itself, as PEM
#   PUSHGUIDE_USER       who logs in to salt-api, with
#   PUSHGUIDE_PASSWORD   this password, and
#   PUSHGUIDE_EAUTH      this kind of eauth: pam by default. Without a user nobody logs in, which
#                        salt-api has to allow (webhook_disable_auth)
#   PUSHGUIDE_WAY        hook (the default) posts and ends: what becomes of it is told elsewhere.
#                        runner waits for the end, and tells it by the exit code
#   PUSHGUIDE_CA         a file with the certificate of salt-api's authority, if curl needs one
#
# Exit code: 0 posted, or with runner deployed; 1 refused or failed; 2 used wrongly. Neither key nor
# password stands on any command line, and neither is sent: but for the password, to /login.

set -eu
umask 077

die() {
    echo "pushguide-deploy: $2" >&2
    exit "$1"
}

[ $# -ge 3 ] && [ $# -le 4 ] || die 2 "usage: $0 MODULE VERSION ENVIRONMENT [REASON]"
: "${PUSHGUIDE_URL:?is missing: give the address of salt-api}"
: "${PUSHGUIDE_TOKEN:?is missing: give the name of the deployment token}"
way=${PUSHGUIDE_WAY:-hook}
case $way in hook | runner) ;; *) die 2 "PUSHGUIDE_WAY is $way: give hook or runner" ;; esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

key=${PUSHGUIDE_KEY_FILE:-}
if [ -z "$key" ]; then
    : "${PUSHGUIDE_KEY:?is missing: give it, or PUSHGUIDE_KEY_FILE}"
    key=$work/key
    printf '%s\n' "$PUSHGUIDE_KEY" >"$key"
fi

# A text as a JSON string: what JSON cannot hold as it is becomes a blank or is escaped.
quoted() {
    printf '"%s"' "$(printf '%s' "$1" | tr '\000-\037' ' ' | sed 's/\\/\\\\/g; s/"/\\"/g')"
}

# The request, the signature over its very bytes, and both as base64.
nonce=$(openssl rand -hex 16)
{
    printf '{"token":%s,"module":%s,"version":%s,"environment":%s' \
        "$(quoted "$PUSHGUIDE_TOKEN")" "$(quoted "$1")" "$(quoted "$2")" "$(quoted "$3")"
    [ $# -lt 4 ] || printf ',"reason":%s' "$(quoted "$4")"
    printf ',"at":"%s","nonce":"%s"}' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$nonce"
} >"$work/request"
openssl pkeyutl -sign -rawin -inkey "$key" -in "$work/request" -out "$work/signature" ||
    die 1 "the request could not be signed"
request=$(openssl base64 -A -in "$work/request")
signature=$(openssl base64 -A -in "$work/signature")

# Secrets go to curl in files.
post() {
    curl --silent --show-error --fail --max-time 600 ${PUSHGUIDE_CA:+--cacert "$PUSHGUIDE_CA"} \
        --header 'Content-Type: application/json' --header 'Accept: application/json' \
        --header "@$work/headers" --data-binary "@$2" "$PUSHGUIDE_URL$1"
}

: >"$work/headers"
if [ -n "${PUSHGUIDE_USER:-}" ]; then
    printf '{"username":%s,"password":%s,"eauth":%s}' "$(quoted "$PUSHGUIDE_USER")" \
        "$(quoted "${PUSHGUIDE_PASSWORD:-}")" "$(quoted "${PUSHGUIDE_EAUTH:-pam}")" >"$work/login"
    post /login "$work/login" >"$work/session" || die 1 "the login failed"
    session=$(sed -n 's/.*"token": *"\([0-9a-zA-Z]*\)".*/\1/p' "$work/session")
    [ -n "$session" ] || die 1 "the login was not answered with a session"
    printf 'X-Auth-Token: %s\n' "$session" >"$work/headers"
fi

signed=$(printf '"request":"%s","signature":"%s"' "$request" "$signature")
if [ "$way" = hook ]; then
    printf '{%s}' "$signed" >"$work/body"
    post /hook/pushguide/deploy "$work/body" >/dev/null || die 1 "the hook did not take the request"
    echo "posted: $1 $2 to $3, by the token $PUSHGUIDE_TOKEN with the nonce $nonce"
    exit 0
fi

printf '[{"client":"runner","fun":"pushguide.deploy_signed","kwarg":{%s}}]' "$signed" >"$work/body"
post / "$work/body" >"$work/answer" ||
    die 1 "no answer came: the deployment may have begun, and go on (nonce $nonce)"
cat "$work/answer"
echo
grep -q '"deployment": ' "$work/answer" || die 1 "$1 $2 was not deployed to $3"
grep -q '"state": *"succeeded"' "$work/answer" || die 1 "$1 $2 has not been deployed to $3"
grep -q '"retcode": *[1-9]' "$work/answer" && die 1 "$1 $2 was not deployed to $3"
echo "deployed: $1 $2 to $3"
