# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Installs the agent into this system, or into the tree of another one, and removes it again. The
# meson.build files say what is installed where. No service is enabled or started.

# Makes a running system use the new files. An image or a package does not need this.
notify_system() {
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

# What is installed here. Meson's own list is that of its last installation, which may have been one into
# another tree.
INSTALLED_HERE=$BUILD/installed-here.txt
MESON_LIST=$BUILD/install/meson-logs/install-log.txt

# dpkg does not notice when somebody else replaces or removes its files.
not_beside_the_package() {
    if package_installed wslbridge; then
        die "the package wslbridge is installed here; remove it first: sudo apt-get remove wslbridge"
    fi
}

install_here() {
    [ "$(id -u)" -eq 0 ] || die 'installing into the system needs root: sudo ./dev install'
    install_files ''
    cp "$MESON_LIST" "$INSTALLED_HERE"
    step 'notifying systemd' "$BUILD/logs/install-notify.log" notify_system
    # The agent's unit does this itself; this is for an agent by hand. WSL's kernel has it built in.
    modprobe -q hv_sock 2>/dev/null || true
    if [ ! -d /run/systemd/system ]; then
        say 'systemd is not running here: start wslbridge-agent by hand, or turn systemd on with'
        say "'[boot] systemd=true' in /etc/wsl.conf and 'wsl --shutdown' on Windows"
    elif systemctl --quiet is-active wslbridge-agent; then
        systemctl restart wslbridge-agent
        say 'wslbridge-agent is running in its new version'
    else
        say 'installed; to start it now and at boot: systemctl enable --now wslbridge-agent'
    fi
}

# The configuration and the key are kept, because they belong to the administrator.
uninstall_here() {
    [ "$(id -u)" -eq 0 ] || die 'removing from the system needs root: sudo ./dev uninstall'
    not_beside_the_package
    [ -f "$INSTALLED_HERE" ] || die "nothing was installed from here, as there is no $INSTALLED_HERE"
    [ -d "${MESON_LIST%/*}" ] ||
        die "the build that was installed is gone; run 'sudo ./dev install' once more, and then this"
    if [ -d /run/systemd/system ]; then
        step 'stopping the agent' "$BUILD/logs/uninstall-stop.log" \
            systemctl disable --now wslbridge-agent
    fi
    cp "$INSTALLED_HERE" "$MESON_LIST"
    step 'removing the files' "$BUILD/logs/uninstall.log" ninja -C "$BUILD/install" uninstall
    rm "$INSTALLED_HERE"
    step 'notifying systemd' "$BUILD/logs/uninstall-notify.log" notify_system
    say 'removed; the configuration in /etc/wslbridge is kept'
}
