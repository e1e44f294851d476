#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Signs programs and packages for Windows in place.
#
#     tools/sign.sh DESCRIPTION FILE…
#
# The environment says how; './dev package' has an option for each:
#   WSLBRIDGE_SIGN            KEY.pem,CERTIFICATES.pem, or FILE.pfx with both
#   WSLBRIDGE_SIGN_PASSWORD   a file with the password of the key
#   WSLBRIDGE_SIGN_TIMESTAMP  URL of a time stamp server (RFC 3161); with its stamp, a signature outlives the
#                             certificate
set -euo pipefail

key() {
    case $WSLBRIDGE_SIGN in
    *,*) printf '%s\n' -key "${WSLBRIDGE_SIGN%%,*}" -certs "${WSLBRIDGE_SIGN#*,}" ;;
    *) printf '%s\n' -pkcs12 "$WSLBRIDGE_SIGN" ;;
    esac
    [ -z "${WSLBRIDGE_SIGN_PASSWORD:-}" ] || printf '%s\n' -readpass "$WSLBRIDGE_SIGN_PASSWORD"
    [ -z "${WSLBRIDGE_SIGN_TIMESTAMP:-}" ] || printf '%s\n' -ts "$WSLBRIDGE_SIGN_TIMESTAMP"
}

description=$1
shift
mapfile -t options < <(key)
for file in "$@"; do
    # The address of the project is what Windows offers for more information.
    osslsigncode sign "${options[@]}" -h sha256 -n "$description" \
        -i "$(cat "$(dirname "$(readlink -f "$0")")/../packaging/homepage")" -in "$file" -out "$file.signed"
    mv "$file.signed" "$file"
done
