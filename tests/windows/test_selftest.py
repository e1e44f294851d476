# SPDX-License-Identifier: MIT
"""'selftest' under Wine: what it says of Wine is what docs/windows-facts.md says (group 10), and
nothing is left behind, however it ends."""

import json
import os
import re
import shutil
import signal
import subprocess

import fake_firewall
import fake_wmi
import pytest
import wine_prefix
from fake_wmi import MAPPINGS
from selftest_process import NOTHING, SETTINGS, lines, start, verdicts
from wine_registry import COUNTERS, LEDGER

STORE = (r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\HostComputeService\VolatileStore"
         r"\ComputeSystem")
FILE_NOT_FOUND, NO_SUCH_SERVICE, E_NOTIMPL = 2, 1060, 0x80004001
LXSS = r"Software\Microsoft\Windows\CurrentVersion\Lxss"


@pytest.fixture
def firewall(registry, build_win):
    with fake_firewall.in_place(registry, build_win) as set_answers:
        yield set_answers


LAN = "198.51.100.7"


@pytest.fixture
def nat(registry, build_win, prefix, network):
    """The tests' own WMI, a guest in mode nat, and an address of the host in a local network."""
    prefix.run("reg", "add", rf"HKCU\{LXSS}", "/v", "NatIpAddress", "/d", "172.29.0.2", "/f")
    for command in (["link", "add", "lan0", "type", "veth", "peer", "name", "lan1"],
                    ["address", "add", f"{LAN}/24", "dev", "lan0"], ["link", "set", "lan0", "up"],
                    ["link", "set", "lan1", "up"]):
        subprocess.run(["ip", *command], check=True)
    with fake_wmi.in_place(registry, build_win):
        yield registry
    subprocess.run(["ip", "link", "del", "lan0"], check=True)
    prefix.run("reg", "delete", rf"HKCU\{LXSS}", "/f", check=False)


# Wine 10 has the process of each listener in the table (fact 10.1.22).
NAMES_PROCESS = None if wine_prefix.version() < (9, 0) else 0

# What Wine answers in both passes: the code, or None for what cannot be done there.
WINE = {
    "machine.emulated": 0, "machine.wsl": FILE_NOT_FOUND, "machine.power": 0,
    "service.iphlpsvc": 0, "service.MpsSvc": NO_SUCH_SERVICE, "service.vmcompute": NO_SUCH_SERVICE,
    "token.user": 0, "token.groups": 0, "token.privileges": 0, "access.folder": 0,
    "hcs.load": None, "hcs.list": None, "hcs.list.ours": None, "hcs.list.none": None,
    "store.key": FILE_NOT_FOUND,
    "hyperv.socket": 10047,  # fact 10.1.1
    "accept": None, "life.pending": None,
    "portproxy.write": 0, "portproxy.change": 0, "portproxy.listens": 0,  # the tests' iphlpsvc
    "portproxy.process": NAMES_PROCESS, "portproxy.forwards": 0, "portproxy.survives": 0, "portproxy.cut": 0,
    "portproxy.taken": 1, "portproxy.star": 0, "portproxy.retarget": 0, "portproxy.retargeted": 0,
    "portproxy.both": 0,
    "firewall.policy": 0, "firewall.add": 0, "firewall.add-again": 0,  # fact 10.1.2
    "firewall.profiles": E_NOTIMPL, "firewall.item": E_NOTIMPL, "firewall.list": E_NOTIMPL,
    "files.copy": 0, "files.start": 0, "files.delete": 5, "files.replace": 5, "files.rename": 0,
    "files.delay": 0, "sleep.clocks": None, "nat.networks": None, "lan.networks": None,
    "relay.exclusive": 10048, "relay.beside": 10048,  # fact 9.3.17
    "relay.later": 10013,  # fact 9.3.21
    "relay.both": 10048,  # fact 9.3.28
    "relay.reset": 1,  # fact 10.1.21
    "relay.message": 0, "relay.asked": 0, "relay.source": None,
    "relay.source.loopback": 1,  # fact 10.1.14
}

# In a service with the relay's settings, which Wine ignores.
WINE_RELAY = {"token.trimmed": 1, "account.tcp": 0, "account.connect": 0, "account.udp": 0, "account.read": 0,
              "account.watch": 0, "account.write": 1, "account.event": 0}


