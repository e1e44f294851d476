# SPDX-License-Identifier: MIT
"""How wslbridgectl changes service files: one at a time, nothing that cannot be in force, and nothing
of what others have set up. How it checks those that the agent does not see as it does."""
import os
import signal
import stat

import pytest

from guest import MAX_DELAY, wait_until

FOLDER = "etc/wslbridge/services.d"


def test_expose_at_the_same_time(up):
    """Of many that want one port, one gets it. The others say so and leave nothing behind."""
    guest, host, control = up
    for port in range(9000, 9004):
        running = [control.start("expose", port, f"--name=x{i}-{port}") for i in range(8)]
        outputs = [p.communicate(timeout=60)[0] for p in running]
        codes = sorted(p.returncode for p in running)
        assert codes == [0] + 7 * [1], outputs
        assert sum("Nothing was changed" in o and f"{port} is taken by" in o for o in outputs) == 7
        assert len([f for f in os.listdir(os.path.join(guest.root, FOLDER)) if str(port) in f]) == 1
    assert guest.status()["configuration"]["problems"] == [] and len(host.rules()) == 4
    assert not [f for f in os.listdir(os.path.join(guest.root, FOLDER)) if f.startswith(".")]


def test_expose_and_unexpose_at_the_same_time(up):
    guest, host, control = up
    for _ in range(4):
        running = [control.start(*c) for c in 3 * (("expose", "9000", "--name=a", "--no-wait"),
                                                   ("unexpose", "a", "--no-wait"),
                                                   ("expose", "9000", "--name=b", "--no-wait"),
                                                   ("unexpose", "b", "--no-wait"))]
        for process in running:
            process.communicate(timeout=60)
            assert process.returncode in (0, 1, 3, 4)  # each says what came of it, and none crashes
        assert guest.check().returncode == 0
    assert not [f for f in os.listdir(os.path.join(guest.root, FOLDER)) if f.startswith(".")]


def test_expose_undoes_what_the_agent_does_not_accept(up):
    """For a file that has a problem now something is in force that only the agent knows."""
    guest, host, control = up
    guest.service("web", "listen = 8080")
    guest.wait_state("web", "active")
    guest.service("web", "listen = x")
    wait_until(lambda: guest.service_status("web").get("stale"), "the problem")
    code, output = control.run("expose", "8080")
    assert code == 1 and "was undone" in output and "still in force for" in output
    assert os.listdir(os.path.join(guest.root, FOLDER)) == ["web.ini"]
    assert control.run("expose", "8081", "--name=mine")[0] == 0
    code, output = control.run("expose", "8080", "--name=mine")
    assert code == 1 and "was undone" in output
    with open(os.path.join(guest.root, FOLDER, "mine.ini"), encoding="utf-8") as f:
        assert "8081" in f.read()
    link = os.path.join(guest.root, FOLDER, "link.ini")
    os.symlink("nowhere", link)
    code, output = control.run("expose", "8080", "--name=link", "--force")
    assert code == 1 and "was undone" in output and os.readlink(link) == "nowhere"
    host.wait_rules({"0.0.0.0/8080": "10.9.0.2/8080", "0.0.0.0/8081": "10.9.0.2/8081"})


def test_expose_puts_back_what_is_in_force(up):
    """A request that is in force already keeps its state, and is answered all the same."""
    guest, host, control = up
    assert control.run("expose", "8080", "--name=web")[0] == 0
    guest.process.send_signal(signal.SIGSTOP)  # it does not see the file go
    guest.remove_service("web")
    running = control.start("expose", "8080", "--name=web")
    assert running.stdout.readline().startswith("Wrote")
    guest.process.send_signal(signal.SIGCONT)
    assert "active" in running.communicate(timeout=MAX_DELAY)[0] and running.returncode == 0
    guest.service("web", "listen = x")
    wait_until(lambda: guest.service_status("web").get("stale"), "the problem")
    code, output = control.run("expose", "8080", "--name=web", "--force")
    assert code == 0 and "active" in output


def test_expose_waits_until_a_file_that_was_there_is_read(up):
    guest, host, control = up
    assert control.run("expose", "8080", "--name=web")[0] == 0
    guest.process.send_signal(signal.SIGSTOP)
    assert control.run("expose", "8081", "--name=web", "--no-wait")[0] == 0
    running = control.start("expose", "8081", "--name=web")
    assert running.stdout.readline().startswith("Wrote")
    guest.process.send_signal(signal.SIGCONT)
    output = running.communicate(timeout=MAX_DELAY)[0]
    assert running.returncode == 0 and "0.0.0.0:8081" in output


