# SPDX-License-Identifier: MIT
"""The rows of the benchmark about wslbridge-loopback, from the rounds of bench_loopback.py. All is native, but for
the host's half of the way through both relays."""
import table
from common import progress, script
from pairs import percentile
from rows_relay import (BOTH_PART, FIRST_BYTE, IDLE_BYTES, LETTER, PEER_FACTOR, SLOWEST_PART, SOCAT_FACTOR, WORDS,
                        at_least, latency_row)

NAMES = {**WORDS, "bare": "minimal epoll relay"}
SOCATS_FACTOR, BARES_FACTOR = 2.5, 0.7  # of the way through two of them


def rows_beside(what, unit, seen, key, **least):
    """A row for each way that was measured. @least: the ratio that is demanded, by way."""
    for way, words in NAMES.items():
        if key in seen[way]:
            yield at_least(least.get(way), what, unit, seen["loopback"][key], seen[way][key], words, load=seen["load"])


def rows(seen):
    ours, load, idle = seen["loopback"], seen["load"], seen["idle"]
    yield from rows_beside("one stream through wslbridge-loopback", "Mbit/s", seen, "one", bare=PEER_FACTOR,
                           socat=SOCAT_FACTOR)
    yield from rows_beside("64 streams through wslbridge-loopback, all together", "Mbit/s", seen, "many")
    yield at_least(1, "64 streams through wslbridge-loopback, all together", "Mbit/s", ours["many"], ours["one"],
                   "one stream", load=load)
    yield table.row("the slowest of 64 streams through wslbridge-loopback, as a part of the mean", "-", ours["slowest"],
                    seen["bare"]["slowest"], NAMES["bare"], target=f"p50 >= {SLOWEST_PART}",
                    met=percentile(ours["slowest"], 50) >= SLOWEST_PART, load=load)
    yield table.row("both directions through wslbridge-loopback: the slower one, as a part of the faster one", "-",
                    ours["both"], seen["bare"]["both"], NAMES["bare"], target=f"p50 >= {BOTH_PART}",
                    met=percentile(ours["both"], 50) >= BOTH_PART, load=load)
    yield latency_row("from connect() to the first byte through wslbridge-loopback, 100 connections a second", "first",
                      ours, seen["nothing"], load, **FIRST_BYTE)
    yield latency_row("a datagram of 1200 bytes through wslbridge-loopback and back", "letters", ours, seen["nothing"],
                      load, **LETTER)
    yield table.row("the part that arrives of 50000 datagrams of 1200 bytes a second through wslbridge-loopback", "-",
                    ours["arrived"], seen["nginx"]["arrived"], NAMES["nginx"], target="p50 >= 1",
                    met=percentile(ours["arrived"], 50) >= 1, load=load)
    yield table.row(f"{idle['n']} idle connections: memory of wslbridge-loopback for each", "bytes", p50=idle["bytes"],
                    max=idle["bytes"], target=f"<= {IDLE_BYTES}", met=idle["bytes"] <= IDLE_BYTES, load=load)
    yield table.row(f"{idle['n']} idle connections: wake-ups of wslbridge-loopback in {idle['seconds']} s", "-",
                    p50=idle["wakeups"], max=idle["wakeups"], target="0", met=idle["wakeups"] == 0, load=load)
    for way, least, words in (("socat", SOCATS_FACTOR, "two socats"),
                              ("bare", BARES_FACTOR, "two minimal relays (the host's under Wine)")):
        r = table.row("one stream through both relays, the host's (Wine) and the guest's", "Mbit/s", ours["hops"],
                      seen[way]["hops"], words, load=load)
        r.update(target=f"ratio >= {least}", met=r["ratio"] >= least)
        yield r


def loopback_rows():
    progress("wslbridge-loopback and other forwarders in turn")
    yield from rows(script("bench_loopback.py"))
