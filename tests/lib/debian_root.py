# SPDX-License-Identifier: MIT
"""A Debian of another release in namespaces, to install a package in it.

    with DebianRoot("trixie", tmp_path / "guest") as root:
        root.copy_in(package, "/tmp/wslbridge.deb")
        root.run("apt-get", "install", "-y", "/tmp/wslbridge.deb")

The root is an overlay on the pristine one of tools/debian-root.sh: it starts in a moment and is gone at the
end, with all its processes. It has processes, mounts, a host name and a network (only loopback) of its
own. apt finds there what the guest's package depends on, without a network.
"""
import functools
import os
import shutil
import signal
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.environ.get("WSLBRIDGE_CACHE", "/var/cache/wslbridge")
TIMEOUT = 600  # seconds for one command; it only ends what hangs
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive",
               "LC_ALL": "C.UTF-8", "HOME": "/root"}


@functools.cache
def pristine(suite, variant="minbase"):
    """The folder that all roots of this kind share. Nobody writes there."""
    done = subprocess.run([os.path.join(TOP, "tools", "debian-root.sh"), CACHE, suite, variant],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout.strip()


# PID 1 of the namespaces. It says that it is ready and waits for the end of its standard input, which
# comes at the latest with the end of the test. Bash collects the processes that lose their parent.
INIT = r"""
set -e
umask 022
folder=$1 below=$2 network=$3 root=$1/root
mount --make-rprivate /
mount -t tmpfs tmpfs "$folder"  # an overlay cannot write to another overlay, which "/" of a container is
mkdir "$root" "$folder/upper" "$folder/work"
mount -t overlay -o "lowerdir=$below,upperdir=$folder/upper,workdir=$folder/work" overlay "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
. "$4"
make_dev "$root"
if [ "$network" = none ]; then ip link set lo up; fi
hostname debian
cd "$root"
mkdir -p before
pivot_root . before
exec chroot . /bin/bash -c '
    umount -l /before; rmdir /before; echo ready; read -r end'
"""


class DebianRoot:
    """suite: bookworm or trixie; folder: a new one; variant: see debian-root.sh;
    network: True for this machine's network."""

    def __init__(self, suite, folder, variant="minbase", network=False):
        self.suite, self.folder = suite, str(folder)
        self.variant, self.network = variant, network
        self.process = None

    def __enter__(self):
        os.makedirs(self.folder)
        below = pristine(self.suite, self.variant)
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc",
                   *([] if self.network else ["--net"]), "bash", "-c", INIT, "init", self.folder,
                   below, "host" if self.network else "none",
                   os.path.join(TOP, "tests", "lib", "make-dev.sh")]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True,
                                        env={**ENVIRONMENT, **self._run()})
        if self.process.stdout.readline() != "ready\n":
            self.process.kill()
            raise AssertionError("no root: " + self.process.communicate()[1])
        return self

    def __exit__(self, *_):
        os.kill(self.pid(), signal.SIGKILL)  # PID 1 of the namespace, and with it all its processes
        self.process.communicate()
        shutil.rmtree(self.folder)

    @staticmethod
    def _run():
        """The mark by which the janitor finds processes of a run."""
        return {k: v for k, v in os.environ.items() if k == "WSLBRIDGE_RUN"}

    def pid(self):
        """PID 1 of the root, as seen from outside."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path, encoding="ascii") as f:
            return int(f.read().split()[0])

    def command(self, *command):
        """The words that run a command inside, for a program of the test that starts it itself."""
        return ["nsenter", "-t", str(self.pid()), "-m", "-p", "-u", "-i", "-n", "-r", "-w", "--",
                "env", "-i", *(f"{k}={v}" for k, v in {**ENVIRONMENT, **self._run()}.items()),
                *map(str, command)]

    def call(self, *command, input="", timeout=TIMEOUT, **options):
        """Run a command inside; returns the CompletedProcess, with text."""
        options = {"text": True, "errors": "replace", **options}
        return subprocess.run(self.command(*command), input=input, capture_output=True,
                              timeout=timeout, **options)

    def run(self, *command, **options):
        """Run a command that has to succeed. Returns its output."""
        done = self.call(*command, **options)
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def path(self, path):
        """Where a file of the root is for this process. It does not follow absolute links."""
        return os.path.join(f"/proc/{self.pid()}/root", path.lstrip("/"))

    def copy_in(self, source, path):
        shutil.copy(str(source), self.path(path))

    def exists(self, path):
        return os.path.lexists(self.path(path))

    def write(self, path, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        with open(self.path(path), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.path(path), mode)

    def read(self, path):
        with open(self.path(path), encoding="utf-8") as f:
            return f.read()
