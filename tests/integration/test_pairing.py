# SPDX-License-Identifier: MIT
"""Who may connect: with the right key, a wrong key, no key, and a key that changes while the agent
runs."""
import os
import secrets

from guest import wait_until

OUTAGE = "Cannot reach the helper"


def refused(guest, code):
    guest.wait_helper("refused")
    error = guest.status()["helper"]["error"]
    assert (error["cause"], error["code"]) == ("refused", code)
    assert error["text"]
    assert len(guest.log_lines(f"refuses this agent ({code})")) == 1


def test_agent_without_a_key_is_refused_and_paired_later(guest, host, key):
    guest.service("web", "listen = 8080")
    guest.remove("etc/wslbridge/key")
    host.start()
    guest.start()
    refused(guest, "not-paired")
    assert not guest.status()["helper"]["paired"]
    assert host.rules() == {}
    guest.key(key)  # noticed without a reload
    guest.wait_state("web", "active")
    assert guest.status()["helper"]["paired"]


def test_wrong_key_is_refused_and_corrected(guest, host, key):
    guest.service("web", "listen = 8080")
    guest.key(secrets.token_hex(32))
    host.start()
    guest.start()
    refused(guest, "bad-proof")
    guest.new_address()  # not a reason to try again
    guest.wait_log(f"Address is {guest.address}")
    assert guest.status()["helper"]["state"] == "refused"
    guest.key(key)
    guest.wait_state("web", "active")


def test_new_key_ends_a_session_that_was_made_with_the_old_one(connected):
    guest, host = connected
    guest.key(secrets.token_hex(32))
    refused(guest, "bad-proof")
    host.wait_rules({})  # the agent had said goodbye


def test_helper_that_has_another_key(guest, host):
    host.start(key=f"{guest.owner()}={'00' * 32}")
    guest.start()
    refused(guest, "bad-proof")


def test_helper_that_does_not_require_pairing(guest, host):
    guest.remove("etc/wslbridge/key")
    guest.service("web", "listen = 8080")
    host.options.pop("key")
    host.start(no_pairing=True)
    guest.start()
    guest.wait_state("web", "active")
    assert guest.log_lines("not paired")


def test_helper_that_has_lost_the_key(guest, host):
    """An agent with a key requires the helper's proof, even if the helper requires no key."""
    guest.service("web", "listen = 8080")
    host.options.pop("key")
    host.start(no_pairing=True)
    guest.start()
    refused(guest, "not-paired")
    assert host.rules() == {}


def test_key_that_others_can_read_is_not_used(guest, host, key):
    guest.key(key, 0o644)
    host.start()
    guest.start()
    refused(guest, "not-paired")
    assert "chmod 600" in guest.status()["helper"]["key_problem"]
    assert len(guest.log_lines("chmod 600")) == 1


def test_key_that_cannot_be_read_for_a_while(guest, key):
    """Nothing tells the agent when it can read the key again. It logs an outage once meanwhile."""
    file, turning = (os.path.join(guest.root, name) for name in ("etc/wslbridge/key", "turning"))
    real = os.path.join(guest.root, "real")
    os.rename(file, real)
    os.symlink(real, turning)
    os.symlink(turning, file)  # a link outside of the folder, which can be turned without an event there
    guest.start()
    guest.wait_log(OUTAGE)
    os.remove(turning)
    os.symlink("/proc/self/mem", turning)  # EIO
    guest.reload()
    wait_until(lambda: guest.status()["helper"]["key_problem"], "the problem")
    assert guest.status()["helper"]["paired"]
    os.remove(turning)
    os.symlink(real, turning)
    wait_until(lambda: not guest.status()["helper"]["key_problem"], "the end of the problem")
    assert len(guest.log_lines(OUTAGE)) <= 2  # at the start, and since the key is there again


def test_key_as_a_credential(guest, host, key, tmp_path):
    """systemd passes the key like this. The unit's default text means that there is no key."""
    guest.remove("etc/wslbridge/key")
    guest.service("web", "listen = 8080")
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "key").write_text("unpaired\n")
    host.start()
    guest.start(CREDENTIALS_DIRECTORY=str(folder))
    refused(guest, "not-paired")
    assert guest.status()["helper"]["key_problem"] is None
    guest.stop()
    (folder / "key").write_text(key)
    os.chmod(folder / "key", 0o440)
    guest.start(CREDENTIALS_DIRECTORY=str(folder))
    guest.wait_state("web", "active")


def test_identity_reaches_the_helper(guest, host):
    host.start()
    guest.start()
    guest.wait_helper("connected")
    identity = guest.status()["agent"]
    assert len(bytes.fromhex(identity["agent_id"])) == 16
    owners = [a["owner"] for a in host.command("agents")["agents"]]
    assert owners == [f"{identity['agent_id']}/{guest.name}"]


def test_a_key_is_for_one_identity_only(guest, host, key):
    """Another distribution of the same machine, with the same file: a copy of this one."""
    host.start()
    guest.start(WSL_DISTRO_NAME="Copy")
    refused(guest, "not-paired")
    assert guest.status()["agent"]["distro"] == "Copy"


UUID = "sys/class/dmi/id/product_uuid"


def test_a_guest_that_is_renamed_stays_paired(guest, host, control, key):
    """Without WSL the name is the host name, which a DHCP server may change as well. ($WSL_DISTRO_NAME
    stands in for it.) A copy of the disk in another virtual machine goes by its own name."""
    plain = {"without": ["WSLBRIDGE_WSL_FOLDER"]}
    guest.write(UUID, "4c4c4544-0042-3510-8053-b7c04f4e3332\n", 0o400)
    guest.service("web", "listen = 8080")
    host.start()
    guest.start(**plain)
    assert control.run("pair", stdin=key) == (0, f"paired {guest.owner()}\n")
    guest.stop()
    guest.start(WSL_DISTRO_NAME="web1", **plain)
    guest.wait_state("web", "active")
    assert guest.status()["agent"]["distro"] == guest.name
    assert guest.log_lines(f"paired as '{guest.name}'")
    guest.stop()
    assert control.run("pair", stdin=key, env={"WSL_DISTRO_NAME": "web2"}) == (
        0, f"paired {guest.owner()}\n")
    guest.write(UUID, "4c4c4544-0042-3510-8053-b7c04f4e3333\n", 0o400)
    guest.start(WSL_DISTRO_NAME="copy", **plain)
    refused(guest, "not-paired")
    assert guest.status()["agent"]["distro"] == "copy"


def test_a_kept_file_without_a_name_is_no_name(guest, control, key):
    plain = {"without": ["WSLBRIDGE_WSL_FOLDER"]}
    assert control.run("pair", stdin=key)[0] == 0
    path = os.path.join(guest.kept, "kept-name")
    with open(path, encoding="ascii") as f:
        installation = f.readline()
    with open(path, "w", encoding="ascii") as f:
        f.write(f"{installation}distro=\nmode=nat\n")
    guest.start(WSL_DISTRO_NAME="web1", **plain)
    assert guest.status()["agent"]["distro"] == "web1"
