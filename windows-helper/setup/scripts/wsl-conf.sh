# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Reads or replaces /etc/wsl.conf.
#
#   read             its state and its bytes, in octal
#   write STATE      put the payload in its place, lines of octal escapes, if its state is still STATE

wslbridge_say() {
    printf 'wslbridge-setup: %s=%s\n' "$1" "$2"
}

# "absent", or two numbers that change with the content; a link is followed.
wslbridge_state() {
    if [ -f "$wslbridge_file" ]; then
        cksum <"$wslbridge_file" | tr ' ' -
    elif [ -e "$wslbridge_file" ] || [ -L "$wslbridge_file" ]; then
        echo odd
    else
        echo absent
    fi
}

wslbridge_read() {
    wslbridge_say state "$(wslbridge_state)"
    [ -f "$wslbridge_file" ] || return 0
    wslbridge_say size "$(wc -c <"$wslbridge_file")"
    head -c 32768 <"$wslbridge_file" | od -An -v -b | sed 's/^/wslbridge-setup: octal=/'
}

# To the disk before the name changes. Some versions know no file here, and then it is not done.
wslbridge_sync() {
    sync "$wslbridge_new" 2>/dev/null || :
}

# The new file is made beside the old one as a copy of it, so that it has its owner and its mode.
wslbridge_write() {
    wslbridge_new=$wslbridge_file.wslbridge-new
    [ "$(wslbridge_state)" = "$1" ] && [ "$1" != odd ] || return 3
    rm -f "$wslbridge_new" || return
    if [ -f "$wslbridge_file" ]; then
        cp -p "$wslbridge_file" "$wslbridge_new" || return
    fi
    umask 022
    wslbridge_payload | while read -r wslbridge_line; do
        # shellcheck disable=SC2059 # the line has nothing but octal escapes
        printf "$wslbridge_line" || exit
    done >"$wslbridge_new" && [ "$(wslbridge_state)" = "$1" ] && wslbridge_sync &&
        mv -f "$wslbridge_new" "$wslbridge_file" && return
    rm -f "$wslbridge_new"
    return 1
}

wslbridge_main() {
    PATH=/usr/sbin:/usr/bin:/sbin:/bin
    wslbridge_file=${WSLBRIDGE_ETC:-/etc}/wsl.conf
    if [ -L "$wslbridge_file" ] && [ -e "$wslbridge_file" ]; then
        wslbridge_file=$(readlink -f "$wslbridge_file") || return
    fi
    case $1 in
    read) wslbridge_read ;;
    write) wslbridge_write "$2" ;;
    esac || return
    wslbridge_say end yes
} </dev/null