def test_wine(selftest):
    report = selftest.report()
    assert report["ended"] and report["left"] is None
    assert selftest.left() == NOTHING
    for passing in ("user", "service"):
        assert {x["step"] for x in report["lines"] if x["pass"] == passing} == set(range(1, 17))
        for key, code in WINE.items():
            found = lines(report, key, passing)
            assert found, f"{key} is missing in the {passing}'s pass"
            assert all((x["code"] if x["done"] else None) == code for x in found), found
    assert {x["step"] for x in report["lines"] if x["pass"] == "relay"} == {2, 17}
    assert all("4 clients have left" in x["text"] and x["text"].count("10057") == 4
               for x in lines(report, "relay.reset"))
    assert all(answer == "yes" and n > 1 and refused == 0 for key in ("retarget", "both")
               for answer, n, refused, _ in knocks(report, key))
    (restricted,) = lines(report, "account.restricted", "relay")
    assert not restricted["done"] and "error " in restricted["text"]  # Wine does not say
    for key, code in WINE_RELAY.items():
        assert [x["code"] for x in lines(report, key, "relay") if x["done"]] == [code], key
    assert all(x["text"] and x["ms"] >= 0 and (x["api"] or not x["code"] > 1)
               for x in report["lines"])
    assert all(x["code"] == 0 and "0 bytes" in x["text"]  # fact 10.1.3
               for key in ("netsh.show", "netsh.add", "netsh.delete")
               for x in lines(report, key, "user"))
    for passing in ("service", "relay"):
        assert [x["code"] for key in ("create", "configure", "start", "end", "result")
                for x in lines(report, f"oneshot.{key}", passing)] == [0] * 5
    # Wine gives a service all privileges and restricts no token, and the TCP table of Wine 8 names no
    # process (facts 9.1.4, 9.1.16).
    named = {} if NAMES_PROCESS is None else {"4.3.8": "holds"}
    assert {i: v for i, v in verdicts(report).items() if v != "not seen"} == {
        **named, "4.1.6": "holds", "4.1.7": "holds", "4.1.11": "holds", "4.3.4": "does not hold", "4.3.7": "holds",
        "9.1.4": "does not hold",
        "9.2.6": "holds", "9.2.7": "holds", "9.3.17": "does not hold", "9.3.20": "does not hold",
        "9.3.21": "holds"}


PROFILES = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList"
VERSION = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"
VM = "7a312c50-1234-5678-9abc-def012345678"
# For all. The first denies KEY_SET_VALUE, as a restricted token does.
NO_WRITING, ALL_RIGHTS = "D:(D;;0x2;;;WD)(A;;KA;;;WD)", "D:(A;;KA;;;WD)"
NO_READING = "D:(D;;0x1;;;WD)(A;;KA;;;WD)"
# Of the self-test's own firewall rule, which are the same in every report (fact 5.1.18).
OWN = {"10.77.0.0", "10.77.1.0", "10.78.0.1", "10.78.0.9"}
SECRETS = ("geheimrat", "geheim-distro", "bureau-7", "192.0.2.77", "172.29.0.", VM, "2001:db8:",
           "00-15-5d", "1234567890abcdef12")


