#!/bin/bash
# SPDX-License-Identifier: MIT
#
# In the tests' guest: runs the test host with a pipe for its commands, so that any shell can send one.
# Its answers and its log are in /run/host.
mkdir -p /run/host
[ -p /run/host/commands ] || mkfifo /run/host/commands
# The pipe is open for writing too, so the test host does not end when a writer closes it.
exec /package/test/wslbridge-test-host "$@" <>/run/host/commands \
    >>/run/host/answers 2>>/run/host/log
