# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Services of the guest.
#
#   list    the names of all files, and where the enabled services listen
#   write   write the files of the payload: lines "file NAME", then "= TEXT" for each line of it

wslbridge_say() {
    printf 'wslbridge-setup: %s=%s\n' "$1" "$2"
}

# The host keeps only the end of a long answer; with its beginning it is whole.
wslbridge_list() {
    wslbridge_say begin yes
    for wslbridge_file in /etc/wslbridge/services.d/*.ini /run/wslbridge/services.d/*.ini \
        /usr/lib/wslbridge/services.d/*.ini; do
        if [ -e "$wslbridge_file" ] || [ -L "$wslbridge_file" ]; then
            wslbridge_file=${wslbridge_file##*/}
            wslbridge_say name "${wslbridge_file%.ini}"
        fi
    done
    wslbridge_enabled=
    wslbridgectl list --json 2>/dev/null | while IFS= read -r wslbridge_line; do
        case $wslbridge_line in
        *'"enabled": true'*) wslbridge_enabled=yes ;;
        *'"enabled": false'*) wslbridge_enabled= ;;
        *'"listen": "'*)
            wslbridge_line=${wslbridge_line#*'"listen": "'}
            [ -z "$wslbridge_enabled" ] || wslbridge_say listen "${wslbridge_line%%'"'*}"
            ;;
        esac
    done
}

# A file is complete before it has its name, and never takes the place of another.
wslbridge_finish() {
    [ -n "$wslbridge_name" ] || return 0
    sync "$wslbridge_new" 2>/dev/null
    ln "$wslbridge_new" "$wslbridge_folder/$wslbridge_name.ini" || return
    rm -f "$wslbridge_new"
    wslbridge_say wrote "$wslbridge_name"
}

wslbridge_write() {
    umask 022
    mkdir -p "$wslbridge_folder" || return
    rm -f "$wslbridge_new" # of a run that was killed, perhaps with a second name
    wslbridge_payload | {
        wslbridge_name=
        while IFS= read -r wslbridge_line; do
            case $wslbridge_line in
            'file '*)
                wslbridge_finish || exit
                wslbridge_name=${wslbridge_line#file }
                : >"$wslbridge_new" || exit
                ;;
            '= '*) printf '%s\n' "${wslbridge_line#= }" >>"$wslbridge_new" || exit ;;
            esac
        done
        wslbridge_finish
    } && return
    rm -f "$wslbridge_new"
    return 1
}

wslbridge_main() {
    PATH=/usr/sbin:/usr/bin:/sbin:/bin
    wslbridge_folder=/etc/wslbridge/services.d
    wslbridge_new=/etc/wslbridge/.import
    case $1 in
    list) wslbridge_list ;;
    write) wslbridge_write ;;
    esac || return
    wslbridge_say end yes
} </dev/null