def test_a_machine_full_of_secrets(selftest, prefix, registry, wsl, compute, firewall, tmp_path):
    """The names are in the registry, as on any machine. Texts with them come from everywhere. On the
    same machine most facts hold."""
    registry.set(rf"{PROFILES}\S-1-5-21-1-2-3-1001", "ProfileImagePath", r"C:\Users\Geheimrat")
    prefix.run("reg", "add", rf"HKCU\{LXSS}\{{{VM}}}", "/v", "DistributionName", "/d",
               "Geheim-Distro", "/f")
    prefix.run("reg", "add", rf"HKCU\{LXSS}", "/v", "NatIpAddress", "/d", "172.29.0.2", "/f")
    registry.set(VERSION, "EditionID", "Geheimrat GEHEIM-DISTRO 192.0.2.77 2001:db8::7 " + VM)
    registry.set(VERSION, "DisplayVersion", "00-15-5D-01-02-03 1234567890abcdef1234567890abcdef")
    registry.set(STORE + "\\" + VM, "ComputeSystemType", 2)
    wsl("Standarddistribution: Geheim-Distro of Geheimrat\n".encode())
    compute([{"Id": VM, "SystemType": "VirtualMachine", "Owner": "WSL", "RuntimeId": VM,
              "State": "Running"},
             {"Id": "geheimrat", "SystemType": "VirtualMachine", "Owner": "Geheimrat",
              "RuntimeId": VM[::-1], "State": "Running"}])
    firewall(CONNECTED=2, OFF=0)
    registry.protect_own("Software", NO_WRITING)
    path = tmp_path / "report.json"
    try:
        code, output = selftest.run("--report", "Z:" + str(path).replace("/", "\\"))
    finally:
        registry.protect_own("Software", ALL_RIGHTS)
        prefix.run("reg", "delete", rf"HKCU\{LXSS}", "/f", check=False)
        for key in (PROFILES + r"\S-1-5-21-1-2-3-1001", STORE):
            registry.remove(key)
        for name in ("EditionID", "DisplayVersion"):
            registry.delete(VERSION, name)
    assert code == 0, output[-3000:]
    assert selftest.left() == NOTHING
    text = path.read_text()
    assert "Geheimrat GEHEIM-DISTRO" in output, "the secrets were not read"
    for secret in SECRETS:
        assert secret not in text.lower()
    assert re.findall(r"S-1-5-21-\d+", text) == []
    addresses = set(re.findall(r"\b\d+\.\d+\.\d+\.\d+\b", text))
    assert all(a == "0.0.0.0" or a.startswith("127.") or a in OWN for a in addresses), addresses
    assert "from LocalSubnet,10.77.0.0/16,10.77.1.0/24,10.78.0.1-10.78.0.9,fd00:77::/48,fd00:78::5," in text
    assert "EditionID is <user-" in text and re.search("<ipv4-[0-9]+> <ipv6-[0-9]+> <guid-", text)
    report = json.loads(text)
    assert len(lines(report, "hcs.system", "user")) == 2
    assert {verdicts(report)[i] for i in ("2.1.5", "2.2.5", "2.2.7", "2.2.10", "4.1.6", "5.1.5")} == {"holds"}
    assert [x["code"] for x in lines(report, "account.write", "relay")] == [0]
    assert verdicts(report)["9.1.16"] == "not seen"  # the registry refuses it, and not the token


def test_a_report_that_cannot_be_written(selftest):
    """It is known before the steps, and not after three minutes."""
    code, output = selftest.run("--report", r"C:\no\such\folder\report.json")
    assert code == 1 and r"Cannot write the report 'C:\no\such\folder\report.json'" in output
    assert "What this means for wslbridge" not in output


def test_what_does_not_hold_is_shown(selftest, machine, wsl, compute, iphlpsvc):
    """The flags of this machine, by the self-test and by the running helper, in both commands. And
    without iphlpsvc there is nothing to be seen of it."""
    wsl("Standarddistribution\n".encode("utf-16-le"))
    compute([], error=0x8037011b)
    code, output = machine.install("old")
    assert code == 0, output
    machine.serves()
    iphlpsvc.stop()
    try:
        report = selftest.report()
    finally:
        iphlpsvc.start()
    assert not lines(report, "portproxy.listens", "user")[0]["done"]
    assert lines(report, "hcs.list", "user")[0]["code"] == 0x8037011b
    assert {verdicts(report)[i] for i in ("2.1.5", "2.2.5", "9.1.4")} == {"does not hold"}
    assert "registry" in next(f["instead"] for f in report["facts"] if f["id"] == "2.2.5")
    status = json.loads(machine.run(machine.versions["old"], "status", "--json")[1])
    assert {"2.1.5", "2.2.5", "9.1.4"} <= {f["id"] for f in status["facts"]}
    found = json.loads(machine.run(machine.versions["old"], "doctor", "--json")[1])["findings"]
    assert {"2.1.5", "2.2.5"} <= {f["subject"] for f in found if f["id"] == "fact"}
    assert machine.registry.strings(rf"{SETTINGS}\Facts")["9.2.7"] == "holds"
    assert machine.uninstall(exe=machine.versions["old"])[0] == 0
    assert selftest.left() == NOTHING


PORTPROXY_STEP = 8


