# SPDX-License-Identifier: MIT
"""The parts of setup beside the agent: --keep-alive, --at-logon, --import, and systemd in
/etc/wsl.conf. tests/windows/test_user_settings.py has the odd files of settings."""

import contextlib
import fcntl
import pathlib
import re
import socket
import subprocess
import threading

import pytest
from conftest import GUEST, HOST, SYSTEMCTL, TASKS
from waiting import wait_until

PARTS = ("--keep-alive", "--at-logon", "--import")
SETTINGS = b"\xef\xbb\xbf# mine\r\n[wsl2]\r\nmemory=4GB\r\nvmIdleTimeout=60000 # a minute\r\n"
EXPECTED = SETTINGS + b"\r\n[general]\r\ninstanceIdleTimeout=-1\r\n"
SINGLE, RANGE, STALE, STAR = 28710, range(28711, 28714), 28720, 28725
# A server for each port, in the guest's network. It answers each client with the port.
SERVER = """
import socket, sys, threading
def serve(s, port):
    while True:
        c, _ = s.accept()
        c.sendall(b"%d" % port)
        c.close()
for port in map(int, sys.argv[1:]):
    s = socket.create_server(("0.0.0.0", port))
    threading.Thread(target=serve, args=(s, port), daemon=True).start()
print("up", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def servers(guest):
    """Servers in the guest, on the ports to which the forwardings lead."""
    process = subprocess.Popen(["nsenter", "-t", str(guest.pid()), "-n", "/usr/bin/python3", "-c", SERVER,
                                *map(str, [SINGLE, *RANGE, STALE, STAR])],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "up\n"
    yield process
    process.stdin.close()
    process.wait(120)


def connect(port):
    return socket.create_connection((HOST, port), timeout=10)


def ask(port):
    with connect(port) as client:
        return client.recv(16)


class Clients:
    """Connects to each of @ports, again and again, until the end of the block. Each of them answers.
    At @dead one, the host listens, and nobody answers."""

    def __init__(self, ports, dead):
        self.ports, self.dead = ports, dead
        self.ended, self.answers, self.failures = threading.Event(), 0, []

    def _try(self, port, action, wanted):
        try:
            answer = action(port)
        except Exception as e:  # whatever it is, somebody was not served
            answer = e
        if answer == wanted:
            self.answers += 1
        else:
            self.failures.append((port, answer))

    def _knock(self):
        while not self.ended.is_set():
            for port in self.ports:
                self._try(port, ask, b"%d" % port)

    def _knock_dead(self):
        while not self.ended.wait(0.05):  # the forwarder looks for the guest for each
            self._try(self.dead, lambda port: connect(port).close(), None)

    def __enter__(self):
        self.threads = [threading.Thread(target=t) for t in (self._knock, self._knock_dead)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()


def forward(windows, name, target):
    windows.registry.set_rule(name, target)


def folk_script(windows, iphlpsvc):
    """One line for each port, with the guest's address of that day; and two others."""
    forward(windows, f"*/{STAR}", f"{GUEST}/{STAR}")  # as netsh stores it without listenaddress
    for port in (SINGLE, *RANGE):
        forward(windows, f"0.0.0.0/{port}", f"{GUEST}/{port}")
    forward(windows, f"*/{STALE}", f"10.9.0.77/{STALE}")
    forward(windows, "0.0.0.0/28730", "192.0.2.1/80")
    iphlpsvc.call("control", "iphlpsvc", 6)
    wait_until(lambda: all(map(open_port, (SINGLE, *RANGE, STAR))), what="the script's forwardings")
    iphlpsvc.settled()


def open_port(port):
    with contextlib.suppress(OSError):
        return ask(port) == b"%d" % port
    return False