def test_expose_does_not_take_an_old_refusal_for_an_answer(guest, host, control):
    host.start(key=f"{guest.owner()}={'00' * 32}")
    guest.start()
    guest.wait_helper("refused")
    code, output = control.run("expose", "8080", "--name=web")
    assert code == 1 and "does not admit" in output  # it asks again, and gets the same answer
    host.stop()
    host.start()
    code, output = control.run("expose", "8081", "--name=web")
    assert code == 0 and "active" in output, output


def test_expose_with_a_narrow_umask(guest, control):
    """The agent of the service is not root, and must be able to read what root writes."""
    os.rmdir(os.path.join(guest.root, FOLDER))
    os.umask(0o077)
    try:
        assert control.run("expose", "8080", "--no-wait")[0] == 0
    finally:
        os.umask(0o022)
    modes = {path: stat.S_IMODE(os.stat(os.path.join(guest.root, path)).st_mode)
             for path in (FOLDER, f"{FOLDER}/port-8080.ini", "run/wslbridge")}
    assert modes == {FOLDER: 0o755, f"{FOLDER}/port-8080.ini": 0o644, "run/wslbridge": 0o755}


@pytest.mark.parametrize("make", [lambda path: os.symlink("/dev/null", path),
                                  lambda path: open(path, "w").close()])
def test_expose_leaves_a_mask_alone(guest, control, make):
    path = os.path.join(guest.root, FOLDER, "ssh.ini")
    make(path)
    code, output = control.run("expose", "2222", "--name=ssh")
    assert code == 1 and "turns off" in output and "--force" in output
    assert not open(path).read()
    assert control.run("expose", "2222", "--name=ssh", "--force", "--no-wait")[0] == 0
    assert not os.path.islink(path) and os.path.getsize(path) > 0
    assert os.path.exists("/dev/null") and not os.path.isfile("/dev/null")


@pytest.mark.parametrize("target", ["ssh.ini", "nowhere"])
def test_expose_replaces_a_link_that_leads_nowhere_by_force_only(guest, control, target):
    path = os.path.join(guest.root, FOLDER, "ssh.ini")
    os.symlink(target, path)
    code, output = control.run("expose", "2222", "--name=ssh", "--no-wait")
    assert code == 1 and "by hand" in output and os.readlink(path) == target
    assert control.run("expose", "2222", "--name=ssh", "--force", "--no-wait")[0] == 0
    assert not os.path.islink(path) and os.path.getsize(path) > 0


@pytest.mark.parametrize("kind", ["long", "pipe"])
def test_expose_replaces_nothing_that_could_not_be_put_back(guest, control, kind):
    path = os.path.join(guest.root, FOLDER, "ssh.ini")
    if kind == "pipe":
        os.mkfifo(path)
    else:
        guest.write(f"{FOLDER}/ssh.ini", "# a note\n" * 10000)
    before = os.stat(path)
    code, output = control.run("expose", "2222", "--name=ssh", "--force", "--no-wait")
    assert code == 1 and "could not be put back" in output
    assert os.stat(path).st_ino == before.st_ino and os.stat(path).st_size == before.st_size


def test_expose_keeps_link_owner_and_mode(guest, control):
    """As stow and other managers of dotfiles make them."""
    control.run("expose", "2222", "--name=ssh", "--no-wait")
    path, target = os.path.join(guest.root, FOLDER, "ssh.ini"), os.path.join(guest.root, "ssh-of-stow")
    os.rename(path, target)
    os.symlink("../../../ssh-of-stow", path)
    os.chown(target, 12, 34)
    os.chmod(target, 0o664)
    assert control.run("expose", "2222:22", "--name=ssh", "--no-wait")[0] == 0
    assert os.readlink(path) == "../../../ssh-of-stow"
    assert "connect-port = 22" in open(target).read()
    st = os.stat(target)
    assert (st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)) == (12, 34, 0o664)
    assert control.run("unexpose", "ssh", "--no-wait")[0] == 0
    assert not os.path.lexists(path) and os.path.exists(target)


