# SPDX-License-Identifier: MIT
"""Windows programs under Wine, for tests, the demo and benchmarks: a prefix of their own, its
registry, the fake iphlpsvc and the helper.

Everything is started with one Prefix, and Prefix.stop() ends it all with that prefix's own
'wineserver -k', so nothing of another Wine user is ever touched."""

import contextlib
import glob
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

PORTPROXY = r"SYSTEM\CurrentControlSet\Services\PortProxy"
LEDGER = r"SOFTWARE\wslbridge\Ledger"
KEYS = r"SOFTWARE\wslbridge\Keys"
COUNTERS = r"SOFTWARE\wslbridge-test"
FAMILIES = ("v4tov4", "v4tov6", "v6tov4", "v6tov6")

REG_SZ, REG_BINARY, REG_DWORD = 1, 3, 4

# No Mono, no HTML engine, no menu entries: none is needed, and each would ask or download.
OVERRIDES = "mscoree=;mshtml=;winemenubuilder.exe="


def wine_program(name):
    """The path of wine64 or wineserver: Debian has wine64 outside of PATH."""
    for path in (shutil.which(name), f"/usr/lib/wine/{name}"):
        if path and os.path.exists(path):
            return path
    return None


def available():
    return wine_program("wine64") is not None and wine_program("wineserver") is not None


def wait_until(condition, timeout=10.0, what="condition", interval=0.01):
    """Poll until condition() is true and return it; AssertionError after timeout seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {timeout} s")
        time.sleep(interval)


class Prefix:
    """One Wine prefix with its own server. Creating it takes 5 to 10 s and 700 MB, so a run makes
    one and its tests clean up what they wrote (see Registry.clear)."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.env = {k: v for k, v in os.environ.items()
                    if k not in ("DISPLAY", "WAYLAND_DISPLAY") and not k.startswith("WINE")}
        self.env.update(WINEPREFIX=str(self.path), WINEARCH="win64", WINEDEBUG="-all",
                        WINEDLLOVERRIDES=OVERRIDES)

    def create(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.run("wineboot", "-i", timeout=180, check=False)
        if not (self.path / "system.reg").exists():
            self.wait_idle()
        assert (self.path / "drive_c").is_dir(), "wineboot made no prefix"
        return self

    def wait_idle(self):
        """Wait until the last process has ended and the registry is on disk."""
        subprocess.run([wine_program("wineserver"), "-w"], env=self.env, timeout=60, check=False)

    def popen(self, *args, **kwargs):
        return subprocess.Popen([wine_program("wine64"), *map(str, args)], env=self.env, **kwargs)

    def run(self, *args, timeout=60, check=True):
        """Run to the end; returns what subprocess.run() does, output in .stdout. The output goes
        to a file: Wine's own background processes inherit it, and a pipe would not end before
        they do."""
        with tempfile.TemporaryFile() as output:
            done = subprocess.run([wine_program("wine64"), *map(str, args)], env=self.env,
                                  timeout=timeout, check=False, stdin=subprocess.DEVNULL,
                                  stdout=output, stderr=subprocess.STDOUT)
            output.seek(0)
            done.stdout = output.read().replace(b"\r\n", b"\n").decode(errors="replace")
        assert done.returncode == 0 or not check, f"{args[:2]}: {done.returncode}: {done.stdout}"
        return done

    def stop(self):
        found = os.stat(self.path)
        subprocess.run([wine_program("wineserver"), "-k"], env=self.env, timeout=30, check=False)
        self.wait_idle()
        # Debian's wineserver leaves the folder of its socket, named after the prefix's inode.
        for folder in glob.glob(f"/tmp/wine-*/server-{found.st_dev:x}-{found.st_ino:x}"):
            shutil.rmtree(folder, ignore_errors=True)
            with contextlib.suppress(OSError):
                os.rmdir(os.path.dirname(folder))


class Registry:
    """HKEY_LOCAL_MACHINE through regtool.exe, one process for all calls."""

    def __init__(self, prefix, tools):
        self.process = prefix.popen(pathlib.Path(tools) / "regtool.exe", stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.lock = threading.Lock()

    def call(self, *fields):
        with self.lock:
            self.process.stdin.write("\t".join(fields).encode() + b"\n")
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline())
        assert answer["ok"], f"{fields[:3]}: error {answer['error']}"
        return answer

    def dump(self, key):
        """{name: (type, bytes)}; empty when the key is missing."""
        values = self.call("dump", key)["values"]
        return {name: (v["type"], bytes.fromhex(v["hex"])) for name, v in values.items()}

    def set(self, key, name, data, kind=REG_SZ):
        if isinstance(data, str):
            data = (data + "\0").encode("utf-16-le")
        elif isinstance(data, int):
            data = data.to_bytes(4, "little")
            kind = REG_DWORD
        self.call("set", key, name, str(kind), data.hex())

    def delete(self, key, name):
        self.call("delete", key, name)

    def remove(self, key):
        self.call("remove", key)

    def strings(self, key):
        return {name: data.decode("utf-16-le", "replace").rstrip("\0")
                for name, (kind, data) in self.dump(key).items() if kind == REG_SZ}

    def number(self, key, name):
        kind, data = self.dump(key).get(name, (REG_DWORD, b"\0\0\0\0"))
        assert kind == REG_DWORD
        return int.from_bytes(data, "little")

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)

    # What tests speak of.

    def stamps(self):
        """When each key that the helper writes to was written last; equal as long as nothing is."""
        keys = [rf"{PORTPROXY}\{family}\tcp" for family in FAMILIES]
        keys += [rf"SOFTWARE\wslbridge{sub}" for sub in ("", r"\Ledger", r"\Agents", r"\Keys",
                                                         r"\Adopt")]
        return {key: self.call("stamp", key)["stamp"] for key in keys}

    def rules(self):
        """All PortProxy values as {(family, name): data}; data is bytes unless REG_SZ."""
        found = {}
        for family in FAMILIES:
            for name, (kind, data) in self.dump(rf"{PORTPROXY}\{family}\tcp").items():
                text = data.decode("utf-16-le", "replace").rstrip("\0") if kind == REG_SZ else data
                found[family, name] = text
        return found

    def set_rule(self, name, data, family="v4tov4", kind=REG_SZ):
        self.set(rf"{PORTPROXY}\{family}\tcp", name, data, kind)

    def delete_rule(self, name, family="v4tov4"):
        self.delete(rf"{PORTPROXY}\{family}\tcp", name)

    def ledger(self):
        return self.strings(LEDGER)

    def clean(self):
        """True when there is no PortProxy value, ours or not, and nothing in the ledger."""
        return self.rules() == {} and self.ledger() == {}

    def set_key(self, owner, key):
        """Pair an agent: owner is '<32 hex digits>/<distro>', key 32 bytes."""
        self.set(KEYS, owner, key, REG_BINARY)

    def clear(self):
        for family in FAMILIES:
            for name in self.dump(rf"{PORTPROXY}\{family}\tcp"):
                self.delete(rf"{PORTPROXY}\{family}\tcp", name)
        self.remove(r"SOFTWARE\wslbridge")


