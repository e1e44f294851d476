# SPDX-License-Identifier: MIT
"""A guest that really boots: Debian with systemd in QEMU, emulated in software.

    with Machine(image, folder, package) as machine:     booted, and its console answers
        machine.run("systemctl is-system-running")
        machine.within(1, "echo x > /f", "test -e /g")    wait; seconds on a machine that is not busy

@image is a folder made by tests/system/image/make.sh; the disk in it is not changed. The guest finds
the files of the folder @package in /package. Its own changes last until the end of the Machine, and
survive a reboot of the guest.
"""
import base64
import os
import re
import shlex
import socket
import subprocess
import threading
import time

import janitor
from waiting import PATIENCE

BOOT_TIMEOUT = 1800  # seconds; minutes on a busy machine, 20 s on an idle core
WITHIN_MIN = 60      # seconds for what takes less than one in a guest with a processor of its own
# Whoever waits for the guest waits for a single process, which has one processor to emulate. Programs
# beside it are many, and would make a boot take ten times as long.
FIRST = ["nice", "--adjustment=-10"]
CONSOLE = "wslbridge.console"
# Of the guest's ends of QEMU's user network, and of the tap.
USER_MAC, TAP_MAC = "52:54:00:00:00:01", "52:54:00:00:00:02"

UUID = "4c4c4544-0042-3510-8053-b7c04f4e3332"  # of the virtual machine

# From this firmware text, systemd-detect-virt and so ConditionVirtualization= recognize Hyper-V. They
# look at the processor first, which without the bit 'hypervisor' does not say that it is emulated.
HYPERV = ["-cpu", "qemu64,-hypervisor",
          "-smbios", "type=1,manufacturer=Microsoft Corporation,product=Virtual Machine,"
                     f"version=Hyper-V UEFI Release v4.1,uuid={UUID}"]


class Failed(AssertionError):
    """A command in the guest ended with an exit code other than 0."""


