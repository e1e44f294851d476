# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Reads or replaces /etc/wsl.conf.
#
#   read             its state and its bytes, in octal
#   write STATE      put the payload in its place, lines of octal escapes, if its state is still STATE

wb_say() {
    printf 'wslbridge-setup: %s=%s\n' "$1" "$2"
}

# "absent", or two numbers that change with the content; a link is followed.
wb_state() {
    if [ -f "$wb_file" ]; then
        cksum <"$wb_file" | tr ' ' -
    elif [ -e "$wb_file" ] || [ -L "$wb_file" ]; then
        echo odd
    else
        echo absent
    fi
}

wb_read() {
    wb_say state "$(wb_state)"
    [ -f "$wb_file" ] || return 0
    wb_say size "$(wc -c <"$wb_file")"
    head -c 32768 <"$wb_file" | od -An -v -b | sed 's/^/wslbridge-setup: octal=/'
}

# To the disk before the name changes. Some versions know no file here, and then it is not done.
wb_sync() {
    sync "$wb_new" 2>/dev/null || :
}

# The new file is made beside the old one as a copy of it, so that it has its owner and its mode.
wb_write() {
    wb_new=$wb_file.wslbridge-new
    [ "$(wb_state)" = "$1" ] && [ "$1" != odd ] || return 3
    rm -f "$wb_new" || return
    if [ -f "$wb_file" ]; then
        cp -p "$wb_file" "$wb_new" || return
    fi
    umask 022
    wb_payload | while read -r wb_line; do
        # shellcheck disable=SC2059 # the line has nothing but octal escapes
        printf "$wb_line" || exit
    done >"$wb_new" && [ "$(wb_state)" = "$1" ] && wb_sync &&
        mv -f "$wb_new" "$wb_file" && return
    rm -f "$wb_new"
    return 1
}

wb_main() {
    PATH=/usr/sbin:/usr/bin:/sbin:/bin
    wb_file=${WSLBRIDGE_ETC:-/etc}/wsl.conf
    if [ -L "$wb_file" ] && [ -e "$wb_file" ]; then
        wb_file=$(readlink -f "$wb_file") || return
    fi
    case $1 in
    read) wb_read ;;
    write) wb_write "$2" ;;
    esac || return
    wb_say end yes
} </dev/null
