# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Puts the agent into this system, or into the tree of another one, and takes it out again.
# What is installed where is in the meson.build files; no service is enabled or started.

# A running system hears of the new files; an image or a package has nobody to tell.
tell_system() {
    if command -v systemd-tmpfiles >/dev/null && [ -f /usr/lib/tmpfiles.d/wslbridge.conf ]; then
        systemd-tmpfiles --create wslbridge.conf
    fi
    if command -v journalctl >/dev/null; then
        journalctl --update-catalog
    fi
    if [ -d /run/systemd/system ]; then
        systemctl daemon-reload
    fi
}

install_files() { # install_files DESTDIR
    step "installing into ${1:-/}" "$BUILD/logs/install-files.log" \
        meson install -C "$BUILD/install" --no-rebuild --destdir "$1"
}

install_here() {
    [ "$(id -u)" -eq 0 ] || die 'installing into the system needs root: sudo ./dev install'
    install_files ''
    step 'telling systemd' "$BUILD/logs/install-tell.log" tell_system
    # At the next boot modules-load.d does it. Not being there is no error, see that file.
    modprobe -q hv_sock 2>/dev/null || true
    if [ ! -d /run/systemd/system ]; then
        say 'systemd does not run here: start wslbridge-agent by hand, or turn systemd on with'
        say "'[boot] systemd=true' in /etc/wsl.conf and 'wsl --shutdown' on Windows"
    elif systemctl --quiet is-active wslbridge-agent; then
        systemctl restart wslbridge-agent
        say 'wslbridge-agent runs in the new version'
    else
        say 'installed; start it, now and at boot, with: systemctl enable --now wslbridge-agent'
    fi
}

# Configuration and key stay: they are the administrator's.
uninstall_here() {
    [ "$(id -u)" -eq 0 ] || die 'removing from the system needs root: sudo ./dev uninstall'
    [ -f "$BUILD/install/meson-logs/install-log.txt" ] ||
        die "nothing was installed from here, as there is no $BUILD/install"
    if [ -d /run/systemd/system ]; then
        step 'stopping the agent' "$BUILD/logs/uninstall-stop.log" \
            systemctl disable --now wslbridge-agent
    fi
    step 'removing the files' "$BUILD/logs/uninstall.log" ninja -C "$BUILD/install" uninstall
    step 'telling systemd' "$BUILD/logs/uninstall-tell.log" tell_system
    say 'removed; the configuration in /etc/wslbridge is left'
}