def test_extras_from_nothing_to_undone(windows, guest, profile, scheduler, servers, iphlpsvc):
    """Each run does what the one before has left, and says when nothing was to do."""
    assert windows.setup("Debian", "--yes").code == 0
    folk_script(windows, iphlpsvc)
    (profile / ".wslconfig").write_bytes(SETTINGS)

    would = windows.setup("Debian", "--dry-run", "--yes", *PARTS)
    assert (would.code, [would.states()[p] for p in ("keep-alive", "at-logon", "import")]) == \
        (0, ["would"] * 3), would.output
    nobody = windows.setup("Debian", *PARTS)
    assert nobody.states()["keep-alive"] == nobody.states()["import"] == "skipped", nobody.output
    assert (profile / ".wslconfig").read_bytes() == SETTINGS
    assert guest.call("ls", "/etc/wslbridge/services.d").stdout == ""

    before = windows.registry.rules()
    with Clients([SINGLE, *RANGE, STAR], STALE) as clients:
        done = windows.setup("Debian", "--text", "--yes", *PARTS)
        wait_until(lambda: open_port(STALE), what="the port that was stale")
    print(done.output)
    assert done.code == 0, done.output
    assert not clients.failures and clients.answers > 10
    assert "+instanceIdleTimeout=-1\n" in done.output
    assert "192.0.2.1/80: it leads to 192.0.2.1" in done.output

    assert (profile / ".wslconfig").read_bytes() == EXPECTED
    assert (profile / ".wslconfig.before-wslbridge").read_bytes() == SETTINGS
    assert "-d Debian --exec" in list(scheduler.strings(TASKS).values())[0]
    files = guest.run("sh", "-c", "cd /etc/wslbridge/services.d && grep -H '^listen' *")
    assert files.splitlines() == [
        f"import-{SINGLE}-{RANGE[-1]}.ini:listen = 0.0.0.0:{SINGLE}-{RANGE[-1]}",
        f"import-{STALE}.ini:listen = 0.0.0.0:{STALE}", f"import-{STAR}.ini:listen = 0.0.0.0:{STAR}"]
    walls = guest.run("sh", "-c", "cd /etc/wslbridge/services.d && grep -l '^firewall = none' *")
    assert len(walls.splitlines()) == 3  # nobody more gets in than before
    rules = windows.registry.rules()
    assert len(rules) == len(RANGE) + 4
    assert rules["v4tov4", f"*/{STAR}"] == f"{GUEST}/{STAR}"
    assert rules["v4tov4", f"*/{STALE}"] == f"{GUEST}/{STALE}"
    assert rules["v4tov4", f"0.0.0.0/{SINGLE}"] == f"{GUEST}/{SINGLE}"
    assert rules["v4tov4", "0.0.0.0/28730"] == before["v4tov4", "0.0.0.0/28730"]
    assert len(windows.registry.ledger()) == len(RANGE) + 3

    again = windows.setup("Debian", "--yes", *PARTS)
    assert set(again.states().values()) == {"already"}, again.output

    (profile / ".wslconfig.before-wslbridge").unlink()
    undone = windows.setup("Debian", "--undo", "--yes")
    assert undone.code == 0, undone.output
    assert not (profile / ".wslconfig.before-wslbridge").exists()  # the file has our lines by now
    assert (profile / ".wslconfig").read_bytes() == SETTINGS
    assert scheduler.strings(TASKS) == {}
    assert "'wsl --terminate Debian' ends it now" in undone.part("at-logon")["advice"]
    assert windows.prefix.run("reg", "query", r"HKCU\SOFTWARE\wslbridge", check=False).returncode != 0
    wait_until(lambda: windows.registry.rules() ==
               {("v4tov4", "0.0.0.0/28730"): "192.0.2.1/80"}, what="the rules of others")


MANY = range(20000, 21000)