def test_a_late_first_try_is_no_retry(selftest, iphlpsvc):
    """IP Helper takes its time: only after that is the port free again."""
    iphlpsvc.late(700)
    try:
        with selftest.only(PORTPROXY_STEP):
            report = selftest.report()
    finally:
        iphlpsvc.late(0)
    first, = lines(report, "portproxy.listens", "user")
    assert first["code"] == 0 and first["ms"] > 400  # more than the self-test once waited for
    assert [x["code"] for x in lines(report, "portproxy.taken", "user")] == [1]
    assert verdicts(report)["4.3.7"] == "holds", lines(report, "portproxy.retry")


KNOCKS = r": (yes|no) \((\d+) knocks, (\d+) refused, at most (\d+) ms without one that worked"


def knocks(report, key):
    """Of both passes: (the answer, knocks, refused, milliseconds)."""
    texts = [x["text"] for x in lines(report, f"portproxy.{key}")]
    found = [re.search(KNOCKS, text) for text in texts]
    assert len(found) == 2 and all(found), texts
    return [(x[1], *map(int, x.groups()[1:])) for x in found]


def test_a_port_that_is_closed_while_its_target_changes(selftest, iphlpsvc):
    """For a moment: somebody has to connect all the time to see it."""
    iphlpsvc.shut(700)
    try:
        with selftest.only(PORTPROXY_STEP):
            report = selftest.report()
    finally:
        iphlpsvc.shut(0)
    assert all(answer == "no" and n > refused > 0 and ms > 300
               for answer, n, refused, ms in knocks(report, "retarget")), lines(report, "portproxy.retarget")
    assert all(x["code"] == 0 for x in lines(report, "portproxy.retargeted"))
    assert verdicts(report)["4.1.11"] == "does not hold"


def retried(selftest, machine):
    """What is known of the retry, by the passes, beside the helper that is installed."""
    with selftest.only(PORTPROXY_STEP):
        report = selftest.report()
    assert all(x["code"] == 1 and x["done"] for x in lines(report, "portproxy.taken"))
    assert machine.serves() == "old"
    return verdicts(report)["4.3.7"], {x["pass"]: x for x in lines(report, "portproxy.retry")}


def test_a_verdict_beside_a_helper_without_rules(selftest, machine):
    """As after installing: it tells IP Helper nothing. Where that may not be so, there is no verdict."""
    assert machine.install("old")[0] == 0
    machine.serves()
    verdict, by = retried(selftest, machine)
    assert verdict == "holds" and list(by) == ["user"], by
    machine.registry.set(LEDGER, "x", "")
    machine.registry.delete(LEDGER, "x")
    machine.registry.protect(LEDGER, NO_READING)
    try:
        verdict, by = retried(selftest, machine)
    finally:
        machine.registry.protect(LEDGER, ALL_RIGHTS)
    assert verdict == "not seen" and sorted(by) == ["service", "user"]
    assert all(not x["done"] and "its ledger cannot be read: access denied" in x["text"]
               for x in by.values()), by
    assert machine.uninstall(exe=machine.versions["old"])[0] == 0
    assert selftest.left() == NOTHING


def test_no_verdict_beside_a_helper_with_rules(selftest, serving):
    """It tells IP Helper to read the rules again."""
    verdict, by = retried(selftest, serving)
    assert verdict == "not seen" and sorted(by) == ["service", "user"]
    assert all(not x["done"] and "wslbridge-helper has rules" in x["text"] for x in by.values()), by
    assert serving.uninstall(exe=serving.versions["old"])[0] == 0
    assert selftest.left() == NOTHING


def codes(report, *keys):
    found = [(lines(report, f"nat.{key}", "user") or [None])[0] for key in keys]
    return [x and (x["code"] if x["done"] else "skipped") for x in found]


NAT_STEP = 14
NAT = ("covers", "mapping", "datagram", "client", "answer", "unmap")


def test_a_static_mapping(selftest, nat, wsl):
    """With consent, if WinNAT has the guest's network. What the guest says it has seen decides."""
    with selftest.only(NAT_STEP):
        expect_static_mapping(selftest, nat, wsl)


def mapped(selftest):
    """On a busy machine Wine may not start the guest's program, which the self-test says (fact 10.1.20)."""
    found = codes(selftest.report("--mapping"), *NAT)
    return found if found[2] != "skipped" else codes(selftest.report("--mapping"), *NAT)


