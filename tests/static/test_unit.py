# SPDX-License-Identifier: MIT
"""The units' sandboxes, as systemd-analyze measures them, and what they say about themselves."""
import json
import os
import re
import subprocess
import tempfile

import pytest
import tree

UNIT = "systemd/wslbridge-agent.service.in"
LOOPBACK = "systemd/wslbridge-loopback.service.in"
BOTH = pytest.mark.parametrize("path", [UNIT, LOOPBACK])
EXPOSURE_MAX = 1.3  # of 10; what is left is in the unit, each with its reason
HEADING = "# What 'systemd-analyze security' still lists, and why it has to stay:\n"


def options(text):
    """[(section, option, value)] in order, lines joined as systemd does it."""
    section, found = None, []
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and line[0] not in "#;":
            found.append((section, *line.split("=", 1)))
    return found


def security(installed, path, *more):
    """Of an early unit, systemd-analyze leaves some options out ("special boot phase"). Ours have them and
    want them, so it gets the unit as one that starts later."""
    name = os.path.basename(path).removesuffix(".in")
    with open(os.path.join(installed, "usr/lib/systemd/system", name), encoding="utf-8") as f:
        text = f.read().replace("\nDefaultDependencies=no\n", "\n")
    with tempfile.TemporaryDirectory() as folder:
        unit = os.path.join(folder, name)
        with open(unit, "w", encoding="utf-8") as f:
            f.write(text)
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", *more,
                               unit], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def reasons(path):
    """{name as systemd-analyze has it: reason} from the unit's comment."""
    block = tree.read(path).split(HEADING)[1].split("\n\n")[0]
    rows = [re.match(r"#   (\S+=\S*(?: \S+)*?|\S+=): (.+)", line) for line in block.splitlines()]
    assert all(rows), block
    return {row[1]: row[2] for row in rows}


@BOTH
def test_exposure(installed, path):
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", security(installed, path))[1]
    assert float(level) <= EXPOSURE_MAX


@BOTH
def test_what_is_left_has_a_reason_and_nothing_else_has(installed, path):
    left = {row["name"] for row in json.loads(security(installed, path, "--json=short"))
            if row["set"] is False and row["exposure"]}
    assert left and left == set(reasons(path))
    assert all(len(reason) > 20 for reason in reasons(path).values())


@BOTH
def test_every_group_says_why(path):
    """Each block of options in [Service] begins with a comment; the blocks are small."""
    service = tree.read(path).split("[Service]\n")[1].split("\n[Install]")[0]
    for block in service.strip().split("\n\n"):
        assert block.startswith("# "), block
        assert len(block.splitlines()) < 20


def test_the_two_promises_of_the_restart_policy():
    found = {(s, o): v for s, o, v in options(tree.read(UNIT))}
    assert found["Unit", "StartLimitIntervalSec"] == "0"  # it never gives up
    assert found["Service", "Restart"] == "on-failure"
    main = tree.read("agent/main.c")
    assert found["Service", "RestartPreventExitStatus"] == re.search(r"EXIT_USAGE (\d)", main)[1]


def test_any_number_of_restarts_of_the_agent_leaves_the_path_unit_running():
    assert ("Unit", "StartLimitIntervalSec", "0") in options(tree.read("systemd/wslbridge-loopback.path"))


@pytest.mark.parametrize("path", [UNIT, "systemd/wslbridge-loopback.path"])
def test_the_agent_and_the_path_unit_start_early_and_end_at_shutdown(path):
    """The agent's table is there before sysinit.target, and the agent waits some seconds for an answer."""
    found = [(o, word) for s, o, v in options(tree.read(path)) if s == "Unit" for word in v.split()]
    assert ("DefaultDependencies", "no") in found and ("Conflicts", "shutdown.target") in found
    assert ("Before", "shutdown.target") in found
    assert not {"sysinit.target", "basic.target", "multi-user.target"} & {w for o, w in found if o == "After"}


def test_the_kernel_module_is_wanted_before_the_start():
    """By a unit that does not fail without it, and not by modules-load.d (fact 8.1.4)."""
    found = options(tree.read(UNIT))
    assert {("Unit", o, "modprobe@hv_sock.service") for o in ("Wants", "After")} <= set(found)
    assert not [path for path in tree.FILES if "modules-load" in path]


@BOTH
def test_only_one_capability_and_no_user_namespace(path):
    found = options(tree.read(path))
    for name in ("CapabilityBoundingSet", "AmbientCapabilities"):
        assert [v for _, o, v in found if o == name] == ["CAP_NET_BIND_SERVICE"]
    assert "PrivateUsers" not in {o for _, o, _ in found}


def test_the_watchdog_costs_no_wake_up():
    """At an event, sd-event pings if a quarter of the time has passed since the last ping. After half of
    the time, its own timer pings. So a heartbeat must come between the two."""
    watchdog = next(int(v[:-1]) for _, o, v in options(tree.read(UNIT)) if o == "WatchdogSec")
    heartbeat = int(re.search(r"define WIRE_HEARTBEAT_MS +(\d+)",
                              tree.read("protocol/wire/wire-types.h"))[1]) / 1000
    assert watchdog / 4 < heartbeat < watchdog / 2


