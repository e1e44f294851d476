# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The devices of a root in a mount namespace of its own: those that a container has.

make_dev() { # make_dev ROOT
    local node
    mount -t tmpfs -o mode=755 tmpfs "$1/dev"
    for node in null zero full random urandom tty; do
        touch "$1/dev/$node"
        mount --bind "/dev/$node" "$1/dev/$node"
    done
    ln -s /proc/self/fd "$1/dev/fd"
    mkdir "$1/dev/pts" "$1/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=666 devpts "$1/dev/pts"
    ln -s pts/ptmx "$1/dev/ptmx"
    mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
}