class FakeIphlpsvc:
    """The service 'iphlpsvc' of the tests, see tests/windows/fake-iphlpsvc.c."""

    def __init__(self, prefix, tools, registry):
        self.prefix, self.registry = prefix, registry
        self.exe = pathlib.Path(tools) / "fake-iphlpsvc.exe"
        self.svctool = pathlib.Path(tools) / "svctool.exe"

    def _command(self, name):
        self.prefix.run(self.exe, name)

    def install(self):
        self._command("install")

    def start(self):
        self._command("start")

    def stop(self):
        self._command("stop")

    def remove(self):
        self._command("remove")

    def set_start_type(self, number):
        """SERVICE_DEMAND_START 3, SERVICE_DISABLED 4."""
        self.prefix.run(self.svctool, "start-type", "iphlpsvc", number)

    def hang(self, hangs):
        """From now on it does, or does not, answer a PARAMCHANGE."""
        self.registry.set(COUNTERS, "Hang", int(hangs))

    def listen_for(self, most):
        """For no more rules than that, from the next reading on; 0: for as many as it can."""
        self.registry.set(COUNTERS, "Most", most)

    def told(self):
        """How many PARAMCHANGEs it has received."""
        return self.registry.number(COUNTERS, "Told")

    def settled(self, timeout=30):
        """Wait until all that it was told is applied; returns told()."""
        wait_until(lambda: self.registry.number(COUNTERS, "Applied") == self.told(), timeout,
                   "iphlpsvc applying the rules")
        return self.told()


