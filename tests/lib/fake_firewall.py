# SPDX-License-Identifier: MIT
"""Puts the tests' own firewall (tests/windows/fake-hnetcfg.c) into the place of Wine's."""

import contextlib

import wine_registry

# Of fake-firewall.h, in its order.
SETTINGS = ("CONNECTED", "OFF", "SHUT", "LETS_IN", "STATE", "PARTLY", "PRODUCT", "CATEGORY",
            "UNSUPPORTED", "HANGS", "REMOVING")
CLASSES = ("{E2B3C97F-6AE1-41AC-817A-F6F92166D7DD}", "{2C5BC43E-3369-4C33-AB0C-BE9469677AF4}",
           "{CC19079B-8272-4D73-BB70-CDB533527B61}")
NETWORK = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\NetworkList\Profiles\{1}"
POLICY = r"SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy"


def rules(registry):
    """The rules that are stored now, as tuples (name, protocol, ports, program, service)."""
    text = registry.strings(wine_registry.COUNTERS).get("FirewallRules", "")
    return sorted(tuple(line.split("|")) for line in text.splitlines())


@contextlib.contextmanager
def in_place(registry, build_win):
    """Gives a function that sets what the firewall answers: set_answers(CONNECTED=2, OFF=0)."""
    keys = [rf"SOFTWARE\Classes\CLSID\{clsid}\InprocServer32" for clsid in CLASSES]
    library = str(build_win.resolve() / "tests/windows/fake-hnetcfg.dll")
    before = {key: registry.dump(key) for key in keys}

    def set_answers(**settings):
        for name, value in settings.items():
            registry.set(wine_registry.COUNTERS, f"Firewall{SETTINGS.index(name)}", value)

    for key in keys:
        registry.set(key, "", "Z:" + library.replace("/", "\\"))
        registry.set(key, "ThreadingModel", "Both")
    try:
        yield set_answers
    finally:
        for key, values in before.items():
            registry.remove(key)
            for name, (kind, data) in values.items():
                registry.set(key, name, data, kind)
        for i in range(len(SETTINGS)):
            registry.delete(wine_registry.COUNTERS, f"Firewall{i}")
        registry.delete(wine_registry.COUNTERS, "FirewallRules")
        registry.remove(NETWORK)
        registry.remove(POLICY)
