# SPDX-License-Identifier: MIT
"""Commands of wslbridgectl, of which one call fails: faults.py. A command that fails says why, and leaves the old
file or the new one."""
import os
import secrets

import helpers
from control import Control
from faults import Place, Walk
from guest import GATEWAY, LAN, PREFIX, Guest

COMMANDS = "expose", "unexpose", "pair"
OLD, NEW = {"0.0.0.0/8080": "10.9.0.2/80"}, {"0.0.0.0/8080": "10.9.0.2/81"}
OLD_KEY, NEW_KEY = "0" * 64 + "\n", "1" * 64 + "\n"
SERVICE_FILE, KEY_FILE = "etc/wslbridge/services.d/port-8080.ini", "etc/wslbridge/key"
TOLD = (0, 1, 3, 4)  # exit codes of a command that ends by itself; no sanitizer has them


class ControlWalk(Walk):
    def __init__(self, tree, folder, share, commands=COMMANDS, **options):
        """@options: as Place has them."""
        self.guest = Guest(tree, folder, name="control")
        self.control = Control(tree, self.guest)
        super().__init__(Place(tree, folder, self.control.exe, share, **options),
                         {command: getattr(self, command) for command in commands})
        # Without it a leak of setlocale()'s has no name: the C library keeps no frame pointers.
        self.place.environment["ASAN_OPTIONS"] += ":fast_unwind_on_malloc=0"
        self.key = secrets.token_hex(32) + "\n"
        self.host = helpers.TestHost(tree, self.guest.socket, key=f"{self.guest.owner()}={self.key.strip()}",
                                     switch=f"{GATEWAY}/{PREFIX}", adapter=f"{LAN}/24")
        self.host.start()
        self.texts = None

    def close(self):
        self.guest.close()
        self.host.kill()

    def _log(self):
        return self.output

    def _begin(self):
        self.output = ""

    def _clean_up(self):
        self.guest.kill()
        self.host.kill()
        self.host.start()

    def _run(self, *arguments, stdin=""):
        """Return: whether it has worked."""
        code, self.output = self.control.run(*arguments, stdin=stdin, env=self.place.environment)
        assert code == 0 or self.output.strip(), f"exit code {code}, and not a word"
        assert code in TOLD, f"exit code {code}"
        assert code == 0 or self.place.failed(), f"exit code {code}, and no call has failed"
        return code == 0

    def _file(self, path):
        try:
            with open(os.path.join(self.guest.root, path), encoding="utf-8") as f:
                return f.read()
        except FileNotFoundError:
            return None

    def _exposed(self):
        """The agent runs, and port 8080 leads to 80. Return: the text of that file, and for 81."""
        if not self.guest.process:
            self.guest.key(self.key)
            self.guest.start()
            self.guest.wait_helper("connected")
        if not self.texts:
            texts = []
            for port in (81, 80):
                assert self.control.run("expose", f"8080:{port}")[0] == 0
                texts.insert(0, self._file(SERVICE_FILE))
            self.texts = texts
        self.guest.write(SERVICE_FILE, self.texts[0])
        self.host.wait_rules(OLD)
        self.guest.wait_state("port-8080", "active")  # else there is nothing to remove yet
        return self.texts

    # --- the lives

    def expose(self):
        old, new = self._exposed()
        worked = self._run("expose", "8080:81")
        assert self._file(SERVICE_FILE) in ([new] if worked else [old, new]), self._file(SERVICE_FILE)
        assert not worked or self.host.rules() == NEW, self.host.rules()

    def unexpose(self):
        old, _ = self._exposed()
        worked = self._run("unexpose", "8080")
        assert self._file(SERVICE_FILE) in ([None] if worked else [old, None]), self._file(SERVICE_FILE)
        if worked:
            self.host.wait_rules({})

    def pair(self):
        """There is no agent."""
        if self.guest.process:
            self.guest.stop()
        self.guest.key(OLD_KEY)
        worked = self._run("pair", stdin=NEW_KEY)
        assert self._file(KEY_FILE) in ([NEW_KEY] if worked else [OLD_KEY, NEW_KEY]), self._file(KEY_FILE)
        assert not worked or "\npaired " in "\n" + self.output, "it does not say that it has paired"
