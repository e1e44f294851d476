# SPDX-License-Identifier: MIT
"""The rows of the benchmark about the relay. Each round of bench_relay.py measures all ways once, one after
the other, so the measurements are pairs."""
import table
from common import progress, script
from pairs import percentile

WORDS = {"bare": "bare copy loop (Wine)", "socat": "socat -b131072", "haproxy": "HAProxy", "nginx": "nginx stream",
         "nothing": "no forwarder"}
PEERS = ("bare", "socat", "haproxy", "nginx")
SOCAT_FACTOR, PEER_FACTOR, SLOWEST_PART, STALLED_COST, BOTH_PART = 1.5, 0.9, 0.5, 0.05, 0.8
IDLE_BYTES, SESSION_BYTES = 8192, 1024
FIRST_BYTE = {"more_p50": 150, "more_p99": 1000}  # µs beyond no forwarder
LETTER = {"more_p99": 200}
LEAST_USEC = 0.1  # that a forwarder adds to a round trip; a measured difference may be less than nothing


def at_least(least, *arguments, **more):
    """A row whose ratio must be at least that."""
    r = table.row(*arguments, **more)
    if least:
        r.update(target=f"ratio >= {least}", met=r["ratio"] >= least)
    return r


def flat(rounds):
    return [one for measured in rounds for one in measured]


def latency_row(what, key, ours, without, load, more_p50=None, more_p99=None):
    """@more_p50, @more_p99: how many µs may be added to what it takes without a forwarder."""
    ours, without = flat(ours[key]), flat(without[key])
    most = {p: more for p, more in ((50, more_p50), (99, more_p99)) if more}
    added = {p: percentile(ours, p) - percentile(without, p) for p in most}
    return table.row(what, "µs", ours, without, WORDS["nothing"], load=load, met=all(added[p] <= most[p] for p in most),
                     target=", ".join(f"p{p} <= {more} more" for p, more in most.items()))


def judged(seen, key, best=max, **least):
    """{way: the ratio that is demanded}: beside the bare loop, which is under Wine, too, and beside the best of
    all peers. @least: others."""
    p50 = {way: percentile(seen[way][key], 50) for way in PEERS if key in seen.get(way, {})}
    return {**dict.fromkeys({"bare", best(p50, key=p50.get)} if p50 else (), PEER_FACTOR), **least}


def rows_beside(what, unit, seen, key, least=None):
    """A row for each way that was measured. @least: the ratio that is demanded, by way."""
    for way, words in WORDS.items():
        if key in seen.get(way, {}):
            yield at_least((least or {}).get(way), what, unit, seen["relay"][key], seen[way][key], words,
                           load=seen["load"])


def added_rows(seen):
    """What a forwarder adds to a round trip. It may be as much longer than a peer's as a stream may be slower."""
    added = {way: {"added": [max(LEAST_USEC, through - without)
                             for through, without in zip(seen[way]["trip"], seen["nothing"]["trip"])]}
             for way in ("relay", *PEERS) if way in seen}
    least = judged(added, "added", best=min)
    for way in (way for way in PEERS if way in added):
        yield table.pair_row("what is added to a round trip of 64 bytes (Wine)", "µs", added["relay"]["added"],
                             added[way]["added"], WORDS[way],
                             most=round(1 / least[way], 2) if way in least else None, load=seen["load"])


def session_rows(sessions, load):
    yield table.row(f"{sessions['n']} sessions of UDP: the relay's memory for each (Wine)", "bytes",
                    p50=sessions["bytes"], max=sessions["bytes"], target=f"<= {SESSION_BYTES}, all answered",
                    met=sessions["bytes"] <= SESSION_BYTES and sessions["answered"] == sessions["n"],
                    beside=f"{sessions['answered']} answered", load=load)


def idle_rows(idle, load):
    yield table.row(f"{idle['n']} idle connections: the relay's memory for each (Wine)", "bytes", p50=idle["bytes"],
                    max=idle["bytes"], target=f"<= {IDLE_BYTES}", met=idle["bytes"] <= IDLE_BYTES, load=load)
    yield table.row(f"{idle['n']} idle connections: wake-ups of the relay in {idle['seconds']} s (Wine)", "-",
                    p50=idle["wakeups"], max=idle["wakeups"], target="0", met=idle["wakeups"] == 0, load=load)


def rows(seen):
    ours, load = seen["relay"], seen["load"]
    yield from rows_beside("one stream through the relay (Wine)", "Mbit/s", seen, "one",
                           judged(seen, "one", socat=SOCAT_FACTOR))
    yield from rows_beside("64 streams, all together (Wine)", "Mbit/s", seen, "many", judged(seen, "many"))
    yield at_least(1, "64 streams, all together (Wine)", "Mbit/s", ours["many"], ours["one"], "one stream", load=load)
    yield table.row("the slowest of 64 streams, as a part of the mean (Wine)", "-", ours["slowest"],
                    seen["bare"]["slowest"], WORDS["bare"], target=f"p50 >= {SLOWEST_PART}",
                    met=percentile(ours["slowest"], 50) >= SLOWEST_PART, load=load)
    stalled = percentile(ours["beside"], 50)
    yield table.row("8 streams beside a client that does not read, as a part of alone (Wine)", "-", ours["beside"],
                    target=f"p50 >= {1 - STALLED_COST}", met=stalled >= 1 - STALLED_COST, load=load)
    yield table.row("both directions at once: the slower one, as a part of the faster one (Wine)", "-", ours["both"],
                    seen["bare"]["both"], WORDS["bare"], target=f"p50 >= {BOTH_PART}",
                    met=percentile(ours["both"], 50) >= BOTH_PART, load=load)
    yield table.row("a round trip of 64 bytes (Wine)", "µs", ours["trip"], seen["nothing"]["trip"], WORDS["nothing"],
                    load=load)
    yield from added_rows(seen)
    yield from rows_beside("connections, one after the other (Wine)", "a second", seen, "connections",
                           judged(seen, "connections"))
    yield latency_row("from connect() to the first byte, 100 connections a second (Wine)", "first", ours, seen["nothing"],
                      load, **FIRST_BYTE)
    yield latency_row("a datagram of 1200 bytes there and back (Wine)", "letters", ours, seen["nothing"], load, **LETTER)
    for size in (64, 1400):
        yield from rows_beside(f"datagrams of {size} bytes there and back (Wine)", "a second", seen, f"mail{size}",
                               {"bare": PEER_FACTOR})
    yield table.row("of these datagrams, the relay lost", "-", p50=max(ours["lost"]), max=max(ours["lost"]),
                    target="0", met=not any(ours["lost"]), load=load)
    yield table.row("the part that arrives of 50000 datagrams of 1200 bytes a second, one way (Wine)", "-", ours["arrived"],
                    seen["bare"]["arrived"], WORDS["bare"], target="p50 >= 1",
                    met=percentile(ours["arrived"], 50) >= 1, load=load)
    yield from idle_rows(seen["idle"], load)
    yield from session_rows(seen["sessions"], load)


def relay_rows():
    progress("the relay, a bare copy loop and other forwarders in turn")
    yield from rows(script("bench_relay.py"))
