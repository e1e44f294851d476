#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The client on the LAN: it requests the page again and again, and records the answers.

    probe.py ADDRESS PORT [INTERVAL-MS] [LIMIT-MS]      one JSON line for each request

Requests do not wait for each other, because a request that hangs on a dead address would hide the
moment from which requests succeed again. Times are in seconds of CLOCK_MONOTONIC, which is the same
clock in all processes. In this module, Probe runs the program and outage() evaluates its output.
"""
import asyncio
import json
import re
import subprocess
import sys
import threading
import time

INTERVAL_MS = 5
LIMIT_MS = 300
REQUEST = b"GET / HTTP/1.0\r\nHost: guest\r\n\r\n"
SERVED_AT = re.compile(r"served by the guest at (\S+)")


async def fetch(address, port):
    reader, writer = await asyncio.open_connection(address, port)
    try:
        writer.write(REQUEST)
        return (await reader.read(-1)).decode(errors="replace")
    finally:
        writer.close()


async def sample(address, port, limit):
    begin, page, why = time.monotonic(), None, ""
    try:
        answer = await asyncio.wait_for(fetch(address, port), limit)
        match = SERVED_AT.search(answer)
        page, why = (match[1], "") if match else (None, "closed without a page")
    except asyncio.TimeoutError:
        why = "no answer"
    except OSError as e:
        why = e.strerror or str(e)
    print(json.dumps({"begin": begin, "end": time.monotonic(), "page": page, "why": why}),
          flush=True)


async def probe(address, port, interval, limit):
    running = set()
    due = time.monotonic()
    while True:
        task = asyncio.create_task(sample(address, port, limit))
        running.add(task)
        task.add_done_callback(running.discard)
        due += interval
        await asyncio.sleep(max(0, due - time.monotonic()))


class Probe:
    """A probe that runs in a namespace. Its samples are read while it runs."""

    def __init__(self, namespace, address, port, interval_ms=INTERVAL_MS, limit_ms=LIMIT_MS):
        self.samples = []
        self.news = threading.Condition()
        self.process = namespace.popen(
            "/usr/bin/python3", __file__, address, str(port), str(interval_ms), str(limit_ms),
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.news:
                self.samples.append(json.loads(line))
                self.news.notify_all()

    def wait_for(self, page, since, limit=30.0):
        """Wait for a sample that begins after @since and shows the page from address @page. Returns
        it, or None after @limit seconds."""
        def found():
            return next((s for s in reversed(self.samples)
                         if s["page"] == page and s["begin"] >= since), None)

        with self.news:
            self.news.wait_for(found, limit)
            return found()

    def outage(self, page, since, until):
        with self.news:
            return outage(self.samples, page, since, until)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.reader.join()


def outage(samples, page, since, until):
    """Seconds from the beginning of the first request that failed during or after a change of address
    until the first answer from @page, the new address. 0 if no request failed in between."""
    good = min((s["end"] for s in samples if s["page"] == page and s["end"] >= since),
               default=until)
    failed = min((s["begin"] for s in samples
                  if s["page"] is None and s["end"] >= since and s["begin"] < good), default=good)
    return good - failed


if __name__ == "__main__":
    numbers = [int(a) for a in sys.argv[2:]] + [INTERVAL_MS, LIMIT_MS][len(sys.argv) - 3:]
    try:
        asyncio.run(probe(sys.argv[1], numbers[0], numbers[1] / 1000, numbers[2] / 1000))
    except KeyboardInterrupt:
        pass
