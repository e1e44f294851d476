# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Services of the guest.
#
#   list          the names of all files, where the enabled services listen, and a sum of all that
#   write STATE   write the files of the payload, all or none, if the sum is still STATE: lines
#                 "file NAME", then "= TEXT" for each line of it

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

wslbridge_state() {
    wslbridge_list | cksum | tr ' ' -
}

# A file is complete before it has its name, and never takes the place of another.
wslbridge_finish() {
    [ -n "$wslbridge_name" ] || return 0
    sync "$wslbridge_new" 2>/dev/null
    ln "$wslbridge_new" "$wslbridge_folder/$wslbridge_name.ini" || return
    rm -f "$wslbridge_new"
    wslbridge_wrote="$wslbridge_wrote $wslbridge_name"
}

wslbridge_files() {
    wslbridge_name=
    while IFS= read -r wslbridge_line; do
        case $wslbridge_line in
        'file '*)
            wslbridge_finish || return
            wslbridge_name=${wslbridge_line#file }
            : >"$wslbridge_new" || return
            ;;
        '= '*) printf '%s\n' "${wslbridge_line#= }" >>"$wslbridge_new" || return ;;
        esac
    done
    wslbridge_finish
}

# Whether the whole set takes the new files.
wslbridge_check() {
    wslbridge_problems=$(wslbridgectl check 2>&1)
    for wslbridge_name in $wslbridge_wrote; do
        printf '%s\n' "$wslbridge_problems" | grep "^$wslbridge_folder/$wslbridge_name\.ini:" >&2 &&
            return 1
    done
    return 0
}

# With the lock of 'wslbridgectl expose', so that the list is right until the files are there.
wslbridge_write() {
    flock -w 30 9 || {
        echo "wslbridgectl has been changing services for 30 seconds" >&2
        return 1
    }
    [ "$(wslbridge_state)" = "$1" ] || {
        echo "The services have changed since they were listed; run setup again" >&2
        return 1
    }
    mkdir -p "$wslbridge_folder" || return
    rm -f "$wslbridge_new" # of a run that was killed, perhaps with a second name
    wslbridge_payload | {
        wslbridge_wrote=
        wslbridge_files && wslbridge_check && exit
        for wslbridge_name in $wslbridge_wrote; do
            rm -f "$wslbridge_folder/$wslbridge_name.ini"
        done
        rm -f "$wslbridge_new"
        exit 1
    }
}

wslbridge_main() {
    PATH=/usr/sbin:/usr/bin:/sbin:/bin
    wslbridge_folder=/etc/wslbridge/services.d
    wslbridge_new=/etc/wslbridge/.import
    wslbridge_lock=/run/wslbridge/services.lock # which only root can open
    umask 022
    case $1 in
    list)
        wslbridge_list
        wslbridge_say state "$(wslbridge_state)"
        ;;
    write)
        mkdir -p /run/wslbridge && (umask 077 && : >>"$wslbridge_lock") &&
            wslbridge_write "$2" 9>>"$wslbridge_lock"
        ;;
    esac || return
    wslbridge_say end yes
} </dev/null
