# SPDX-License-Identifier: MIT
"""Problems that are known and on their way out. A check passes over those in its list, and fails as
soon as one is no longer there, so that no list outlives its reason."""
from sources import describe


def compare(problems, known):
    """An error text, or "" when the problems are exactly the known ones. @known: their keys."""
    fresh = [p for p in problems if p.key not in known]
    gone = sorted(set(known) - {p.key for p in problems})
    return describe(fresh) + "".join(
        f"\n'{key}' is in KNOWN and no longer a problem\n    mend: delete it from KNOWN"
        for key in gone)
