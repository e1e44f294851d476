# SPDX-License-Identifier: MIT
"""The rows of the benchmark about the relay."""
import table
from common import progress, script
from pairs import percentile

RELAY_FACTOR = 1.5


def relay_rows():
    progress("the relay under Wine, socat and HAProxy in turn")
    seen = script("bench_relay.py")
    middle = {name: {key: percentile(values, 50) for key, values in each.items()}
              for name, each in seen.items()}
    ours = middle["relay"]
    for name in ("socat", "haproxy", "nothing"):
        words = {"socat": "socat -b131072", "haproxy": "HAProxy", "nothing": "no forwarder"}[name]
        most = RELAY_FACTOR * middle[name]["one"] if name == "socat" else None
        yield table.row("one stream through the relay (Wine)", "Mbit/s", seen["relay"]["one"],
                        target=f">= {RELAY_FACTOR} x socat" if most else None,
                        met=ours["one"] >= most if most else None,
                        beside=words, beside_p50=middle[name]["one"])
        yield table.row("64 streams, all together (Wine)", "Mbit/s", seen["relay"]["many"],
                        target=">= one stream" if most else None,
                        met=ours["many"] >= ours["one"] if most else None,
                        beside=words, beside_p50=middle[name]["many"])
        yield table.row("a round trip of 64 bytes (Wine)", "µs", seen["relay"]["trip"],
                        beside=words, beside_p50=middle[name]["trip"])
    yield table.row("the slowest of 64 streams, as a part of the mean (Wine)", "-",
                    seen["relay"]["slowest"], target=">= 0.5", met=ours["slowest"] >= 0.5,
                    beside="socat -b131072", beside_p50=middle["socat"]["slowest"])
