# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Services of the guest.
#
#   list          the names of all files, where the enabled services listen, and a sum of all that
#   write STATE   write the files of the payload, all or none, if the sum is still STATE: lines
#                 "file NAME", then "= TEXT" for each line of it

wb_say() {
    printf 'wslbridge-setup: %s=%s\n' "$1" "$2"
}

# The host keeps only the end of a long answer; with its beginning it is whole.
wb_list() {
    wb_say begin yes
    for wb_file in /etc/wslbridge/services.d/*.ini /run/wslbridge/services.d/*.ini \
        /usr/lib/wslbridge/services.d/*.ini; do
        if [ -e "$wb_file" ] || [ -L "$wb_file" ]; then
            wb_file=${wb_file##*/}
            wb_say name "${wb_file%.ini}"
        fi
    done
    wb_enabled=
    wslbridgectl list --json 2>/dev/null | while IFS= read -r wb_line; do
        case $wb_line in
        *'"enabled": true'*) wb_enabled=yes ;;
        *'"enabled": false'*) wb_enabled= ;;
        *'"listen": "'*)
            wb_line=${wb_line#*'"listen": "'}
            [ -z "$wb_enabled" ] || wb_say listen "${wb_line%%'"'*}"
            ;;
        esac
    done
}

wb_state() {
    wb_list | cksum | tr ' ' -
}

# A file is complete before it has its name, and never takes the place of another.
wb_finish() {
    [ -n "$wb_name" ] || return 0
    sync "$wb_new" 2>/dev/null
    ln "$wb_new" "$wb_folder/$wb_name.ini" || return
    rm -f "$wb_new"
    wb_wrote="$wb_wrote $wb_name"
}

wb_files() {
    wb_name=
    while IFS= read -r wb_line; do
        case $wb_line in
        'file '*)
            wb_finish || return
            wb_name=${wb_line#file }
            : >"$wb_new" || return
            ;;
        '= '*) printf '%s\n' "${wb_line#= }" >>"$wb_new" || return ;;
        esac
    done
    wb_finish
}

# Whether the whole set takes the new files.
wb_check() {
    wb_problems=$(wslbridgectl check 2>&1)
    for wb_name in $wb_wrote; do
        printf '%s\n' "$wb_problems" | grep "^$wb_folder/$wb_name\.ini:" >&2 &&
            return 1
    done
    return 0
}

# With the lock of 'wslbridgectl expose', so that the list is right until the files are there.
wb_write() {
    flock -w 30 9 || {
        echo "wslbridgectl has been changing services for 30 seconds" >&2
        return 1
    }
    [ "$(wb_state)" = "$1" ] || {
        echo "The services have changed since they were listed; run setup again" >&2
        return 1
    }
    mkdir -p "$wb_folder" || return
    rm -f "$wb_new" # of a run that was killed, perhaps with a second name
    wb_payload | {
        wb_wrote=
        wb_files && wb_check && exit
        for wb_name in $wb_wrote; do
            rm -f "$wb_folder/$wb_name.ini"
        done
        rm -f "$wb_new"
        exit 1
    }
}

wb_main() {
    PATH=/usr/sbin:/usr/bin:/sbin:/bin
    wb_folder=/etc/wslbridge/services.d
    wb_new=/etc/wslbridge/.import
    wb_lock=/run/wslbridge/services.lock # which only root can open
    umask 022
    case $1 in
    list)
        wb_list
        wb_say state "$(wb_state)"
        ;;
    write)
        mkdir -p /run/wslbridge && (umask 077 && : >>"$wb_lock") &&
            wb_write "$2" 9>>"$wb_lock"
        ;;
    esac || return
    wb_say end yes
} </dev/null
