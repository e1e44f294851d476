#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The baseline: what people do without wslbridge. Every SECONDS seconds, this script reads the guest's
# address and writes the rule again when the address has changed. (On Windows, this is a scheduled
# script that runs 'wsl hostname -I' and netsh. Here, 'ip' looks into the guest's namespace.)
#
#   poll.sh SECONDS NAMESPACE PORT APPLY-COMMAND…
set -u
seconds=$1 namespace=$2 port=$3
shift 3
last=
while :; do
    address=$(ip -n "$namespace" -4 -o addr show dev eth0 scope global |
        awk '{ sub("/.*", "", $4); print $4; exit }')
    if [ -n "$address" ] && [ "$address" != "$last" ]; then
        "$@" "0.0.0.0/$port" "$address/$port" && last=$address
    fi
    sleep "$seconds"
done