def test_a_thousand_rules(windows, guest, servers):
    """A range of a folk script, one line for each port. They become one file, in one run."""
    assert windows.setup("Debian", "--yes").code == 0
    for port in MANY:
        forward(windows, f"0.0.0.0/{port}", f"{GUEST}/{port}")
    done = windows.setup("Debian", "--text", "--yes", "--import")
    assert done.code == 0, done.output
    assert "1000 port forwardings of others are wslbridge's now" in done.output
    assert guest.run("sh", "-c", "cd /etc/wslbridge/services.d && grep -H '^listen' *").splitlines() == \
        [f"import-{MANY[0]}-{MANY[-1]}.ini:listen = 0.0.0.0:{MANY[0]}-{MANY[-1]}"]
    rules = windows.registry.rules()
    assert all(rules["v4tov4", f"0.0.0.0/{port}"] == f"{GUEST}/{port}" for port in MANY)
    assert len(windows.registry.ledger()) == len(MANY)
    assert windows.setup("Debian", "--undo", "--yes").code == 0


def write_bytes(root, content, path="/etc/wsl.conf"):
    with open(root.path(path), "wb") as f:
        f.write(content)


def read_bytes(root, path="/etc/wsl.conf"):
    with open(root.path(path), "rb") as f:
        return f.read()


def test_systemd_is_turned_on(windows, wsl, no_systemd):
    """The file is changed in place, and the distro is ended and starts with systemd. Nothing else of it
    changes. After that there is nothing to do."""
    write_bytes(no_systemd, b"[boot]\r\ncommand=\"service ssh start\"\r\nsystemd = false # old\r\n")
    no_systemd.run("chmod", "640", "/etc/wsl.conf")
    no_systemd.run("chown", "daemon:mail", "/etc/wsl.conf")

    def start(script):
        if wsl.terminated:
            no_systemd.write("/usr/bin/systemctl", SYSTEMCTL, mode=0o755)
            no_systemd.run("mkdir", "-p", "/run/systemd/system")

    wsl.on_script = start
    done = windows.setup("Debian", "--yes")
    assert done.part("distro")["state"] == "done" and wsl.terminated == ["Debian"], done.output
    assert read_bytes(no_systemd) == \
        b"[boot]\r\ncommand=\"service ssh start\"\r\nsystemd = true # old\r\n"
    assert no_systemd.run("stat", "-c", "%a %U %G", "/etc/wsl.conf") == "640 daemon mail\n"
    assert no_systemd.run("find", "/etc", "-name", "*wslbridge-new") == ""
    assert windows.setup("Debian", "--dry-run").part("distro")["state"] == "already"


def test_no_wsl_conf_and_a_wsl_without_systemd(windows, wsl, no_systemd):
    """A new file, and a distro that has no systemd all the same: setup stops and says why."""
    done = windows.setup("Debian", "--yes")
    assert (done.code, done.part("distro")["state"]) == (1, "failed"), done.output
    assert "wsl.exe --update" in done.part("distro")["advice"]
    assert read_bytes(no_systemd) == b"[boot]\nsystemd=true\n"
    assert no_systemd.run("stat", "-c", "%a %U", "/etc/wsl.conf") == "644 root\n"


@pytest.mark.parametrize("case", ["dry-run", "nobody", "meanwhile", "utf-16", "mark", "malformed"])
def test_systemd_is_not_turned_on(windows, wsl, no_systemd, case):
    """One clear reason, and the distro is as it was."""
    content = {"utf-16": b"\xff\xfe[\0", "mark": b"\xef\xbb\xbf[boot]\nsystemd=true\n",
               "malformed": b"[x]\n; y\n[boot]\nsystemd=true\n"}.get(case, b"[x]\n")
    write_bytes(no_systemd, content)

    def change(script):
        if case == "meanwhile" and "wb_main write" in script:
            write_bytes(no_systemd, b"[y]\n")

    wsl.on_script = change
    words = {"dry-run": ["--dry-run", "--yes"], "nobody": []}.get(case, ["--yes"])
    done = windows.setup("Debian", *words)
    part = done.part("distro")
    assert wsl.terminated == []
    assert part["state"] == ("would" if case == "dry-run" else "failed"), done.output
    assert {"dry-run": "Turn systemd on", "nobody": "turned off", "meanwhile": "meanwhile",
            "utf-16": "is UTF-16", "mark": "line 1 of",
            "malformed": "does not understand line 2 of /etc/wsl.conf"}[case] in part["text"]
    assert read_bytes(no_systemd) == (b"[y]\n" if case == "meanwhile" else content)


