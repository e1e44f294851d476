# SPDX-License-Identifier: MIT
"""WSL, as the programs of Windows see it: the user's list of distros in the registry, and a wsl.exe
that runs commands in a real root of Debian, or in a guest of QEMU.

    with WslHost(prefix, tools) as wsl:
        wsl.add("Debian", root.command)             root: a DebianRoot, or anything with command()
        wsl.add("Other", start=guest.popen)         or with something like subprocess.Popen()
        wsl.add("Third", root.command, boot=start)  it is stopped; the first command in it calls start()
        prefix.run(helper, "setup", "Debian", "--yes")

What else a wsl.exe may do is set by attributes: noise (bytes on both streams before anything else),
hang, and end (an exit code and a text, without a distro). calls has the command line of each start.
"""

import contextlib
import os
import re
import shutil
import socket
import struct
import subprocess
import threading

LXSS = r"HKEY_CURRENT_USER\Software\Microsoft\Windows\CurrentVersion\Lxss"
PART = 16384


class Distro:
    def __init__(self, start, version, state, boot):
        self.start = start  # start(["sh", …]) → the process inside, with its three streams; or None
        self.version, self.state = version, state
        self.boot, self.lock = boot, threading.Lock()
        self.is_new = False  # its first start has not asked for a user yet

    def started(self):
        """Any command starts a distro that is stopped, and waits until it is up."""
        with self.lock:
            if self.boot:
                self.boot()
            self.boot = None
        return self.start


