# SPDX-License-Identifier: MIT
"""The other end of the agent's connection: the helper's real core (wslbridge-test-host), or a peer
that misbehaves on purpose."""
import json
import os
import queue
import socket
import subprocess
import threading

from guest import MAX_DELAY, wait_until


class TestHost:
    """wslbridge-test-host on the guest's socket, driven by its commands."""

    __test__ = False  # pytest: this is not a test class

    def __init__(self, tree, path, **options):
        """@options: options of the program, for example heartbeat_ms=200 or no_pairing=True. A list gives
        the option several times."""
        self.exe = os.path.join(tree, "tests", "host", "wslbridge-test-host")
        self.path = path
        self.options = {"goodbye_ms": 300, "recovery_ms": 1000, **options}
        self.process = None

    def start(self, **options):
        arguments = [self.exe, "--listen", f"unix:{self.path}"]
        for name, value in {**self.options, **options}.items():
            for one in value if isinstance(value, list) else [value]:
                arguments.append(f"--{name.replace('_', '-')}")
                if one is not True:
                    arguments.append(str(one))
        self.lines = queue.Queue()
        self.messages = []
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self._read_answers, args=(self.process,), daemon=True).start()
        threading.Thread(target=self._read_log, args=(self.process,), daemon=True).start()
        wait_until(lambda: any("listening on" in m for m in self.messages), "the test host")
        return self

    def _read_answers(self, process):
        for line in process.stdout:
            self.lines.put(json.loads(line))

    def _read_log(self, process):
        for line in process.stderr:
            self.messages.append(line)

    def command(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        while True:
            answer = self.lines.get(timeout=MAX_DELAY)
            if "command" in answer:
                assert answer["ok"], answer
                return answer

    def rules(self, family="v4tov4"):
        """{"0.0.0.0/8080": "10.9.0.2/8080"}"""
        rules = self.command("rules")["rules"]
        return {r["name"]: r["data"] for r in rules if r["family"] == family}

    def wait_rules(self, expected, family="v4tov4"):
        wait_until(lambda: self.rules(family) == expected,
                   lambda: f"rules {expected}: {self.rules(family)}\n{''.join(self.messages)}")

    def stats(self):
        return self.command("stats")

    def stop(self):
        """Stop it as Windows does: it says goodbye and withdraws everything."""
        self.process.terminate()
        assert self.process.wait(MAX_DELAY) == 0, "".join(self.messages)
        self._close()

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self._close()

    def _close(self):
        self.process.stdin.close()
        self.process = None


class Peer:
    """A listener that calls @behave(connection) for each connection, in a thread of its own."""

    def __init__(self, path, behave):
        self.n_connections = 0
        self.connections = []
        self.behave = behave
        if os.path.exists(path):
            os.unlink(path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(8)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.n_connections += 1
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            self.behave(connection)
        except OSError:
            pass  # the agent hung up

    def close(self):
        if self.listener.fileno() < 0:
            return
        # shutdown() first: close() alone does not wake the thread in accept().
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            connection.close()
