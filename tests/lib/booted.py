# SPDX-License-Identifier: MIT
"""The service under a real systemd that runs in namespaces; see boot-system.sh.

    with Booted(folder, installed) as system:
        system.run("systemctl", "start", "wslbridge-agent")
"""
import glob
import itertools
import json
import os
import shlex
import subprocess
import time

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "boot-system.sh")
TIMEOUT = 120  # seconds for each step; they only end what hangs
BUILD_TIMEOUT = 900  # for a step that builds
MACHINE_ID = "0123456789abcdef0123456789abcdef"  # boot-system.sh writes it
NUMBERS = itertools.count()  # of the systems of this process


class Booted:
    def __init__(self, folder, installed, below="/", target="basic.target"):
        """installed: a folder of files for the system, which may be empty. below: another root than this
        machine's, with systemd in it. target: how far it boots."""
        self.folder, self.installed, self.below = str(folder), str(installed), str(below)
        self.target, self.process = target, None
        self.top = os.path.dirname(os.path.dirname(os.path.dirname(SCRIPT)))

    def __enter__(self):
        """Boot in a cgroup of its own. It is the root that systemd sees, and with it the empty
        cgroups that a killed systemd leaves can be found again."""
        os.makedirs(self.folder)
        self.log = open(self.folder + ".log", "w+b")
        with open("/proc/mounts", encoding="utf-8") as f:
            hierarchy = next(row[1] for row in map(str.split, f) if row[2] == "cgroup2")
        self.cgroup = os.path.join(hierarchy, f"wslbridge-test-{os.getpid()}-{next(NUMBERS)}")
        os.makedirs(self.cgroup)
        command = (f"echo $$ >{shlex.quote(self.cgroup)}/cgroup.procs && exec unshare --mount --pid "
                   "--fork --kill-child --uts --ipc --net --cgroup bash "
                   + " ".join(map(shlex.quote, [SCRIPT, self.folder, self.installed, self.top,
                                                self.below, self.target])))
        self.process = subprocess.Popen(["bash", "-c", command], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)
        # Until the new root is in its place, systemctl would ask this machine's systemd.
        ask = f'read -r id </etc/machine-id && [ "$id" = {MACHINE_ID} ] && exec systemctl is-active "$0"'
        self.wait(lambda: self.call("sh", "-c", ask, self.target).returncode == 0, "systemd has booted")
        return self

    def __exit__(self, *_):
        self.process.kill()  # this ends PID 1 of the namespace, and so all its processes
        self.process.wait()
        end = time.monotonic() + TIMEOUT
        while os.path.isdir(self.cgroup) and time.monotonic() < end:  # until all have ended
            for folder in sorted(glob.glob(self.cgroup + "/**/", recursive=True), reverse=True):
                try:
                    os.rmdir(folder)
                except OSError:
                    time.sleep(0.01)
        self.log.close()

    def wait(self, condition, what):
        end = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < end and self.process.poll() is None, f"{what}: {self.output()}"
            time.sleep(0.05)

    def output(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def pid(self):
        """The PID outside of the namespace of its PID 1; 0 before that has started."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path, encoding="ascii") as f:
            return int((f.read().split() or ["0"])[0])

    def command(self, *command):
        """The words that run a command inside, for a program of the test that starts it itself."""
        return ["nsenter", "-t", str(self.pid()), "-m", "-p", "-u", "-i", "-n", "-C", "-r", "-w", "--",
                "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *command]

    def call(self, *command, timeout=TIMEOUT, **options):
        """Run a command inside."""
        return subprocess.run(self.command(*command), capture_output=True, text=True,
                              timeout=timeout, **options)

    def run(self, *command, **options):
        """Run a command that has to succeed. Returns its output."""
        done = self.call(*command, **options)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}\n{self.journal()}"
        return done.stdout.strip()

    def write(self, path, text, mode="644"):
        self.run("install", "-D", "-m", mode, "/dev/stdin", path, input=text)

    def journal(self):
        self.call("journalctl", "--sync")  # what was sent before may be on its way
        return self.call("journalctl", "--no-pager", "-o", "cat").stdout

    def status(self):
        text = self.call("cat", "/run/wslbridge/status.json").stdout
        return json.loads(text) if text else {}

    def main_pid(self):
        return self.run("systemctl", "show", "-P", "MainPID", "wslbridge-agent")

    def as_the_agent(self, *command):
        """Run a command inside, with the mounts and the user of the agent."""
        pid, uid = self.main_pid(), self.run("stat", "-c", "%u", "/run/wslbridge/agent")
        return self.call("nsenter", "-t", pid, "-m", "--", "setpriv", f"--reuid={uid}",
                         f"--regid={uid}", "--clear-groups", *command)
