# SPDX-License-Identifier: MIT
"""Measurements in pairs: ours and what it is compared with, in turn, so that both meet the same
machine. The ratio is the median of the pairs' ratios. Its spread is the interval in which the true
median is with a probability of 95 %, whatever the distribution, from the order of the ratios."""
import math
import time

LEAST, MOST = 12, 400  # pairs
NARROW = 1.25          # the spread is small when its ends are not further apart than this


def percentile(values, percent):
    """The percentile by nearest rank, which is always a measured value."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def ratios(ours, floor):
    return [a / b for a, b in zip(ours, floor) if b]


def interval(values):
    """(low, high) of the median."""
    ordered, n = sorted(values), len(values)
    low = max(0, math.floor(n / 2 - 0.98 * math.sqrt(n)))
    return ordered[low], ordered[n - 1 - low]


def narrow(low, high):
    return low > 0 and high / low <= NARROW


def repeat(pair, seconds):
    """Call @pair, which returns (ours, floor), until the spread of their ratio is small, or for so many
    seconds. Returns both lists."""
    ours, floor = [], []
    end = time.monotonic() + seconds
    while len(ours) < LEAST or (len(ours) < MOST and time.monotonic() < end
                                and not narrow(*interval(ratios(ours, floor)))):
        a, b = pair()
        ours.append(a)
        floor.append(b)
    return ours, floor
