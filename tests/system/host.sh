#!/bin/bash
# SPDX-License-Identifier: MIT
#
# In the tests' guest: the test host with its commands from a pipe, so that any shell can ask it.
# Answers and log are in /run/host.
mkdir -p /run/host
[ -p /run/host/commands ] || mkfifo /run/host/commands
# Open for writing, too: it does not end when a writer has gone.
exec /package/test/wslbridge-test-host "$@" <>/run/host/commands \
    >>/run/host/answers 2>>/run/host/log
