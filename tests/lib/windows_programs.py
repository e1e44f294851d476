# SPDX-License-Identifier: MIT
"""The programs for Windows, which are installed together: windows-helper/core/install/programs.c has
the same table."""

HELPER, RELAY, SELFTEST = "wslbridge-helper.exe", "wslbridge-relay.exe", "wslbridge-selftest.exe"
# What each may have at most as it ships, in KiB, without debug information.
SIZES = {HELPER: 400, RELAY: 200, SELFTEST: 200}
PROGRAMS = sorted(SIZES)


def copy_version(build, folder, number=None, other=None):
    """The programs of @build in a folder of their own, with @other in place of the version @number.
    Returns the helper's path."""
    folder.mkdir(exist_ok=True)
    for name in PROGRAMS:
        program = (build / "windows-helper" / name).read_bytes()
        if number:
            assert len(number) == len(other) and number.encode() in program
            program = program.replace(number.encode(), other.encode())
        (folder / name).write_bytes(program)
    return folder / HELPER
