# SPDX-License-Identifier: MIT
"""What tests disturb of a guest beside its programs: the wall clock and the disk."""
import os
import select
import struct
import subprocess

from waiting import wait_until

DISK = 2 * 1024 * 1024  # bytes


class Clock:
    """The guest's wall clock."""

    def __init__(self, folder, tree):
        self.offset, self.set_path = os.path.join(folder, "offset"), os.path.join(folder, "set")
        with open(self.offset, "wb") as f:
            f.write(struct.pack("q", 0))
        os.mkfifo(self.set_path)
        self.fifo = os.open(self.set_path, os.O_RDWR | os.O_NONBLOCK)
        self.environment = {"LD_PRELOAD": os.path.join(tree, "tests", "soak", "libwslbridge-clock.so"),
                            "CLOCK_OFFSET": self.offset, "CLOCK_SET": self.set_path}

    def set(self, seconds):
        with open(self.offset, "r+b") as f:
            f.write(struct.pack("q", seconds))
        os.write(self.fifo, b"x")

    def wait_read(self):
        """Until the program has noticed, so that the next step is one of its own."""
        wait_until(lambda: not select.select([self.fifo], [], [], 0)[0], 10, "the look at the clock")

    def close(self):
        os.close(self.fifo)


class Disk:
    """The guest's disk: a small tmpfs on the guest's root."""

    def __init__(self, path, size=DISK):
        self.path, self.ballast = path, os.path.join(path, "ballast")
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], check=True)

    def fill(self):
        with open(self.ballast, "wb", buffering=0) as f:
            try:
                while f.write(b"x" * 4096):
                    pass
            except OSError:
                pass  # full

    def free(self):
        if os.path.exists(self.ballast):
            os.unlink(self.ballast)

    def close(self):
        subprocess.run(["umount", "-l", self.path], check=False)
