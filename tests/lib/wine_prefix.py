# SPDX-License-Identifier: MIT
"""A Wine prefix for tests, the demo and benchmarks.

Everything that runs under Wine is started with one Prefix. Prefix.stop() ends all of it with the
'wineserver -k' of this prefix, so nothing of another Wine user is ever touched."""

import contextlib
import glob
import os
import pathlib
import shutil
import subprocess
import tempfile

# What a test build of the helper prints as its first act when WSLBRIDGE_TEST_MAIN is set.
REACHED_MAIN = "main"

# No Mono, HTML engine or menu entries. None is needed, and each would ask questions or download.
OVERRIDES = "mscoree=;mshtml=;winemenubuilder.exe="


def wine_program(name):
    """The path of wine64 or wineserver. Debian installs wine64 outside of PATH."""
    for path in (shutil.which(name), f"/usr/lib/wine/{name}"):
        if path and os.path.exists(path):
            return path
    return None


def available():
    return wine_program("wine64") is not None and wine_program("wineserver") is not None


class Prefix:
    """One Wine prefix with its own server. Creating it takes 5 to 10 s and 700 MB, so the tests of a
    run share one and clean up after themselves (see Registry.clear)."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.env = {k: v for k, v in os.environ.items()
                    if k not in ("DISPLAY", "WAYLAND_DISPLAY") and not k.startswith("WINE")}
        self.env.update(WINEPREFIX=str(self.path), WINEARCH="win64", WINEDEBUG="-all",
                        WINEDLLOVERRIDES=OVERRIDES, WSLBRIDGE_TEST_MAIN="1")

    def create(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.run("wineboot", "-i", timeout=180, check=False)
        if not (self.path / "system.reg").exists():
            self.wait_idle()
        assert (self.path / "drive_c").is_dir(), "wineboot made no prefix"
        return self

    def wait_idle(self):
        """Wait until the last process has ended and the registry has been written to disk."""
        subprocess.run([wine_program("wineserver"), "-w"], env=self.env, timeout=60, check=False)

    def popen(self, *args, env=None, **kwargs):
        """@env: variables beside those of the prefix."""
        return subprocess.Popen([wine_program("wine64"), *map(str, args)],
                                env={**self.env, **(env or {})}, **kwargs)

    def run(self, *args, timeout=60, check=True):
        """Run a program to its end. Returns the same as subprocess.run(), with the output in
        .stdout. On a busy machine, about one start in a thousand under Wine 8 ends before main(). A
        program that has failed and has neither said a word nor reached main(), as far as it tells
        (see REACHED_MAIN), is started once more."""
        done = self._run_once(args, timeout)
        if done.returncode != 0 and not done.stdout:
            print(f"Wine ended {args[:2]} with {done.returncode} and no output; started again")
            done = self._run_once(args, timeout)
        done.stdout = done.stdout.removeprefix(f"{REACHED_MAIN}\n")
        assert done.returncode == 0 or not check, f"{args[:2]}: {done.returncode}: {done.stdout}"
        return done

    def _run_once(self, args, timeout):
        """The output goes to a file, because Wine's background processes inherit it, and a pipe would
        not end before they do."""
        with tempfile.TemporaryFile() as output:
            done = subprocess.run([wine_program("wine64"), *map(str, args)], env=self.env,
                                  timeout=timeout, check=False, stdin=subprocess.DEVNULL,
                                  stdout=output, stderr=subprocess.STDOUT)
            output.seek(0)
            done.stdout = output.read().replace(b"\r\n", b"\n").decode(errors="replace")
        return done

    def stop(self):
        found = os.stat(self.path)
        subprocess.run([wine_program("wineserver"), "-k"], env=self.env, timeout=30, check=False)
        self.wait_idle()
        # Debian's wineserver leaves its socket's folder behind, named after the prefix's inode.
        for folder in glob.glob(f"/tmp/wine-*/server-{found.st_dev:x}-{found.st_ino:x}"):
            shutil.rmtree(folder, ignore_errors=True)
            with contextlib.suppress(OSError):
                os.rmdir(os.path.dirname(folder))
