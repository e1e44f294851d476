# SPDX-License-Identifier: MIT
"""A Wine prefix for tests, the demo and benchmarks.

Everything that runs under Wine is started with one Prefix. Prefix.stop() ends all of it with the
'wineserver -k' of this prefix, so nothing of another Wine user is ever touched."""

import contextlib
import functools
import glob
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

from wine_tool import WineTool

# What a test build of the helper prints as its first act when WSLBRIDGE_TEST_MAIN is set.
REACHED_MAIN = "main"

# What Wine's loader says of one of its own programs that the busy machine kept it from starting, and ours say
# of wsl.exe: error 1359, fact 10.1.20.
NOT_STARTED = re.compile(r"ShellExecuteEx failed: Internal error\.|wsl\.exe': Internal error \(error 1359\)")

# No Mono, HTML engine or menu entries. None is needed, and each would ask questions or download.
OVERRIDES = "mscoree=;mshtml=;winemenubuilder.exe="

SERVICES_LIMIT = 60  # seconds for the start of Wine's services on a busy machine; 2 on an idle one


def wine_program(name):
    """The path of wine64 or wineserver. Debian installs wine64 outside of PATH."""
    for path in (shutil.which(name), f"/usr/lib/wine/{name}"):
        if path and os.path.exists(path):
            return path
    return None


def available():
    return wine_program("wine64") is not None and wine_program("wineserver") is not None


@functools.cache
def version():
    """(8, 0), for example; (0, 0) where there is no Wine."""
    if not available():
        return 0, 0
    said = subprocess.run([wine_program("wine64"), "--version"], check=True, capture_output=True, text=True)
    return tuple(int(n) for n in re.match(r"wine-(\d+)\.(\d+)", said.stdout).groups())


class Prefix:
    """One Wine prefix with its own server. Creating it takes 5 to 10 s and 700 MB, so the tests of a
    run share one and clean up after themselves (see Registry.clear)."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self._tools = {}
        self.env = {k: v for k, v in os.environ.items()
                    if k not in ("DISPLAY", "WAYLAND_DISPLAY") and not k.startswith("WINE")}
        # Wine 10 looks for a Wayland below the last one. Without the variable its library complains into
        # the output of each program.
        self.env.update(WINEPREFIX=str(self.path), WINEARCH="win64", WINEDEBUG="-all",
                        WINEDLLOVERRIDES=OVERRIDES, WSLBRIDGE_TEST_MAIN="1",
                        XDG_RUNTIME_DIR="/nonexistent")

    # --- the life of Wine's server

    def create(self):
        """Make the prefix and start Wine in it. What wineboot starts may fail on a busy machine (fact
        10.1.20), and then the prefix is of no use: once, a whole suite had none."""
        for _ in range(2):
            self._boot()
            if self._restart():
                return self
            print("Wine's services do not answer in a new prefix; making another one")
            self.stop()
            shutil.rmtree(self.path)
        self._boot()
        return self.restart()

    def _boot(self):
        self.path.mkdir(parents=True, exist_ok=True)
        self.run("wineboot", "-i", timeout=180, check=False)
        assert (self.path / "drive_c").is_dir(), "wineboot made no prefix"

    def restart(self):
        """End everything that runs in the prefix and start Wine again, like a boot of Windows. The
        registry and the files stay."""
        assert self._restart(), "Wine's services do not answer"
        return self

    def _restart(self):
        for _ in range(2):
            self.stop()  # after 'wineboot -i' two service managers run (fact 10.1.8)
            self._persist()
            if self.services_answer():
                return True
            print("Wine's services do not answer; started again")
        return False

    def _persist(self):
        """Start the server. It lives until stop(): Debian's 'wineserver' would otherwise end with the
        last program, and its service manager with it, perhaps while the next program starts."""
        self.spawn(wine_program("wineserver"), "-p", env=self.env).wait(60)

    def services_answer(self, limit=SERVICES_LIMIT):
        """Whether a new program reaches the service manager, and the services that start with Windows
        are there, within @limit seconds. Wine 8 can lose its service manager (docs/windows-facts.md,
        10.1.7)."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            try:
                done = self.run("sc", "query", "plugplay", timeout=SERVICES_LIMIT, check=False)
            except subprocess.TimeoutExpired:
                return False
            if "RUNNING" in done.stdout:
                return True
            time.sleep(0.2)
        return False

    def stop(self):
        found = os.stat(self.path)
        for option in ("-k", "-w"):  # end everything; wait for it, and for the registry on the disk
            subprocess.run([wine_program("wineserver"), option], env=self.env, timeout=60, check=False)
        # Debian's wineserver leaves its socket's folder behind, in a folder of its own, and named after
        # the prefix's inode.
        for folder in glob.glob(f"/tmp/wine-*/server-{found.st_dev:x}-{found.st_ino:x}"):
            shutil.rmtree(folder, ignore_errors=True)
            with contextlib.suppress(OSError):
                os.rmdir(os.path.dirname(folder))

    # --- programs

    def spawn(self, *command, **options):
        """Start a program of Linux, which may start Wine's server, where Wine's programs run."""
        return subprocess.Popen(command, **options)

    def popen(self, *args, env=None, **options):
        """@env: variables beside those of the prefix."""
        return self.spawn(wine_program("wine64"), *map(str, args), env={**self.env, **(env or {})},
                          **options)

    def popen_started(self, *args, errors, **options):
        """popen() of a program of ours whose error stream goes to the file @errors. It has reached main()
        then, or has ended; a start that Wine ends before is tried once more, as run() does it."""
        def started():
            return REACHED_MAIN in errors.read_text(errors="replace").splitlines()

        for _ in range(2):
            with open(errors, "wb") as stream:
                process = self.popen(*args, stderr=stream, **options)
            end = time.monotonic() + SERVICES_LIMIT
            while not started() and process.poll() is None and time.monotonic() < end:
                time.sleep(0.01)
            if started() or process.poll() is None:
                break
        return process

    def tool(self, folder, name):
        """A program that answers, one for all callers. @folder: that of the tests' Windows programs."""
        exe = pathlib.Path(folder) / name
        return self._tools.setdefault(exe, WineTool(self, exe))

    def run(self, *args, timeout=60, check=True):
        """Run a program to its end. Returns the same as subprocess.run(), with the output in
        .stdout. On a busy machine, about one start in a thousand under Wine 8 ends before main(). A
        program that has failed and has neither said a word nor reached main(), as far as it tells
        (see REACHED_MAIN), is started once more. So is one of Wine's own that it could not start."""
        done = self._run_once(args, timeout)
        if done.returncode != 0 and (not done.stdout or NOT_STARTED.search(done.stdout)):
            print(f"Wine ended {args[:2]} with {done.returncode} and no output of it; started again")
            done = self._run_once(args, timeout)
        done.stdout = done.stdout.removeprefix(f"{REACHED_MAIN}\n")
        assert done.returncode == 0 or not check, f"{args[:2]}: {done.returncode}: {done.stdout}"
        return done

    def _run_once(self, args, timeout):
        """The output goes to a file, because Wine's background processes inherit it, and a pipe would
        not end before they do."""
        with tempfile.TemporaryFile() as output:
            process = self.popen(*args, stdin=subprocess.DEVNULL, stdout=output,
                                 stderr=subprocess.STDOUT)
            try:
                code = process.wait(timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise
            output.seek(0)
            text = output.read().replace(b"\r\n", b"\n").decode(errors="replace")
        return subprocess.CompletedProcess(args, code, text)