def popen_by(command):
    """@command: command("sh", …) → the words that run it inside."""
    return lambda words: subprocess.Popen(command(*words), stdin=subprocess.PIPE,
                                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class WslHost:
    def __init__(self, prefix, tools, create_server=socket.create_server):
        """@create_server: makes the socket where Wine finds it, perhaps in another network namespace."""
        self.prefix, self.tools, self.create_server = prefix, tools, create_server
        self.distros, self.default = {}, None
        self.exe = prefix.path / "drive_c/windows/system32/wsl.exe"
        self.reset()

    def reset(self):
        self.noise = b""
        self.hang = None    # a part of a command line or script that gets no answer
        self.end = None     # (exit code, text)
        self.on_script = None  # called with the whole input of a script before it runs
        self.edit = None    # called with it; what it returns arrives
        self.on_input = None   # called with each part of other input before it arrives
        self.calls, self.variables, self.terminated = [], [], []

    def __enter__(self):
        shutil.copy(self.tools / "remote-wsl.exe", self.exe)
        self.server = self.create_server(("127.0.0.1", 0))
        self.prefix.env["WSLBRIDGE_TEST_WSL"] = str(self.server.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        with contextlib.suppress(FileNotFoundError):
            self.exe.unlink()
        self.clear()

    # --- the registry

    def add(self, name, command=None, version=2, state=1, default=False, start=None,
            boot=None):
        self.distros[name] = Distro(start or (command and popen_by(command)), version, state, boot)
        if default or len(self.distros) == 1:
            self.default = name

    def register(self):
        """Write the list. Of a distro of WSL 1, only the flags say so (fact 2.1.7)."""
        lines = ["Windows Registry Editor Version 5.00", "", f"[-{LXSS}]", "", f"[{LXSS}]"]
        ids = {name: f"{{{i:08x}-0000-4000-8000-000000000000}}"
               for i, name in enumerate(self.distros, 1)}
        if self.default:
            lines.append(f'"DefaultDistribution"="{ids[self.default]}"')
        lines += ["", f"[{LXSS}\\AppxInstallerCache]"]  # newer versions have this, too
        for name, distro in self.distros.items():
            lines += ["", f"[{LXSS}\\{ids[name]}]", f'"DistributionName"="{name}"',
                      '"Version"=dword:00000002', f'"State"=dword:{distro.state:08x}',
                      f'"Flags"=dword:{15 if distro.version == 2 else 7:08x}',
                      f'"RunOOBE"=dword:{distro.is_new:08x}']
        self._merge(lines)

    def clear(self):
        self.distros, self.default = {}, None
        self._merge(["Windows Registry Editor Version 5.00", "", f"[-{LXSS}]"])

    def _merge(self, lines):
        path = self.prefix.path / "drive_c/distros.reg"
        path.write_bytes(b"\xff\xfe" + ("\r\n".join(lines) + "\r\n").encode("utf-16-le"))
        self.prefix.run("regedit", "/S", "C:\\distros.reg")

    # --- wsl.exe

    def _accept(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        wire = Wire(connection)
        with connection, contextlib.suppress(OSError, EOFError):
            self.variables.append(wire.receive().decode())
            line = wire.receive().decode()
            self.calls.append(line)
            if self.noise:
                for stream in "oe":
                    wire.send(stream, self.noise)
            wire.send("x", str(self._run(wire, line)).encode())
            while True:  # closing with bytes unread would reset the connection, and lose the answer
                wire.receive()

    def _run(self, wire, line):
        if self.hang and self.hang in line:
            while True:
                wire.receive()  # until it is killed
        if self.end:
            wire.send("e", self.end[1].encode())
            return self.end[0]
        stop = re.fullmatch(r"wsl\.exe --terminate ([^ \t]+)", line)  # quotes are a part of the name: fact 2.1.11
        if stop and stop[1] in self.distros:
            self.terminated.append(stop[1])
            return 0
        match = re.fullmatch(r"wsl\.exe -d ([^ \t]+) -u root --exec (.*)", line)
        distro = match and self.distros.get(match[1])
        if not distro or not distro.start:
            wire.send("o", "Es gibt keine Distribution mit dem angegebenen Namen.\r\n"
                      .encode("utf-16-le"))
            return -1
        return self._run_in(wire, distro, match[2].split(" "))

    def _run_in(self, wire, distro, words):
        """Run it. A script is read to its end before it starts, so that a test can look at it."""
        data = self._script(wire) if words == ["/bin/sh"] else None
        process = distro.started()(words)
        outputs = [threading.Thread(target=pass_on, args=(wire, letter, stream))
                   for letter, stream in (("o", process.stdout), ("e", process.stderr))]
        for thread in outputs:
            thread.start()
        threading.Thread(target=self._feed, args=(wire, process, data), daemon=True).start()
        code = process.wait()
        for thread in outputs:
            thread.join()
        return code

    def _feed(self, wire, process, data):
        with contextlib.suppress(OSError, EOFError, ValueError):
            if data is not None:
                process.stdin.write(data)
            else:
                while part := wire.receive():
                    if self.on_input:
                        self.on_input(part)
                    process.stdin.write(part)
                    process.stdin.flush()
        with contextlib.suppress(OSError):
            process.stdin.close()

    def _script(self, wire):
        data = b"".join(iter(wire.receive, b""))
        if self.hang == "script":
            while True:
                wire.receive()
        if self.on_script:
            self.on_script(data.decode())
        if self.edit:
            data = self.edit(data.decode()).encode()
        return data


class Wire:
    """Frames to and from remote-wsl.exe; two threads may send."""

    def __init__(self, connection):
        self.connection, self.lock = connection, threading.Lock()

    def _exactly(self, n):
        data = b""
        while len(data) < n:
            part = self.connection.recv(n - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def receive(self):
        return self._exactly(struct.unpack(">xI", self._exactly(5))[0])

    def send(self, letter, data):
        with self.lock:
            self.connection.sendall(letter.encode() + struct.pack(">I", len(data)) + data)


def pass_on(wire, letter, stream):
    """Until the process and its children have closed the stream. When nobody listens any more, they
    are told so by the closed pipe, as by WSL's."""
    with contextlib.suppress(OSError):
        while part := os.read(stream.fileno(), PART):
            wire.send(letter, part)
    stream.close()