def test_what_expose_writes_through_a_link_is_in_force_at_once(up):
    guest, host, control = up
    assert control.run("expose", "2222", "--name=ssh")[0] == 0
    path, target = os.path.join(guest.root, FOLDER, "ssh.ini"), os.path.join(guest.root, "ssh-of-stow")
    os.rename(path, target)
    os.symlink(target, path)
    assert control.run("reload")[0] == 0  # the agent has noticed the link
    code, output = control.run("expose", "2222:22", "--name=ssh")
    assert code == 0, output
    host.wait_rules({"0.0.0.0/2222": "10.9.0.2/22"})
    assert os.readlink(path) == target


def test_expose_does_not_follow_a_link_that_others_can_turn(guest, control):
    """A user could turn it to another place while root writes, and have a file of any name made there."""
    control.run("expose", "2222", "--name=ssh", "--no-wait")
    path, folder = os.path.join(guest.root, FOLDER, "ssh.ini"), os.path.join(guest.root, "dotfiles")
    os.mkdir(folder)
    target = os.path.join(folder, "ssh.ini")
    os.rename(path, target)
    os.symlink(target, path)
    with open(target, encoding="utf-8") as f:
        before = f.read()
    for owner, mode in ((12, 0o755), (0, 0o775), (0, 0o757)):
        os.chown(folder, owner, 34)
        os.chmod(folder, mode)
        for force in ([], ["--force"]):
            code, output = control.run("expose", "2222:22", "--name=ssh", "--no-wait", *force)
            assert code == 1 and "others than root could turn" in output
            with open(target, encoding="utf-8") as f:
                assert f.read() == before
            assert os.listdir(folder) == ["ssh.ini"] and os.readlink(path) == target
    os.chmod(folder, 0o755)
    os.chown(folder, 0, 0)
    os.symlink("dotfiles", folder + "-link")
    os.unlink(path)
    os.symlink(os.path.join(folder + "-link", "ssh.ini"), path)
    assert control.run("expose", "2222:22", "--name=ssh", "--no-wait")[0] == 1
    os.unlink(path)
    os.symlink(target, path)
    os.chmod(folder, 0o1757)  # as /tmp: nobody can take away what is root's
    assert control.run("expose", "2222:22", "--name=ssh", "--no-wait")[0] == 0
    assert os.readlink(path) == target and "connect-port = 22" in open(target, encoding="utf-8").read()


def test_check_says_what_the_agent_cannot_read(guest, control):
    """While it does not run: what the unit hides, and what belongs to root alone."""
    guest.service("web", "listen = 8080")
    assert control.run("check") == (0, "1 service, 1 endpoint: no problems\n")
    path = os.path.join(guest.root, FOLDER, "web.ini")
    os.chmod(path, 0o600)
    code, output = control.run("check")
    assert code == 1 and output.startswith(f"/{FOLDER}/web.ini: the agent cannot read it")
    os.chmod(path, 0o644)
    os.chmod(os.path.dirname(path), 0o700)
    assert control.run("check")[0] == 1
    os.chmod(os.path.dirname(path), 0o755)
    os.makedirs(os.path.join(guest.root, "mnt/c"))
    os.rename(path, os.path.join(guest.root, "mnt/c/web.ini"))
    os.symlink("../../../mnt/c/web.ini", path)
    code, output = control.run("check")
    assert code == 1 and "leads to '/mnt/c/web.ini'" in output and "copy the file" in output
    os.rename(os.path.join(guest.root, "mnt/c/web.ini"), os.path.join(guest.root, "mnt/c/\x1b[2J.ini"))
    os.unlink(path)
    os.symlink("../../../mnt/c/\x1b[2J.ini", path)
    assert "leads to '/mnt/c/?[2J.ini'" in control.run("check")[1]
    guest.start()  # not as a service: it can read the file, and its word counts
    assert control.run("check") == (0, "1 service, 1 endpoint: no problems\n")


def test_check_shows_what_only_the_agent_knows(up):
    guest, host, control = up
    guest.service("web", "listen = 8080")
    guest.wait_state("web", "active")
    guest.service("web", "listen = x")
    wait_until(lambda: guest.service_status("web").get("stale"), "the problem")
    guest.service("other", "listen = 8080")
    wait_until(lambda: len(guest.status()["configuration"]["problems"]) == 2, "the clash")
    code, output = control.run("check")
    assert code == 1 and len(output.splitlines()) == 2
    assert f"/{FOLDER}/other.ini:2: listen: 0.0.0.0:8080 is still in force for" in output
