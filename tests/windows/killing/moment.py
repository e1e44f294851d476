# SPDX-License-Identifier: MIT
"""When to kill the helper. Most of the time an apply waits for iphlpsvc, and no change is unfinished, so
kills at random moments alone would rarely hit one."""

import time


def open_changes(registry):
    """The number of changes that were begun but not finished."""
    entries = [entry.split("|")[-2:] for entry in registry.ledger().values()]
    return sum(current != following for current, following in entries)


def wait_for_change(registry, timeout):
    """Wait until unfinished changes are seen, but no longer than @timeout seconds."""
    end = time.monotonic() + timeout
    while open_changes(registry) == 0 and time.monotonic() < end:
        pass