class Machine:
    def __init__(self, image, folder, package, start=subprocess.Popen, name="machine", tap=None):
        """@start: like subprocess.Popen, but for example in a network namespace. @name: unique among
        the machines of this run. @tap: this machine's end of a second network."""
        self.image, self.folder, self.package = str(image), str(folder), str(package)
        self.start, self.name, self.tap = start, name, tap
        self.lock = threading.Lock()  # the console takes one script at a time
        self.process = self.connection = None
        self.number, self.received = 0, b""

    # --- its life

    def __enter__(self):
        os.makedirs(self.folder, exist_ok=True)
        run = os.path.basename(janitor.current_run())
        disk = os.path.join(self.folder, "package.img")
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", self.package, disk, "64M"],
                       stdout=subprocess.DEVNULL, check=True)
        # Below /tmp, since a socket's path has at most 107 bytes.
        self.path = f"/tmp/{janitor.PREFIX}{run}-{self.name}"
        self.log_path = os.path.join(self.folder, "kernel.log")
        command = [
            *FIRST,
            # One processor with few features. Emulating more takes twice the time.
            "qemu-system-x86_64", "-accel", "tcg", "-smp", "1", "-m", "1024", *HYPERV,
            "-kernel", os.path.join(self.image, "vmlinuz"),
            "-initrd", os.path.join(self.image, "initrd.img"),
            "-append", "root=/dev/vda rw console=ttyS0 audit=1 loglevel=5",
            "-drive", f"file={self.image}/disk,if=virtio,format=raw,snapshot=on",
            "-drive", f"file={disk},if=virtio,format=raw,readonly=on",
            "-device", "virtio-serial", "-chardev",
            f"socket,id=console,path={self.path},server=on,wait=off",
            "-device", f"virtserialport,chardev=console,name={CONSOLE}",
            "-netdev", "user,id=user", "-device", f"virtio-net,netdev=user,mac={USER_MAC}",
            *(["-netdev", f"tap,id=tap,ifname={self.tap},script=no,downscript=no",
               "-device", f"virtio-net,netdev=tap,mac={TAP_MAC}"] if self.tap else []),
            "-display", "none", "-monitor", "none", "-serial", f"file:{self.log_path}"]
        # QEMU keeps the changes to the disk in a file that it creates there.
        environment = {**os.environ, "TMPDIR": self.folder}
        self.process = self.start(command, stdin=subprocess.DEVNULL, env=environment)
        try:
            self._connect()
            self.wait_booted()
            self.run("mkdir -p /package && mount -o ro /dev/vdb /package")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.connection:
            self.connection.close()
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if os.path.exists(self.path):
            os.unlink(self.path)

    def _connect(self):
        end = time.monotonic() + BOOT_TIMEOUT
        while True:
            self.connection = socket.socket(socket.AF_UNIX)
            try:
                self.connection.connect(self.path)
                return
            except OSError:
                self.connection.close()
                assert self.process.poll() is None, "QEMU does not start"
                assert time.monotonic() < end, "QEMU does not answer"
                time.sleep(0.05)

    def wait_booted(self):
        """Wait until the guest's console answers and its boot has ended."""
        self.run("systemctl is-system-running --wait >/dev/null; true", timeout=BOOT_TIMEOUT)
        return self

    def reboot(self):
        """Reboot the guest as a person does. Returns when it has booted again."""
        before = self.run("cat /proc/sys/kernel/random/boot_id")
        # Without AccuracySec=, a timer may be a minute late.
        self.run("systemd-run --quiet --on-active=0.2 --timer-property=AccuracySec=10ms "
                 "systemctl reboot")
        self._wait_hello(before)
        self.wait_booted()
        self.run("mkdir -p /package && mount -o ro /dev/vdb /package")

    def _wait_hello(self, before):
        """Wait until the console of a boot other than @before says that it is there. A question during the
        shutdown would be answered after the boot or never."""
        end = time.monotonic() + BOOT_TIMEOUT
        with self.lock:
            while True:
                try:
                    words = self._answer(end)
                except TimeoutError:
                    raise TimeoutError(f"the guest does not reboot\n{self.log()[-2000:]}") from None
                if len(words) == 2 and words[0] == b"hello" and words[1] != before.encode():
                    return

    # --- commands

    def _answer(self, end):
        """The next line of the console, as words."""
        while b"\n" not in self.received:
            self.connection.settimeout(max(0.01, end - time.monotonic()))
            data = self.connection.recv(65536)
            assert data, "QEMU has ended"
            self.received += data
        line, _, self.received = self.received.partition(b"\n")
        return line.split()

    def ask(self, script, timeout=300):
        """Run a bash script as root. Returns (exit code, output)."""
        with self.lock:
            return self._ask(script, timeout)

    def _ask(self, script, timeout):
        self.number += 1
        line = f"{self.number} {base64.b64encode(script.encode()).decode()}\n"
        end = time.monotonic() + timeout
        answer = []
        try:
            self.connection.sendall(line.encode())
            # A late answer to a question before a reboot is skipped.
            while len(answer) < 2 or answer[0] != str(self.number).encode():
                answer = self._answer(end)
        except TimeoutError:
            raise TimeoutError(f"no answer within {timeout} s to: {script}\n{self.log()[-2000:]}"
                               ) from None
        output = base64.b64decode(answer[2]).decode(errors="replace") if len(answer) > 2 else ""
        return int(answer[1]), output

    def run(self, script, timeout=300):
        """Run a bash script that has to succeed, or Failed is raised. Returns its output without the
        line break at the end."""
        code, output = self.ask(script, timeout)
        if code != 0:
            raise Failed(f"{script}\nexit code {code}: {output}")
        return output.rstrip("\n")

    def within(self, limit, action, condition):
        """Run @action, then @condition again and again until it succeeds. Returns how many seconds
        this took in the guest. @limit is for an emulated guest with a processor of its own; a busy
        machine gets PATIENCE times as long, and at least WITHIN_MIN, because this waits and does not
        measure."""
        limit = max(limit * PATIENCE, WITHIN_MIN)
        code, output = self.ask(f"""
            begin=${{EPOCHREALTIME/./}}
            {action} || exit 99
            until {condition}; do
                [ $((${{EPOCHREALTIME/./}} - begin)) -lt {int(limit * 1e6)} ] || exit 98
                sleep 0.05
            done >/dev/null 2>&1
            echo "took $((${{EPOCHREALTIME/./}} - begin))"
            """, timeout=limit + 60)
        if code == 98:
            raise Failed(f"not within {limit} s after '{action}': {condition}\n{self.state()}")
        match = re.search(r"^took (\d+)$", output, re.MULTILINE)
        assert code == 0 and match, f"{action}\nexit code {code}: {output}"
        return int(match[1]) / 1e6

    def adapter(self, mac):
        """The name of the guest's adapter with this address."""
        return self.run(f"basename $(dirname $(grep -l {mac} /sys/class/net/*/address))")

    def write(self, path, text, mode=0o644):
        """Write a file in the guest, replacing it in one step."""
        return self.run(f"printf %s {shlex.quote(text)} > {path}.new && chmod {mode:o} {path}.new "
                        f"&& mv {path}.new {path}")

    def state(self):
        """The agent's status and the end of the journal, for the report of a failure."""
        return self.ask("cat /run/wslbridge/status.json; journalctl -n 30 -o short-monotonic")[1]

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()
