# SPDX-License-Identifier: MIT
"""A command in a guest of QEMU, with three streams and an exit code, like a subprocess.Popen.

    start = starter(machine, server, "10.0.2.2")
    process = start(["sh", "-c", "cat; exit 3"])

The guest's console starts it. It connects four times to a port of this machine, once for each stream and
once for its exit code.
"""
import shlex

PROGRAM = "/run/test-process"
# The connections are made in this order. The command does not have that of the exit code.
SCRIPT = """
host=/dev/tcp/$1/$2
shift 2
exec 9>"$host" 2>"$host" >"$host" <"$host"
"$@" 9>&-
echo $? >&9
"""


class GuestProcess:
    def __init__(self, server):
        self.end, self.stderr, self.stdout, self.stdin = (
            self._stream(server.accept()[0], mode) for mode in ("rb", "rb", "rb", "wb"))

    @staticmethod
    def _stream(connection, mode):
        """The stream owns the connection: closing it tells the guest."""
        with connection:
            return connection.makefile(mode)

    def wait(self):
        """The exit code; 255 when the guest has not told one."""
        with self.end:
            return int(self.end.read() or 255)


def starter(machine, server, address):
    """@server: a listening socket of this machine; the guest reaches it at @address."""
    machine.write(PROGRAM, SCRIPT)

    def start(words):
        machine.run(f"systemd-run --quiet --collect bash {PROGRAM} {address} "
                    f"{server.getsockname()[1]} {shlex.join(words)}")
        return GuestProcess(server)

    return start
