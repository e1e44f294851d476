# SPDX-License-Identifier: MIT
"""What gets installed, a part at a time: man pages, the helper as it ships. How the programs are
built is in test_hardening.py; all together, and the unit, are in test_install.py and test_unit.py."""
import hashlib
import os
import re
import struct
import subprocess

import pytest
import tree
from windows_programs import PROGRAMS

MAN_PAGES = tree.matching("*.[1-9]", "*.[1-9].in")


def test_there_is_something_to_check():
    assert MAN_PAGES


@pytest.mark.parametrize("path", MAN_PAGES)
def test_man_page_renders_without_a_warning(path):
    done = subprocess.run(["groff", "-man", "-ww", "-z", "-Tutf8", "-Kutf8",
                           os.path.join(tree.TOP, path)], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("path", MAN_PAGES)
def test_man_page_has_the_usual_parts(path):
    text = tree.read(path)
    for part in ("NAME", "DESCRIPTION", "SEE ALSO"):
        assert re.search(rf'^\.SH "?{part}"?$', text, re.MULTILINE), f"{path}: no {part}"


def helper(tree_path):
    exe = os.path.join(tree_path, "windows-helper", "wslbridge-helper.exe")
    assert os.path.isfile(exe), "build first: ./dev build"
    return exe


def traces_of_the_test_transport(exe):
    """Functions of transport-tcp.c, and options that only tests have."""
    symbols = subprocess.run(["x86_64-w64-mingw32-nm", exe], check=True, capture_output=True,
                             text=True).stdout
    with open(exe, "rb") as f:
        program = f.read()
    found = set(re.findall(r"\b\w*transport_tcp\w*|\btcp_vm_\w+", symbols))
    return found | {o for o in ("--heartbeat-ms", "--goodbye-ms") if o.encode() in program}


@pytest.mark.release
def test_the_helper_as_it_ships_has_no_test_transport(windows_tree, windows_release_tree):
    """The search would find it, because it does find it in the build for tests."""
    assert len(traces_of_the_test_transport(helper(windows_tree))) > 2
    assert traces_of_the_test_transport(helper(windows_release_tree)) == set()


@pytest.mark.release
def test_the_programs_as_they_ship_know_no_variable_of_the_tests(windows_tree, windows_release_tree):
    def knows(tree_path, program):
        with open(os.path.join(tree_path, "windows-helper", program), "rb") as f:
            data = f.read()
        return b"WSLBRIDGE_TEST" in data or "WSLBRIDGE_TEST".encode("utf-16-le") in data

    assert all(knows(windows_tree, p) for p in PROGRAMS)
    assert not any(knows(windows_release_tree, p) for p in PROGRAMS)


def test_the_right_of_the_relay_is_that_of_its_service():
    """Windows makes the SID of a service from its name (fact 9.1.15). Writing is for SYSTEM and the
    administrators alone, whatever the keys above allow; the service has the right to read."""
    def sid(name):
        numbers = struct.unpack("<5I", hashlib.sha1(name.upper().encode("utf-16-le")).digest())
        return "S-1-5-80-" + "-".join(map(str, numbers))

    # That of TrustedInstaller is in the documentation of Windows.
    assert sid("TrustedInstaller") == "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
    names = tree.read("common/names.h")
    settings = tree.read("windows-helper/relay/service-settings.h")
    service = re.search(r'NAMES_RELAY_SERVICE +"(.+)"', names)[1]
    assert re.search(r'RELAY_SERVICE_SID_TEXT L"(.+)"', settings)[1] == sid(service)
    oneshot = tree.read("windows-helper/selftest/oneshot.c")
    name = re.search(r'STEP_RELAY_NAME +L"(.+)"', tree.read("windows-helper/selftest/tools/step.h"))[1]
    assert re.search(r'ONESHOT_RELAY_SID +L"(.+)"', oneshot)[1] == sid(name)
    rights = settings[settings.index("#define RELAY_KEY_RIGHTS"):]
    entries = "".join(re.findall(r'L"([^"]*)"', rights.replace("RELAY_SERVICE_SID_TEXT", f'L"{sid(service)}"')))
    assert re.findall(r"\(A;CI;K(.);;;([^)]+)\)", entries) == [("A", "SY"), ("A", "BA"), ("R", "BU"),
                                                            ("R", sid(service))]
    assert entries.startswith("D:P(") and entries.count("(") == 4
