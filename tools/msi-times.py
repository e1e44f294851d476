#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Sets the two times in a package for Windows Installer, which wixl takes from the clock.

    tools/msi-times.py FILE SECONDS

They are in the summary information: "created" and "last saved", as 100 ns since 1601."""
import sys

FORMAT = bytes.fromhex("e0859ff2f94f6810ab9108002b27b3d9")  # its id, in the header of the stream
SECTION = len(FORMAT) + 4  # then comes the section, behind its offset
FILETIME = 64
TIMES = {12, 13}
TICKS, EPOCH = 10_000_000, 11_644_473_600


def number(data, at):
    return int.from_bytes(data[at:at + 4], "little")


def main(path, seconds):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    assert data.count(FORMAT) == 1, "this is no package, or the stream is split"
    section = data.index(FORMAT) + SECTION
    found = set()
    for entry in range(number(data, section + 4)):
        name, offset = (number(data, section + 8 + 8 * entry + 4 * i) for i in range(2))
        if name in TIMES:
            assert number(data, section + offset) == FILETIME
            value = (seconds + EPOCH) * TICKS
            data[section + offset + 4:section + offset + 12] = value.to_bytes(8, "little")
            found.add(name)
    assert found == TIMES, f"times that were not found: {TIMES - found}"
    with open(path, "wb") as file:
        file.write(data)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
