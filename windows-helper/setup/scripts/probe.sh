# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Says what this distro is and what of wslbridge it has. Changes nothing.

wb_say() {
    printf 'wslbridge-setup: %s=%s\n' "$1" "$2"
}

wb_os() { # the value of KEY in os-release, which is made to be read by a shell
    (
        # shellcheck source=/dev/null
        . /etc/os-release || . /usr/lib/os-release
        eval "printf '%s' \"\${$1:-}\""
    ) </dev/null 2>/dev/null
}

wb_init() {
    if [ -d /run/systemd/system ] && command -v systemctl >/dev/null; then
        case $(systemctl is-system-running </dev/null 2>/dev/null) in
        '' | offline | unknown) echo offline ;;
        *) echo running ;;
        esac
    elif [ "$(cat /proc/1/comm 2>/dev/null)" = systemd ]; then
        echo offline
    else
        case $(readlink -f /sbin/init) in # that is what WSL starts (fact 7.1.4)
        */systemd) echo none ;;
        *) echo other ;;
        esac
    fi
}

wb_yes() { # wb_yes KEY COMMAND…
    wb_key=$1
    shift
    if "$@" </dev/null >/dev/null 2>&1; then
        wb_say "$wb_key" yes
    else
        wb_say "$wb_key" no
    fi
}

wb_installed() { # the version of PACKAGE, if it is installed and did not only leave its settings
    # shellcheck disable=SC2016 # dpkg's own variables
    dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" </dev/null 2>/dev/null | sed -n 's/^installed //p'
}

wb_status() { # a string of status.json, whose members before the services have a line each
    sed -n "s/^ *\"$1\": *\"\\([^\"]*\\)\".*/\\1/p" /run/wslbridge/status.json 2>/dev/null | head -n 1
}

wb_main() {
    PATH=/usr/sbin:/usr/bin:/sbin:/bin
    wb_say id "$(wb_os ID)"
    wb_say name "$(wb_os PRETTY_NAME)"
    if command -v dpkg >/dev/null && command -v apt-get >/dev/null; then
        wb_say dpkg yes
        wb_arch=$(dpkg --print-architecture </dev/null)
        wb_say arch "$wb_arch"
        wb_say package "$(wb_installed wslbridge)"
        wb_say libc "$(wb_installed "libc6:$wb_arch")" # one of another may be there, too
    else
        wb_say dpkg no
        wb_say arch "$(uname -m)"
        wb_say package ''
    fi
    wb_say files "$(wslbridgectl --version </dev/null 2>/dev/null | sed 's/.* //')"
    wb_say init "$(wb_init)"
    wb_yes asked grep -Eqi '^[[:space:]]*systemd[[:space:]]*=[[:space:]]*"?(true|1)' /etc/wsl.conf
    wb_yes enabled systemctl is-enabled --quiet wslbridge-agent
    wb_yes active systemctl is-active --quiet wslbridge-agent
    wb_yes connected grep -q '"connected": *true' /run/wslbridge/status.json
    wb_say owner "$(wb_status agent_id)/$(wb_status distro)"
    wb_say end yes
}