def run_script(root, top, name, arguments, payload=""):
    """One of setup's scripts, put together as guest-script.c does. Returns (code, answers)."""
    script = pathlib.Path(top, "windows-helper/setup/scripts", name).read_text(encoding="utf-8")
    done = root.call("sh", input=f"{script}\nwb_payload() {{\ncat <<'WSLBRIDGE_END'\n{payload}"
                     f"WSLBRIDGE_END\n}}\n{{ wb_main {arguments}; exit; }}\n")
    return done.returncode, re.findall(r"^wslbridge-setup: (\w+)=(.*)$", done.stdout, re.M)


def octal(data):
    return "".join(f"\\{byte:03o}" for byte in data) + "\n"


def test_script_of_wsl_conf(no_systemd, top):
    """Every byte comes back and arrives. A link stays a link, and what is odd is left alone."""
    root = no_systemd
    odd = bytes(range(1, 256)) + "% \\ %s $HOME `id` ö\r\n".encode()
    write_bytes(root, odd, "/etc/real.conf")
    root.run("chmod", "600", "/etc/real.conf")
    root.run("ln", "-s", "real.conf", "/etc/wsl.conf")
    code, answers = run_script(root, top, "wsl-conf.sh", "read")
    state = dict(answers)["state"]
    seen = bytes(int(n, 8) for key, value in answers if key == "octal" for n in value.split())
    assert (code, seen, dict(answers)["size"]) == (0, odd, str(len(odd)))
    assert run_script(root, top, "wsl-conf.sh", "write 1-2", octal(b"x"))[0] == 3
    assert run_script(root, top, "wsl-conf.sh", f"write {state}", octal(odd[::-1]))[0] == 0
    assert root.run("readlink", "/etc/wsl.conf") == "real.conf\n"
    assert read_bytes(root, "/etc/real.conf") == odd[::-1]
    assert root.run("stat", "-c", "%a", "/etc/real.conf") == "600\n"
    for prepare in ("rm /etc/real.conf", "rm /etc/wsl.conf; mkdir /etc/wsl.conf"):
        root.run("sh", "-c", prepare)
        assert ("state", "odd") in run_script(root, top, "wsl-conf.sh", "read")[1]
        assert run_script(root, top, "wsl-conf.sh", "write odd", octal(b"x"))[0] != 0


FOLDER, LOCK = "/etc/wslbridge/services.d", "/run/wslbridge/services.lock"
PAYLOAD = "file one\n= [service]\n= listen = 1\nfile two\n= x\n"
LIST = """cat <<'EOF'
    "enabled": false,
 "listen": "0.0.0.0:1",
    "enabled": true,
        "listen": "[::]:2-3",
"listen": "0.0.0.0:4"
EOF
"""


@pytest.fixture
def services(bare_root, top):
    """A distro with the service "there". Returns what runs services.sh, and what replaces wslbridgectl."""
    bare_root.run("mkdir", "-p", FOLDER)
    bare_root.write(f"{FOLDER}/there.ini", "mine\n")

    def run(arguments, payload=""):
        return run_script(bare_root, top, "services.sh", arguments, payload)

    def wslbridgectl(check="", listed=LIST):
        bare_root.write("/usr/bin/wslbridgectl",
                        f"#!/bin/sh\ncase $1 in\ncheck) {check}:;;\nlist) {listed};;\nesac\n", 0o755)

    wslbridgectl()
    return run, wslbridgectl


