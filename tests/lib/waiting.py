# SPDX-License-Identifier: MIT
"""Waiting for a condition."""

import os
import time

HERE = os.path.dirname(os.path.abspath(__file__))

# What a limit of a test is multiplied by. A limit only ends what hangs, so it may be generous: a busy
# machine is slow, and so is an emulated one. The factor has a file because tests/meson.build needs it,
# too.
with open(os.path.join(os.path.dirname(HERE), "patience"), encoding="ascii") as file:
    PATIENCE = int(file.read())

# The same where a test waits for what a program does. It is less, so that nothing passes that only came
# about because the program tries all again after a minute, or because a silent peer is given up.
BUSY = 3


def wait_until(condition, timeout=30.0, what="condition", interval=0.01):
    """Poll until condition() is true, and return its value. AssertionError after @timeout seconds; a busy
    machine gets BUSY times as long, because this waits and does not measure."""
    timeout *= BUSY
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {timeout} s")
        time.sleep(interval)
