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

# The same where a test waits for what a program does. It is less, and never makes a limit longer than a
# minute: nothing may pass that only comes about because a silent peer is given up, after 90 seconds.
BUSY, BUSY_MAX = 3, 60


def patient(seconds):
    """A limit of so many seconds, for a busy machine."""
    return max(seconds, min(seconds * BUSY, BUSY_MAX))


def wait_until(condition, timeout=30.0, what="condition", interval=0.01, gently=True):
    """Poll until condition() is true, and return its value. AssertionError after @timeout seconds, as
    patient() has them, because this waits and does not measure. @what: words, or what returns them.
    @interval: seconds between two looks. A look that starts a program takes longer; then the pause is as long
    as the look, up to a second, or looking would take the processor from what it waits for. @gently: False
    for what measures, or must not miss something short."""
    timeout = patient(timeout)
    deadline = time.monotonic() + timeout
    while True:
        began = time.monotonic()
        value = condition()
        if value:
            return value
        ended = time.monotonic()
        if ended > deadline:
            raise AssertionError(f"{what() if callable(what) else what} did not come true within {timeout} s")
        time.sleep(max(interval, min(ended - began, 1.0)) if gently else interval)