def test_script_of_services(services, bare_root):
    """All files are written, whole. Only root can open the lock, as with 'wslbridgectl expose'."""
    run, _ = services
    code, answers = run("list")
    state = dict(answers)["state"]
    assert (code, answers) == (0, [("begin", "yes"), ("name", "there"), ("listen", "[::]:2-3"),
                                   ("listen", "0.0.0.0:4"), ("state", state), ("end", "yes")])
    assert run(f"write {state}", PAYLOAD) == (0, [("end", "yes")])
    assert bare_root.run("ls", "-A", FOLDER, "/etc/wslbridge") == \
        f"/etc/wslbridge:\nservices.d\n\n{FOLDER}:\none.ini\nthere.ini\ntwo.ini\n"
    assert bare_root.read(f"{FOLDER}/one.ini") == "[service]\nlisten = 1\n"
    assert bare_root.read(f"{FOLDER}/there.ini") == "mine\n"
    assert bare_root.run("stat", "-c", "%a", f"{FOLDER}/one.ini", LOCK, "/run/wslbridge") == "644\n600\n755\n"
    assert dict(run("list")[1])["state"] != state


@contextlib.contextmanager
def locked(path):
    with open(path, "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.mark.parametrize("case", ["name", "file", "listen", "problem", "locked"])
def test_script_of_services_that_fails(services, bare_root, case):
    """No file is replaced, and none stays of those that were written before: a name is taken, a service
    has come meanwhile, the whole set has a problem with a new file, or somebody else has the lock."""
    run, wslbridgectl = services
    state, payload = dict(run("list")[1])["state"], PAYLOAD
    with contextlib.ExitStack() as until:
        if case == "name":
            payload += "file there\n= y\nfile three\n= z\n"
        elif case == "file":
            bare_root.run("mkdir", "-p", "/run/wslbridge/services.d")
            bare_root.write("/run/wslbridge/services.d/other.ini", "x\n")
        elif case == "listen":
            wslbridgectl(listed=LIST.replace(":4", ":5"))
        elif case == "problem":
            wslbridgectl(check=f"echo '{FOLDER}/two.ini:1: x' >&2; ")
        else:
            bare_root.write("/usr/sbin/flock", "#!/bin/sh\nexec /usr/bin/flock -n 9\n", 0o755)
            bare_root.run("mkdir", "-p", "/run/wslbridge")
            until.enter_context(locked(bare_root.path(LOCK)))
        code, answers = run(f"write {state}", payload)
    assert code != 0 and answers == []
    assert bare_root.run("ls", "-A", FOLDER, "/etc/wslbridge") == \
        f"/etc/wslbridge:\nservices.d\n\n{FOLDER}:\nthere.ini\n"
    assert bare_root.read(f"{FOLDER}/there.ini") == "mine\n"


def test_a_service_comes_while_the_import_asks(windows, wsl, guest, servers):
    """Somebody exposes the port of a forwarding after the services were listed. Nothing is written, and
    setup says why; the next run takes the forwarding over for that service."""
    assert windows.setup("Debian", "--yes").code == 0
    forward(windows, f"0.0.0.0/{SINGLE}", f"{GUEST}/{SINGLE}")

    def expose(script):
        if "wb_main write" in script:
            guest.call("wslbridgectl", "expose", str(SINGLE), "--name=web")

    wsl.on_script = expose
    done = windows.setup("Debian", "--yes", "--import")
    assert done.part("import")["state"] == "failed", done.output
    assert "have changed since they were listed" in done.part("import")["advice"]
    assert guest.run("ls", FOLDER) == "web.ini"
    again = windows.setup("Debian", "--yes", "--import")
    assert again.states()["import"] == "done", again.output
    assert guest.run("ls", FOLDER) == "web.ini" and len(windows.registry.ledger()) == 1

    def is_ours():
        """The entry proves the value. Until then it is a stranger's, and would outlive the removal."""
        _, service, current, following = list(windows.registry.ledger().values())[0].split("|")
        return service == "web" and current == following != "-"

    wait_until(is_ours, what="the end of the adoption")
    assert windows.setup("Debian", "--undo", "--yes").code == 0
    rule = "v4tov4", f"0.0.0.0/{SINGLE}"  # other tests leave some of strangers
    wait_until(lambda: rule not in windows.registry.rules(), what="the end of the rule")
