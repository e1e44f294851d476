# SPDX-License-Identifier: MIT
"""The registry of a Wine prefix, and the keys that the tests look at."""

PORTPROXY = r"SYSTEM\CurrentControlSet\Services\PortProxy"
LEDGER = r"SOFTWARE\wslbridge\Ledger"
KEYS = r"SOFTWARE\wslbridge\Keys"
COUNTERS = r"SOFTWARE\wslbridge-test"
FAMILIES = ("v4tov4", "v4tov6", "v6tov4", "v6tov6")

REG_SZ, REG_BINARY, REG_DWORD = 1, 3, 4


class Registry:
    """HKEY_LOCAL_MACHINE, through regtool.exe."""

    def __init__(self, prefix, tools):
        self.prefix, self.tool = prefix, prefix.tool(tools, "regtool.exe")

    def call(self, *fields):
        answer = self.tool.call(*fields)
        assert answer["ok"], f"{fields[:3]}: error {answer['error']}"
        return answer

    def dump(self, key):
        """{name: (type, bytes)}, empty when the key does not exist."""
        values = self.call("dump", key)["values"]
        return {name: (v["type"], bytes.fromhex(v["hex"])) for name, v in values.items()}

    def set(self, key, name, data, kind=REG_SZ):
        if isinstance(data, str):
            data = (data + "\0").encode("utf-16-le")
        elif isinstance(data, int):
            data = data.to_bytes(4, "little")
            kind = REG_DWORD
        self.call("set", key, name, str(kind), data.hex())

    def delete(self, key, name):
        self.call("delete", key, name)

    def remove(self, key):
        self.call("remove", key)

    def rights(self, key):
        """Who may do what with the key, in SDDL; None when it does not exist."""
        return self.call("rights", key)["sddl"] or None

    def protect(self, key, sddl):
        """Give a key these rights, until Wine ends."""
        self.call("protect", key, sddl)

    def protect_own(self, key, sddl):
        """The same with a key of HKEY_CURRENT_USER."""
        self.call("protect-own", key, sddl)

    def strings(self, key):
        return {name: data.decode("utf-16-le", "replace").rstrip("\0")
                for name, (kind, data) in self.dump(key).items() if kind == REG_SZ}

    def number(self, key, name):
        kind, data = self.dump(key).get(name, (REG_DWORD, b"\0\0\0\0"))
        assert kind == REG_DWORD
        return int.from_bytes(data, "little")

    def close(self):
        self.tool.close()

    # The keys of the tests.

    def stamps(self):
        """The time of the last write to each key of the helper. Equal as long as nothing is
        written."""
        keys = [rf"{PORTPROXY}\{family}\tcp" for family in FAMILIES]
        keys += [rf"SOFTWARE\wslbridge{sub}" for sub in ("", r"\Ledger", r"\Agents", r"\Keys",
                                                         r"\Adopt")]
        return {key: self.call("stamp", key)["stamp"] for key in keys}

    def rules(self):
        """All PortProxy values as {(family, name): data}. Data is bytes unless it is a REG_SZ."""
        found = {}
        for family in FAMILIES:
            for name, (kind, data) in self.dump(rf"{PORTPROXY}\{family}\tcp").items():
                text = data.decode("utf-16-le", "replace").rstrip("\0") if kind == REG_SZ else data
                found[family, name] = text
        return found

    def set_rule(self, name, data, family="v4tov4", kind=REG_SZ):
        self.set(rf"{PORTPROXY}\{family}\tcp", name, data, kind)

    def delete_rule(self, name, family="v4tov4"):
        self.delete(rf"{PORTPROXY}\{family}\tcp", name)

    def ledger(self):
        return self.strings(LEDGER)

    def clean(self):
        """True when there are no PortProxy values at all and no ledger entries."""
        return self.rules() == {} and self.ledger() == {}

    def set_key(self, owner, key):
        """Pair a guest: owner is '<32 hex digits>/<distro>', key is 32 bytes."""
        self.set(KEYS, owner, key, REG_BINARY)

    def clear(self):
        """Delete all PortProxy values and everything of wslbridge."""
        for family in FAMILIES:
            for name in self.dump(rf"{PORTPROXY}\{family}\tcp"):
                self.delete(rf"{PORTPROXY}\{family}\tcp", name)
        for key in (r"SOFTWARE\wslbridge", r"SOFTWARE\Policies\wslbridge"):
            self.remove(key)