def test_status_folder_is_the_one_that_tmpfiles_links_to():
    found = {o: v for _, o, v in options(tree.read(UNIT))}
    tmpfiles = tree.read("systemd/wslbridge.tmpfiles")
    links = re.search(r"^L\+ (\S+) .* (\S+)$", tmpfiles, re.MULTILINE)
    target = os.path.join(os.path.dirname(links[1]), links[2])
    assert target == f"/run/{found['RuntimeDirectory']}/status.json"
    header = tree.read("agent/status/file.h")
    assert f'STATUS_DIRECTORY         "{os.path.dirname(links[1])}"' in header
    assert 'STATUS_SERVICE_DIRECTORY STATUS_DIRECTORY "/agent"' in header


@pytest.mark.parametrize("path", [UNIT, LOOPBACK, "systemd/wslbridge-loopback.path",
                                  "systemd/wslbridge-run-shared.service", "systemd/wslbridge.catalog"])
def test_names_of_man_pages_exist(path):
    pages = {os.path.basename(p) for p in tree.FILES if p.startswith("docs/")}
    named = re.findall(r"man:([\w.-]+)\((\d)\)", tree.read(path))
    assert named and {f"{name}.{section}" for name, section in named} <= pages


def test_the_programs_know_what_the_unit_hides():
    """systemd.exec(5) lists the folders of ProtectHome= and PrivateTmp=."""
    unit = dict((option, value) for _, option, value in options(tree.read(UNIT)))
    assert unit["ProtectHome"] == unit["PrivateTmp"] == "yes"
    folders = {"/home", "/root", "/run/user", "/tmp", "/var/tmp",
               *(path.lstrip("-") for path in unit["InaccessiblePaths"].split())}
    assert set(re.findall(r'\{"(/[\w/]+)", "', tree.read("agent/config/places.c"))) == folders


def test_the_doctor_knows_every_state_of_systemd():
    """What the systemd of this machine can say of a service is in the tables of the doctor's test,
    which walks them. Later versions have more; those are there as well."""
    help_text = subprocess.run(["systemctl", "--state=help"], text=True, capture_output=True,
                               check=True).stdout
    table = tree.read("tests/unit/agent/ctl/doctor/test-unit.c")
    for heading in ("unit load states", "unit active states", "service unit substates"):
        words = re.search(rf"^Available {heading}:\n((?:\S+\n)+)", help_text, re.M)[1].split()
        assert len(words) >= 7
        assert not [w for w in words if f'"{w}"' not in table], heading


def test_the_loopback_program_is_started_by_the_agents_file():
    """The path unit, the agent and the program mean the same files, and the agent's unit pulls the path
    unit in."""
    found = {o: v for _, o, v in options(tree.read("systemd/wslbridge-loopback.path"))}
    header = tree.read("agent/loopback/table/table.h")
    wanted = re.search(r'LOOPBACK_WANTED_FILE "(.*)"', header)[1]
    agent = {o: v for _, o, v in options(tree.read(UNIT)) if o != "Wants"}
    assert found["PathExists"] == f"/run/{agent['RuntimeDirectory']}/{wanted}"
    assert ("Unit", "Wants", "wslbridge-loopback.path") in options(tree.read(UNIT))
    own = {o: v for _, o, v in options(tree.read(LOOPBACK))}
    main = tree.read("agent/loopback/main.c")
    assert f'AGENT_DIRECTORY  "/run/{agent["RuntimeDirectory"]}"' in main
    assert f'REPORT_DIRECTORY "/run/{own["RuntimeDirectory"]}"' in main
    name = re.search(r'FOLDER_NAME "(\w+)"', tree.read("agent/daemon/loopback.c"))[1]
    assert own["RuntimeDirectory"] == f"{os.path.dirname(agent['RuntimeDirectory'])}/{name}"


def test_networks_of_the_host_are_those_that_the_unit_lets_through():
    unit = next(v for _, o, v in options(tree.read(LOOPBACK)) if o == "IPAddressAllow")
    table = tree.read("agent/loopback/table/table.c")
    named = re.findall(r"/\* (\S+/\d+) \*/", table)
    assert unit.split() == ["localhost", *named]


def test_the_loopback_program_has_descriptors_for_all_that_it_takes():
    """Of a connection two sockets and two pipes; of a session one socket; one for each port."""
    def limit(path, name):
        return int(re.search(rf"define {name} +(\d+)", tree.read(path))[1])

    most = 6 * limit("agent/loopback/shared.h", "CONNECTIONS_MAX") + \
        limit("agent/loopback/shared.h", "SESSIONS_MAX") + \
        limit("agent/loopback/table/table.h", "LOOPBACK_PORTS_MAX")
    text = tree.read(LOOPBACK)
    assert f"{most:,} descriptors" in text.replace("#", "")
    assert most < int(next(v for _, o, v in options(text) if o == "LimitNOFILE"))
