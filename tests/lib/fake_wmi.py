# SPDX-License-Identifier: MIT
"""Puts the tests' own WMI (tests/windows/fake-wbem.c) into the place of Wine's."""

import contextlib

from wine_registry import COUNTERS

LOCATOR = r"SOFTWARE\Classes\CLSID\{4590F811-1D3A-11D0-891F-00AA004B2E24}\InprocServer32"
MAPPINGS = rf"{COUNTERS}\Mappings"
OBJECTS = rf"{COUNTERS}\Wmi"
WSL = "{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}"


@contextlib.contextmanager
def in_place(registry, build_win):
    """There is an MSFT_NetNat as soon as NatName and NatPrefix are set."""
    before = registry.dump(LOCATOR)
    library = str(build_win.resolve() / "tests/windows/fake-wbem.dll")
    registry.set(LOCATOR, "", "Z:" + library.replace("/", "\\"))
    registry.set(LOCATOR, "ThreadingModel", "Both")
    try:
        yield
    finally:
        registry.remove(MAPPINGS)
        registry.remove(OBJECTS)
        for name in ("NatName", "NatPrefix", "NatRefuse", "NatSlow", "WmiHang"):
            registry.delete(COUNTERS, name)
        registry.remove(LOCATOR)
        for name, (kind, data) in before.items():
            registry.set(LOCATOR, name, data, kind)


def hyperv(registry, name, **properties):
    """Make the class of the Hyper-V firewall exist, with one object if it has @properties."""
    store = "PersistentStore" if name == "VMCreator" else "ActiveStore"
    key = rf"{OBJECTS}\{store}\MSFT_NetFirewallHyperV{name}"
    registry.set(key, "", "")
    for member, value in properties.items():
        registry.set(rf"{key}\1", member, value)
