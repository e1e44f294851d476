# SPDX-License-Identifier: MIT
"""'selftest' under Wine: whatever ends it, what it has made is taken back, or it says what is left."""

import pytest
from selftest_process import NOTHING, SETTINGS, lines
from wine_registry import COUNTERS

# What is changed, and in which step; those of no step are made before or behind the first pass.
CHANGES = {"folder": 1, "rule": 8, "firewall": 9, "file": 12, "restart": 12, "service": 1, "started": 1}


@pytest.mark.parametrize("change", CHANGES)
def test_killed_behind_a_change(selftest, change):
    """Right after it: the next self-test takes it back, and so does --clean."""
    with selftest.only(CHANGES[change]):
        code, output = selftest.run(WSLBRIDGE_TEST_FAULT=f"{change}:kill")
    assert code == 99, output[-2000:]
    left = selftest.left()
    assert left["journal"] and left["files"] is not None
    assert change != "rule" or left["rules"]
    assert change != "restart" or left["restart"]
    assert change not in ("service", "started") or left["service"]
    code, output = selftest.run("--clean")
    assert code == 0, output
    assert selftest.left() == NOTHING


def test_foreign_things_stay(selftest, registry):
    """A journal that names what has become somebody else's meanwhile."""
    registry.set(rf"{SETTINGS}\Selftest", "001", "rule 127.0.0.1/28901=127.0.0.1/28902")
    registry.set(rf"{SETTINGS}\Selftest", "002", "rule =127.0.0.1/28904")
    registry.set_rule("127.0.0.1/28901", "192.0.2.1/80")
    registry.set_rule("*/28903", "127.0.0.1/28904")
    assert selftest.run("--clean")[0] == 0
    assert registry.rules() == {("v4tov4", "127.0.0.1/28901"): "192.0.2.1/80"}


def test_what_cannot_be_taken_back_stays_in_the_journal(selftest, registry, prefix):
    """A folder, where there should be a file. So the folder around it cannot go either."""
    data = prefix.path / "drive_c/ProgramData/wslbridge"
    (data / "selftest-answer").mkdir(parents=True)
    journal = {"001": r"folder C:\ProgramData\wslbridge", "002": r"file C:\ProgramData\wslbridge\selftest-answer"}
    for number, change in journal.items():
        registry.set(rf"{SETTINGS}\Selftest", number, change)
    code, output = selftest.run("--clean")
    assert code == 1 and "Left behind:\nfile " in output and "the file selftest-answer" in output, output
    assert registry.strings(rf"{SETTINGS}\Selftest") == journal
    (data / "selftest-answer").rmdir()
    code, output = selftest.run("--clean")
    assert (code, output.splitlines()[-1].split()[-1]) == (0, "2"), output
    assert selftest.left() == NOTHING


def test_a_value_for_a_port_where_nobody_listens_stays(selftest, registry, few_ports):
    """The values lead nowhere, so IP Helper does not listen, and the ports are free."""
    values = {("v4tov4", f"{name}/{port}"): "nowhere" for port in few_ports for name in ("127.0.0.1", "0.0.0.0", "*")}
    try:
        for (_, name), data in values.items():
            registry.set_rule(name, data)
        with selftest.only(8):
            report = selftest.report()
        assert registry.rules() == values
    finally:
        for _, name in values:
            registry.delete_rule(name)
    assert any("is there already" in x["text"] for x in lines(report, "portproxy.write")), report["lines"]
    assert selftest.left() == NOTHING


def test_a_change_that_hangs(selftest, prefix):
    """It is taken back, but may be made yet. So it stays in the journal, and no other is made meanwhile."""
    waits = prefix.path / "drive_c/wslbridge-test-waits"
    try:
        with selftest.only(8):
            code, output = selftest.run(WSLBRIDGE_TEST_FAULT="rule:wait", WSLBRIDGE_TEST_SELFTEST_STEP_S="2")
    finally:
        waits.unlink(missing_ok=True)
    assert code == 1 and "Left behind:\nrule " in output, output
    assert "Another change of the self-test has not ended" in output
    assert any("rule 127.0.0.1/" in text for text in selftest.registry.strings(rf"{SETTINGS}\Selftest").values())
    assert selftest.run("--clean")[0] == 0
    assert selftest.left() == NOTHING


def test_taking_back_has_a_limit(selftest, registry):
    """IP Helper hangs when it is told that a rule went."""
    registry.set(rf"{SETTINGS}\Selftest", "001", "rule 127.0.0.1/28901=127.0.0.1/28902")
    registry.set_rule("127.0.0.1/28901", "127.0.0.1/28902")
    registry.set(COUNTERS, "Hang", 1)
    try:
        code, output = selftest.run("--clean")
    finally:
        registry.set(COUNTERS, "Hang", 0)
    assert code == 1 and "rule 127.0.0.1/28901=127.0.0.1/28902: error 1460" in output, output
    assert selftest.run("--clean")[0] == 0
    assert selftest.left() == NOTHING


def test_removing_takes_back_what_a_killed_one_has_left(selftest, machine):
    """The installed self-test does that, though the helper that removes lies alone somewhere else."""
    assert machine.install("old")[0] == 0
    assert selftest.run(WSLBRIDGE_TEST_FAULT="rule:kill")[0] == 99
    assert selftest.left()["rules"]
    alone = machine.versions["new"]
    alone.with_name("wslbridge-selftest.exe").unlink()
    code, output = machine.uninstall(exe=alone)
    assert code == 0 and "Changes that were taken back: " in output, output
    assert selftest.left() == NOTHING
    machine.expect_nothing()
