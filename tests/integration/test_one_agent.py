# SPDX-License-Identifier: MIT
"""There is one agent for each status folder, and every user can tell whether it runs."""
import json
import os
import shutil
import subprocess
import tempfile

import pytest

from guest import MAX_DELAY, wait_until


def test_a_second_agent_says_who_runs_and_changes_nothing(connected, manager):
    """Somebody starts an agent by hand beside the service."""
    guest, host = connected
    first, states = guest.process, host.stats()["connections"]
    guest.start(wait=False, NOTIFY_SOCKET=manager.path)
    second, guest.process = guest.process, first
    assert second.wait(MAX_DELAY) == 3
    assert f"process {first.pid}, which has {guest.state}" in guest.log()
    manager.wait(f"STATUS=Not started: process {first.pid} has")
    assert not manager.count("READY=1")
    assert guest.status()["agent"]["pid"] == first.pid
    assert host.stats()["connections"] == states
    host.wait_rules({"0.0.0.0/8080": f"{guest.new_address()}/80"})
    wait_until(lambda: guest.reported_ipv4() == guest.address, "a new status")
    guest.stop()
    assert os.listdir(guest.state) == []
    guest.start()  # the folder is free again
    guest.wait_state("web", "active")  # so that it is not killed while it writes the status
    guest.kill()
    assert sorted(os.listdir(guest.state)) == ["lock", "status.json"]
    guest.start()  # and after a crash


def test_a_second_agent_with_another_status_folder(connected, manager, tmp_path_factory):
    """systemd removes the folder of a service that ends, with the lock of whoever was beside it there, and
    gives the next start a new one. There is one agent for each guest all the same."""
    guest, host = connected
    tmp_path = tmp_path_factory.mktemp("other")
    first, connections = guest.process, host.stats()["connections"]
    guest.start(wait=False, NOTIFY_SOCKET=manager.path, RUNTIME_DIRECTORY=str(tmp_path))
    second, guest.process = guest.process, first
    assert second.wait(MAX_DELAY) == 3
    assert f"process {first.pid}, which has {guest.kept}" in guest.log()
    manager.wait(f"STATUS=Not started: process {first.pid} has")
    assert os.listdir(tmp_path) == [] and host.stats()["connections"] == connections
    guest.stop()
    assert "lock" not in os.listdir(guest.kept)
    guest.start(RUNTIME_DIRECTORY=str(tmp_path), wait=False)  # the guest is free again
    wait_until(lambda: "status.json" in os.listdir(tmp_path), "another agent")


@pytest.mark.parametrize("first", [False, True], ids=["no folder yet", "the service was there"])
def test_the_lock_belongs_to_whom_the_folder_belongs(guest, first):
    """Root starts an agent by hand. Afterwards the service, which has a user of its own, has to be able to
    open the file, although root has made it and was killed."""
    os.makedirs(guest.kept, exist_ok=True)
    os.chown(guest.kept, 12345, 12345)
    if first:
        open(os.path.join(guest.kept, "lock"), "x", encoding="ascii").close()
        os.chown(os.path.join(guest.kept, "lock"), 12345, 12345)
    guest.start()
    guest.kill()
    st = os.stat(os.path.join(guest.kept, "lock"))
    assert (st.st_uid, st.st_gid) == (12345, 12345) and (first or st.st_mode & 0o777 == 0o600)


def test_an_agent_that_has_ended_but_is_still_a_zombie(guest, control):
    """Nobody has waited for it yet, as under a shell that is busy. It still has its number and name."""
    guest.start()
    assert control.run("status")[0] == 0
    guest.process.kill()
    wait_until(lambda: open(f"/proc/{guest.process.pid}/stat").read().rpartition(")")[2].split()[0] == "Z",
               "a zombie")
    assert control.run("status")[0] == 3
    before = os.times().children_user + os.times().children_system
    assert control.run("wait", "--timeout=2")[0] == 3
    assert os.times().children_user + os.times().children_system - before < 1  # it does not spin


def test_reload_sends_no_signal_to_another_program(guest, control):
    """A crash has left the status, its number is another program's now, and /proc does not show whose."""
    guest.start()
    status = guest.status()
    victim = subprocess.Popen(["sleep", "1000"])
    try:
        status["agent"]["pid"] = victim.pid
        path = os.path.join(guest.root, "run/wslbridge/status.json")
        os.unlink(path)  # a link to the agent's own
        with open(path, "w", encoding="utf-8") as f:
            json.dump(status, f)
        script = f"mount -t tmpfs none /proc/{victim.pid} && exec {control.exe} --root={guest.root} reload"
        done = subprocess.run(["unshare", "--mount", "sh", "-c", script], text=True, timeout=MAX_DELAY,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 1 and "/proc does not show it" in done.stdout
        assert victim.poll() is None
    finally:
        victim.kill()
        victim.wait()


@pytest.mark.parametrize("hidepid", [1, 2])
def test_status_for_a_user_who_sees_no_process_of_others(guest, control, hidepid):
    """The system mounts /proc with hidepid=. The reader is another user than the agent."""
    guest.start()
    folder = tempfile.mkdtemp(prefix="wslbridge-test-", dir="/tmp")  # pytest's are for root only
    try:
        os.chmod(folder, 0o755)
        shutil.copy(control.exe, folder)
        os.makedirs(os.path.join(folder, "root/run/wslbridge"))
        path = os.path.join(folder, "root/run/wslbridge/status.json")
        shutil.copy(os.path.join(guest.state, "status.json"), path)

        def ask():
            script = (f"mount -t proc -o hidepid={hidepid} proc /proc && exec setpriv --reuid=65534 "
                      f"--regid=65534 --clear-groups {folder}/wslbridgectl --root={folder}/root status")
            return subprocess.run(["unshare", "--mount", "sh", "-c", script], text=True,
                                  timeout=MAX_DELAY, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)

        done = ask()
        assert done.returncode == 0, done.stdout
        guest.kill()
        done = ask()
        assert done.returncode == 3 and "left by process" in done.stdout
    finally:
        shutil.rmtree(folder)
