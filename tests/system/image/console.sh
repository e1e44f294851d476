#!/bin/bash
# SPDX-License-Identifier: MIT
#
# In the tests' guest: runs the scripts that arrive on a port of the virtual machine. A request is the
# line 'NUMBER BASE64-OF-A-SCRIPT', its answer is 'NUMBER EXIT-CODE BASE64-OF-ITS-OUTPUT'. After a boot it
# says 'hello BOOT-ID'. An earlier answer may have been cut
# off in the middle of its line.
exec 3<>/dev/virtio-ports/wslbridge.console
printf '\nhello %s\n' "$(</proc/sys/kernel/random/boot_id)" >&3
while read -r number script <&3; do
    code=0
    base64 -d <<<"$script" >/run/test-console.script
    bash /run/test-console.script </dev/null >/run/test-console.output 2>&1 3>&- || code=$?
    printf '%s %d %s\n' "$number" "$code" "$(base64 -w 0 </run/test-console.output)" >&3
done
