# SPDX-License-Identifier: MIT
"""The rows of the benchmark about the relay. Each round of bench_relay.py measures all ways once, one after
the other, so the measurements are pairs."""
import table
from common import progress, script
from pairs import percentile

WORDS = {"bare": "bare copy loop (Wine)", "socat": "socat -b131072", "haproxy": "HAProxy", "nginx": "nginx stream",
         "nothing": "no forwarder"}
SOCAT_FACTOR, BARE_FACTOR, SLOWEST_PART, STALLED_COST = 1.5, 0.9, 0.5, 0.05
IDLE_BYTES = 8192


def at_least(least, *arguments, **more):
    """A row whose ratio must be at least that."""
    r = table.row(*arguments, **more)
    if least:
        r.update(target=f"ratio >= {least}", met=r["ratio"] >= least)
    return r


def rows_beside(what, unit, seen, key, least=None):
    """A row for each way that was measured. @least: the ratio that is demanded, by way."""
    for way, words in WORDS.items():
        if key in seen.get(way, {}):
            yield at_least((least or {}).get(way), what, unit, seen["relay"][key], seen[way][key], words,
                           load=seen["load"])


def idle_rows(idle, load):
    yield table.row(f"{idle['n']} idle connections: the relay's memory for each (Wine)", "bytes", p50=idle["bytes"],
                    max=idle["bytes"], target=f"<= {IDLE_BYTES}", met=idle["bytes"] <= IDLE_BYTES, load=load)
    yield table.row(f"{idle['n']} idle connections: wake-ups of the relay in {idle['seconds']} s (Wine)", "-",
                    p50=idle["wakeups"], max=idle["wakeups"], target="0", met=idle["wakeups"] == 0, load=load)


def rows(seen):
    ours, load = seen["relay"], seen["load"]
    yield from rows_beside("one stream through the relay (Wine)", "Mbit/s", seen, "one",
                           {"socat": SOCAT_FACTOR, "bare": BARE_FACTOR})
    yield from rows_beside("64 streams, all together (Wine)", "Mbit/s", seen, "many")
    yield at_least(1, "64 streams, all together (Wine)", "Mbit/s", ours["many"], ours["one"], "one stream", load=load)
    yield table.row("the slowest of 64 streams, as a part of the mean (Wine)", "-", ours["slowest"],
                    seen["bare"]["slowest"], WORDS["bare"], target=f"p50 >= {SLOWEST_PART}",
                    met=percentile(ours["slowest"], 50) >= SLOWEST_PART, load=load)
    stalled = percentile(ours["beside"], 50)
    yield table.row("8 streams beside a client that does not read, as a part of alone (Wine)", "-", ours["beside"],
                    target=f"p50 >= {1 - STALLED_COST}", met=stalled >= 1 - STALLED_COST, load=load)
    yield from rows_beside("a round trip of 64 bytes (Wine)", "µs", seen, "trip")
    yield from rows_beside("connections, one after the other (Wine)", "a second", seen, "connections")
    for size in (64, 1400):
        yield from rows_beside(f"datagrams of {size} bytes there and back (Wine)", "a second", seen, f"mail{size}",
                               {"bare": BARE_FACTOR})
    yield table.row("of these datagrams, the relay lost", "-", p50=max(ours["lost"]), max=max(ours["lost"]),
                    target="0", met=not any(ours["lost"]), load=load)
    yield from idle_rows(seen["idle"], load)


def relay_rows():
    progress("the relay, a bare copy loop and other forwarders in turn")
    yield from rows(script("bench_relay.py"))
