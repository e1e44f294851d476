# SPDX-License-Identifier: MIT
"""Reads what a Windows program says about itself: its headers, imports and resources."""

import pathlib
import re
import struct

RT_VERSION, RT_MANIFEST = 16, 24

# Of DllCharacteristics.
HIGH_ENTROPY_VA, DYNAMIC_BASE, NX_COMPAT = 0x20, 0x40, 0x100
RELOCS_STRIPPED = 0x1  # of Characteristics

IMPORTS, RESOURCES, EXCEPTIONS, RELOCATIONS, DELAYED = 1, 2, 3, 5, 13  # of the data directories

# Between functions: padding of all lengths, and jumps through the table of imports, which use no stack.
NO_FUNCTION = re.compile(
    rb"(?:[\x66\x2e]*(?:\x90|\xcc|\x0f\x1f(?:\0|\x40\0|\x44\0\0|\x80\0{4}|\x84\0{5}))|\xff\x25.{4})*",
    re.DOTALL)


class PortableExecutable:
    """A 64-bit exe."""

    def __init__(self, path):
        self.data = pathlib.Path(path).read_bytes()
        pe = self._number("<I", 0x3c)
        assert self.data[pe:pe + 4] == b"PE\0\0", f"{path} is no Windows program"
        n_sections, = struct.unpack_from("<H", self.data, pe + 6)
        n_optional, self.characteristics = struct.unpack_from("<HH", self.data, pe + 20)
        self.optional = pe + 24
        assert self._number("<H", self.optional) == 0x20b, f"{path} is not 64-bit"
        first = self.optional + n_optional
        # (address, size in memory, offset in the file)
        self.sections = []
        for i in range(n_sections):
            size, address, _, offset = struct.unpack_from("<IIII", self.data, first + 40 * i + 8)
            self.sections.append((address, size, offset))
        self.os_version = struct.unpack_from("<HH", self.data, self.optional + 40)
        self.subsystem_version = struct.unpack_from("<HH", self.data, self.optional + 48)
        self.dll_characteristics = self._number("<H", self.optional + 70)

    def _number(self, kind, offset):
        return struct.unpack_from(kind, self.data, offset)[0]

    def made_at(self):
        """The time in it, in seconds."""
        return self._number("<I", self.optional - 16)

    def directory(self, number):
        """(address, size) of a data directory; (0, 0) when there is none."""
        return struct.unpack_from("<II", self.data, self.optional + 112 + 8 * number)

    def offset(self, address):
        for start, size, offset in self.sections:
            if start <= address < start + size:
                return offset + address - start
        raise ValueError(f"{address:#x} is in no section")

    def text(self, address):
        start = self.offset(address)
        return self.data[start:self.data.index(b"\0", start)].decode()

    def imports(self):
        """The names of the DLLs of the import table."""
        names, at = set(), self.offset(self.directory(IMPORTS)[0])
        while address := self._number("<I", at + 12):
            names.add(self.text(address))
            at += 20
        return names

    def functions(self):
        """[(begin, end, address of the data for unwinding)] of the table of functions (.pdata)."""
        address, size = self.directory(EXCEPTIONS)
        at = self.offset(address) if size else 0
        return [struct.unpack_from("<III", self.data, at + i) for i in range(0, size, 12)]

    def code_without_unwinding(self):
        """[(address, bytes)] of the code that belongs to no function of that table."""
        entry = self._number("<I", self.optional + 16)
        start, size, offset = next(s for s in self.sections if s[0] <= entry < s[0] + s[1])
        found, at = [], start
        for begin, end, _ in [*sorted(self.functions()), (start + size, 0, 0)]:
            between = self.data[offset + at - start:offset + begin - start]
            if rest := between[NO_FUNCTION.match(between).end():]:
                found.append((begin - len(rest), rest))
            at = max(at, end)
        return found

    def resources(self, kind):
        """The contents of all resources of a type."""
        base = self.offset(self.directory(RESOURCES)[0])
        return [data for first, data in self._entries(base, base, 0) if first == kind]

    def _entries(self, base, folder, depth, first=None):
        named, numbered = struct.unpack_from("<HH", self.data, folder + 12)
        for i in range(named + numbered):
            number, at = struct.unpack_from("<II", self.data, folder + 16 + 8 * i)
            top = number if depth == 0 else first
            if at & 0x80000000:
                yield from self._entries(base, base + (at & 0x7fffffff), depth + 1, top)
            else:
                address, size = struct.unpack_from("<II", self.data, base + at)
                start = self.offset(address)
                yield top, self.data[start:start + size]
