# SPDX-License-Identifier: MIT
"""Puts the tests' own WMI (tests/windows/fake-wbem.c) into the place of Wine's."""

import contextlib

from wine_registry import COUNTERS

LOCATOR = r"SOFTWARE\Classes\CLSID\{4590F811-1D3A-11D0-891F-00AA004B2E24}\InprocServer32"
MAPPINGS = rf"{COUNTERS}\Mappings"


@contextlib.contextmanager
def in_place(registry, build_win):
    """There is an MSFT_NetNat as soon as NatName and NatPrefix are set."""
    before = registry.dump(LOCATOR)
    library = str(build_win.resolve() / "tests/windows/fake-wbem.dll")
    registry.set(LOCATOR, "", "Z:" + library.replace("/", "\\"))
    registry.set(LOCATOR, "ThreadingModel", "Both")
    yield
    registry.remove(MAPPINGS)
    for name in ("NatName", "NatPrefix", "NatRefuse"):
        registry.delete(COUNTERS, name)
    registry.remove(LOCATOR)
    for name, (kind, data) in before.items():
        registry.set(LOCATOR, name, data, kind)
