# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Says what this distro is and what of wslbridge it has. Changes nothing.

wslbridge_say() {
    printf 'wslbridge-setup: %s=%s\n' "$1" "$2"
}

wslbridge_os() { # the value of KEY in os-release, which is made to be read by a shell
    (
        # shellcheck source=/dev/null
        . /etc/os-release || . /usr/lib/os-release
        eval "printf '%s' \"\${$1:-}\""
    ) </dev/null 2>/dev/null
}

wslbridge_init() {
    if [ -d /run/systemd/system ] && command -v systemctl >/dev/null; then
        case $(systemctl is-system-running </dev/null 2>/dev/null) in
        '' | offline | unknown) echo offline ;;
        *) echo running ;;
        esac
    elif [ "$(cat /proc/1/comm 2>/dev/null)" = systemd ]; then
        echo offline
    elif [ -x /lib/systemd/systemd ] || [ -x /usr/lib/systemd/systemd ]; then
        echo none
    else
        echo other
    fi
}

wslbridge_yes() { # wslbridge_yes KEY COMMAND…
    wslbridge_key=$1
    shift
    if "$@" </dev/null >/dev/null 2>&1; then
        wslbridge_say "$wslbridge_key" yes
    else
        wslbridge_say "$wslbridge_key" no
    fi
}

wslbridge_installed() { # the version of PACKAGE, if it is installed and did not only leave its settings
    # shellcheck disable=SC2016 # dpkg's own variables
    dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" </dev/null 2>/dev/null | sed -n 's/^installed //p'
}

wslbridge_status() { # a string of status.json, whose members before the services have a line each
    sed -n "s/^ *\"$1\": *\"\\([^\"]*\\)\".*/\\1/p" /run/wslbridge/status.json 2>/dev/null | head -n 1
}

wslbridge_main() {
    PATH=/usr/sbin:/usr/bin:/sbin:/bin
    wslbridge_say id "$(wslbridge_os ID)"
    wslbridge_say name "$(wslbridge_os PRETTY_NAME)"
    if command -v dpkg >/dev/null && command -v apt-get >/dev/null; then
        wslbridge_say dpkg yes
        wslbridge_arch=$(dpkg --print-architecture </dev/null)
        wslbridge_say arch "$wslbridge_arch"
        wslbridge_say package "$(wslbridge_installed wslbridge)"
        wslbridge_say libc "$(wslbridge_installed "libc6:$wslbridge_arch")" # one of another may be there, too
    else
        wslbridge_say dpkg no
        wslbridge_say arch "$(uname -m)"
        wslbridge_say package ''
    fi
    wslbridge_say files "$(wslbridgectl --version </dev/null 2>/dev/null | sed 's/.* //')"
    wslbridge_say init "$(wslbridge_init)"
    wslbridge_yes asked grep -Eqi '^[[:space:]]*systemd[[:space:]]*=[[:space:]]*"?(true|1)' /etc/wsl.conf
    wslbridge_yes enabled systemctl is-enabled --quiet wslbridge-agent
    wslbridge_yes active systemctl is-active --quiet wslbridge-agent
    wslbridge_yes connected grep -q '"connected": *true' /run/wslbridge/status.json
    wslbridge_say owner "$(wslbridge_status agent_id)/$(wslbridge_status distro)"
    wslbridge_say end yes
}