def expect_static_mapping(selftest, nat, wsl):
    wsl(f"from {LAN} 4711\n".encode())
    assert codes(selftest.report("--mapping"), *NAT) == [1, "skipped", None, None, None, None]
    nat.set(COUNTERS, "NatName", "MyNat")
    nat.set(COUNTERS, "NatPrefix", "172.29.0.0/20")
    assert codes(selftest.report(), *NAT) == [0, "skipped", None, None, None, None]
    nat.set(MAPPINGS, "17 9999", "MyNat 172.29.0.2 9999")  # somebody's
    before = nat.strings(MAPPINGS)
    assert mapped(selftest) == [0, 0, 0, 0, 1, 0]
    wsl(b"from 172.29.0.1 5\n")
    assert mapped(selftest) == [0, 0, 0, 1, 1, 0]
    nat.set(COUNTERS, "NatRefuse", 0x80041003)
    assert codes(selftest.report("--mapping"), *NAT) == [0, 0x80041003, None, None, None, None]
    assert nat.strings(MAPPINGS) == before and selftest.left() == NOTHING


def test_killed_behind_a_static_mapping(selftest, nat, wsl):
    """It is taken back by the next self-test. One of that port that leads elsewhere is not."""
    wsl(b"")
    nat.set(COUNTERS, "NatName", "MyNat")
    nat.set(COUNTERS, "NatPrefix", "172.29.0.0/20")
    with selftest.only(NAT_STEP):
        code, output = selftest.run("--mapping", WSLBRIDGE_TEST_FAULT="mapping:kill")
    assert code == 99, output[-2000:]
    (name, data), = nat.strings(MAPPINGS).items()
    assert name.startswith("17 ") and data == f"MyNat 172.29.0.2 {name[3:]}"
    foreign = {name: "MyNat 172.29.0.3 80", "6" + name[2:]: data}
    for key, value in foreign.items():
        nat.set(MAPPINGS, key, value)
    nat.set(rf"{SETTINGS}\Selftest", "900", "mapping 9999=172.29.0.2")
    nat.set(MAPPINGS, "17 9999", "MyNat 172.29.0.2 9999")
    nat.set(COUNTERS, "NatSlow", 1)  # a time-out of WMI: nobody knows then what is there
    code, output = selftest.run("--clean")
    assert code == 1 and "Left behind:\nmapping 9999=172.29.0.2: error " in output, output
    nat.delete(COUNTERS, "NatSlow")
    code, output = selftest.run("--clean")
    assert code == 0, output
    assert nat.strings(MAPPINGS) == foreign
    assert selftest.left() == NOTHING


def test_one_at_a_time_and_ended_by_ctrl_c(selftest):
    """A terminal sends Ctrl-C to both programs. The one that was typed waits for the other."""
    process, until = start(selftest)
    try:
        until("8 Port forwarding")
        for arguments in ([], ["--clean"]):
            code, output = selftest.run(*arguments)
            assert code == 1 and "A self-test is running already" in output
    finally:
        os.killpg(process.pid, signal.SIGINT)
        rest = process.stdout.read()
        code = process.wait(120)
    assert code == 1 and "Nothing is left behind" in rest, rest
    assert selftest.left() == NOTHING


def test_a_service_that_hangs_does_not_hang_the_self_test(selftest, registry, compute):
    compute([])
    registry.set(COUNTERS, "ComputeHang", 1)
    process, until = start(selftest, WSLBRIDGE_TEST_SELFTEST_STEP_S="5")
    try:
        seen = until("4 Registry list")
    finally:
        registry.set(COUNTERS, "ComputeHang", 0)
    assert "the step has not ended after 5 s" in seen
    rest = process.stdout.read()
    assert process.wait(300) == 0 and "Nothing is left behind" in rest, rest
    assert selftest.left() == NOTHING


def test_the_program_is_in_the_folder_of_the_helper(selftest, build_win, tmp_path):
    """Nowhere else: not where the user is, and not in PATH. Without it, the error says what to do."""
    helper = shutil.copy(selftest.exe, tmp_path)
    code, output = selftest.run("--json", "--fly", exe=helper)
    assert code == 1
    assert f"it is missing: 'Z:{tmp_path}/wslbridge-selftest.exe'".replace("/", "\\") in output, output
    assert "Install wslbridge again, or put all of its programs into one folder" in output
    shutil.copy(build_win / "windows-helper/wslbridge-selftest.exe", tmp_path)
    code, output = selftest.run("--json", "--fly", exe=helper)
    assert code == 1 and "The options are wrong; 'wslbridge-helper help selftest'" in output
