# SPDX-License-Identifier: MIT
"""Waiting for a condition."""

import time


def wait_until(condition, timeout=30.0, what="condition", interval=0.01):
    """Poll until condition() is true, and return its value. AssertionError after timeout seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {timeout} s")
        time.sleep(interval)
