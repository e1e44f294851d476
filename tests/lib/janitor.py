#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Removes what a run has left behind: its processes, its network namespaces and its folder.

    janitor.py end RUN     clean up after this run
    janitor.py stale DIR   clean up after every run below DIR, and remove every namespace, whose
                           owner is dead

A run is a folder named PID-STARTTIME. Each of its processes has WSLBRIDGE_RUN=<that folder> in its
environment, even daemons that have left the session, such as Wine's servers. Its namespaces are
named wslbridge-PID-STARTTIME-…
"""
import atexit
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PREFIX = "wslbridge-"
GRACE = 3.0  # seconds between SIGTERM and SIGKILL


def start_time(pid):
    """Start time of a process in clock ticks since boot; None if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[19]
    except OSError:
        return None


def owner_alive(run_id):
    match = re.fullmatch(r"(\d+)-(\d+)", run_id)
    return bool(match) and start_time(match[1]) == match[2]


def ancestors():
    pid, found = os.getpid(), set()
    while pid > 1:
        found.add(pid)
        try:
            with open(f"/proc/{pid}/stat") as f:
                pid = int(f.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            break
    return found


def processes_of(run):
    mark = b"WSLBRIDGE_RUN=" + os.fsencode(run)
    keep = ancestors()
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) in keep:
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as f:
                if mark in f.read().split(b"\0"):
                    yield int(entry)
        except OSError:
            continue  # it has ended, or belongs to another user


def end_processes(run):
    """Send SIGTERM, then SIGKILL. New processes may appear meanwhile, so look again each time."""
    deadline = time.monotonic() + GRACE
    asked = set()
    while True:
        pids = list(processes_of(run))
        if not pids:
            return
        insist = time.monotonic() > deadline
        for pid in pids:
            if insist or pid not in asked:
                try:
                    os.kill(pid, signal.SIGKILL if insist else signal.SIGTERM)
                except OSError:
                    pass
                asked.add(pid)
        time.sleep(0.05)
        if time.monotonic() > deadline + 2 * GRACE:
            print(f"wslbridge: processes {pids} do not end", file=sys.stderr)
            return


def namespaces():
    try:
        return [n for n in os.listdir("/run/netns") if n.startswith(PREFIX)]
    except OSError:
        return []


def remove_namespace(name):
    done = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True)
    for pid in done.stdout.split():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except OSError:
            pass
    subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)


def remove_tree(folder):
    """Remove a folder, with retries, because Wine's server may still write a last file."""
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.exists(folder):
            return
        time.sleep(0.1)


def unmount(run):
    """Take away what is mounted below the folder, the innermost first."""
    with open("/proc/self/mounts", encoding="utf-8", errors="replace") as f:
        points = [line.split()[1] for line in f]
    for point in sorted((p for p in points if p.startswith(run + "/")), reverse=True):
        subprocess.run(["umount", "-l", point], stderr=subprocess.DEVNULL)


def end_run(run):
    end_processes(run)
    unmount(run)
    run_id = os.path.basename(run)
    for name in namespaces():
        if name.startswith(f"{PREFIX}{run_id}-"):
            remove_namespace(name)
    for socket in glob.glob(f"/tmp/{PREFIX}{run_id}*"):
        os.unlink(socket)
    remove_tree(run)


def end_stale(folder):
    for run_id in sorted(os.listdir(folder) if os.path.isdir(folder) else []):
        if not owner_alive(run_id):
            end_run(os.path.join(folder, run_id))
    if os.geteuid() == 0:
        for name in namespaces():
            match = re.match(rf"{PREFIX}(\d+-\d+)-", name)
            if match and not owner_alive(match[1]):
                remove_namespace(name)


def current_run():
    """The folder of this run. ./dev has made it; a pytest started by hand makes one of its own,
    which is removed at exit."""
    run = os.environ.get("WSLBRIDGE_RUN")
    if not run:
        name = f"{os.getpid()}-{start_time(os.getpid())}"
        run = os.path.join(tempfile.gettempdir(), "wslbridge-run", name)
        os.makedirs(run)
        os.environ["WSLBRIDGE_RUN"] = run
        atexit.register(end_run, run)
    return run


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("end", "stale"):
        sys.exit(__doc__)
    if sys.argv[1] == "end":
        end_run(sys.argv[2])
    else:
        end_stale(sys.argv[2])


if __name__ == "__main__":
    main()