HELPER_DLLS = ["advapi32", "bcrypt", "iphlpapi", "mswsock", "ole32", "oleaut32", "shell32", "ws2_32",
               "hnetcfg"]  # what it links, and the firewall's


class Load:
    """What a Windows program costs: its handles, and memory as Linux sees it (Wine included)."""

    def __init__(self, prefix, tools):
        self.prefix, self.exe = prefix, pathlib.Path(tools) / "loadtool.exe"

    def handles(self, name="wslbridge-helper.exe"):
        return json.loads(self.prefix.run(self.exe, "handles", name).stdout)["handles"]

    @staticmethod
    def resident_kib(pid):
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("Rss:"))

    def baseline_kib(self):
        """The same of a program that does nothing, with the DLLs that the helper uses."""
        idle = self.prefix.popen(self.exe, "idle", *HELPER_DLLS, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(2)
            assert idle.poll() is None
            return self.resident_kib(idle.pid)
        finally:
            idle.kill()
            idle.wait(10)


class Helper:
    """wslbridge-helper.exe run …, with its log lines. Options are in milliseconds:
    Helper(prefix, exe, heartbeat=200, goodbye=100)."""

    def __init__(self, prefix, exe, port=0, wait=True, transport="tcp", **options):
        arguments = ["run"]
        if transport:  # a release build has no options
            arguments += ["--transport", f"tcp:127.0.0.1:{port}" if transport == "tcp" else transport]
        for name, value in options.items():
            arguments += [f"--{name}-ms", str(value)]
        self._prefix, self._command = prefix, (exe, *arguments)
        self.lines = []
        self._new_lines = queue.Queue()
        self._start()
        self.port = None
        if wait:
            self.wait_listening()

    def _start(self):
        self.process = self._prefix.popen(*self._command, stdin=subprocess.DEVNULL,
                                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()

    def _read(self, process):
        for raw in process.stderr:
            line = raw.decode(errors="replace").rstrip("\r\n")
            self.lines.append(line)
            self._new_lines.put(line)

    def wait_line(self, pattern, timeout=20):
        """Wait for a line that was not looked at yet and matches; returns the match."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                line = self._new_lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no line like '{pattern}' in\n" + "\n".join(self.lines)
                                     + f"\nprocess {self.process.pid}: {self._state()}") from None
            match = re.search(pattern, line)
            if match:
                return match

    def _state(self):
        """For a failure's report: has it ended, or what does each of its threads wait for?"""
        if self.process.poll() is not None:
            return f"ended with {self.process.returncode}"
        folder = f"/proc/{self.process.pid}/task"
        state = []
        for task in os.listdir(folder):
            with open(f"{folder}/{task}/comm") as comm, open(f"{folder}/{task}/wchan") as wchan, \
                 open(f"{folder}/{task}/stat") as stat:
                ticks = stat.read().rpartition(")")[2].split()[11:13]
                state.append(f"{comm.read().strip()} in {wchan.read()}, ticks {'+'.join(ticks)}")
        return "runs: " + "; ".join(state)

    def wait_listening(self, timeout=30):
        # On a busy machine about one start in a thousand under Wine 8 ends with 1 before the
        # program has said a word; the program itself says why whenever it gives up. Once is
        # forgiven, and told; a second time in a row is not.
        end = time.monotonic() + timeout
        while not self.lines and time.monotonic() < end:
            if self.process.poll() == 1:
                self._reader.join(timeout=1)
                if not self.lines:
                    print("Wine ended the helper before its first word; started again")
                    self._start()
                break
            time.sleep(0.005)
        self.port = int(self.wait_line(r"listening on 127\.0\.0\.1:(\d+)", timeout)[1])

    def wait_end(self, timeout=20):
        code = self.process.wait(timeout)
        self._reader.join(timeout=1)  # the pipe may be shared with Wine's own processes
        return code

    def stop(self, timeout=20):
        """Ctrl-C; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.wait_end(timeout)

    def kill(self):
        """As kill -9: the program gets no chance to do anything."""
        if self.process.poll() is None:
            self.process.kill()
        return self.wait_end()
