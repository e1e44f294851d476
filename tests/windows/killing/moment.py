# SPDX-License-Identifier: MIT
"""When to kill the helper. Most of the time an apply waits for iphlpsvc, and no change is unfinished, so
kills at random moments alone would rarely hit one."""

import time


def open_changes(registry):
    """The number of changes that were begun but not finished."""
    entries = [entry.split("|")[-2:] for entry in registry.ledger().values()]
    return sum(current != following for current, following in entries)


class Aim:
    """Kills soon after unfinished changes were seen. How soon, it learns from where the kills before
    fell: on a loaded machine an apply takes long, but its changes are as short as ever."""

    def __init__(self, registry, chance, apply_time):
        self.registry, self.chance, self.apply_time = registry, chance, apply_time
        self.reach = self.furthest = apply_time / 10
        self.seen = False

    def wait(self):
        """Wait until unfinished changes are seen, but no longer than two applies take. Then wait for
        a random part of the reach."""
        end = time.monotonic() + 2 * self.apply_time
        while open_changes(self.registry) == 0:
            if time.monotonic() > end:
                return
        self.seen = True
        time.sleep(self.chance.uniform(0, self.reach))

    def learn(self, hit):
        """Take note whether the kill left an unfinished change."""
        if self.seen:
            self.reach = min(self.furthest, 2 * self.reach) if hit else self.reach / 2
        self.seen = False
