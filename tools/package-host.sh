# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The host's package: wslbridge-VERSION-x64.msi, and the manifests for winget, which name its sum.

package_host() { # package_host OUT
    step "the host's package" "$BUILD/logs/package-host.log" "$TOOLS/build-msi.sh" \
        "$BUILD/windows-release/windows-helper" "$1" "$1"
    "$PYTHON" "$TOOLS/winget.py" "$1/wslbridge-$VERSION-x64.msi" "$(cat "$TOP/packaging/homepage")" \
        "$SOURCE_DATE_EPOCH" "$1/winget"
}

# The options of './dev package' about signing, for sign.sh.
package_options() {
    local option
    for option in "$@"; do
        case $option in
        --sign=?*) WSLBRIDGE_SIGN=$(from_here "${option#*=}") ;;
        --sign-password=?*) WSLBRIDGE_SIGN_PASSWORD=$(from_here "${option#*=}") ;;
        --timestamp=http*://?*) WSLBRIDGE_SIGN_TIMESTAMP=${option#*=} ;;
        *) die "unknown argument '$option'; './dev package' takes --sign=KEY.pem,CERTIFICATES.pem or --sign=FILE.pfx, --sign-password=FILE, and --timestamp=URL" ;;
        esac
    done
    if [ -z "${WSLBRIDGE_SIGN:-}" ] && [ $# -gt 0 ]; then
        die "say with which key to sign: --sign=KEY.pem,CERTIFICATES.pem or --sign=FILE.pfx"
    fi
    export WSLBRIDGE_SIGN WSLBRIDGE_SIGN_PASSWORD WSLBRIDGE_SIGN_TIMESTAMP
}

# Files are named as seen from where ./dev was started; two have a comma between them.
from_here() { # from_here FILE[,FILE]
    local file files names=
    IFS=, read -ra files <<<"$1"
    for file in "${files[@]}"; do
        case $file in
        /*) ;;
        *) file=$CALLED_FROM/$file ;;
        esac
        [ -f "$file" ] || die "there is no file '$file'"
        names+=,$file
    done
    printf '%s\n' "${names#,}"
}
