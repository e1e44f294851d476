# SPDX-License-Identifier: MIT
"""Every command that one of our texts names is one that its program takes. The texts are those that
commands.py finds. Commands of Linux go to the program's own parser, those of Windows to the tables
of windows_commands.py."""
import functools
import os
import re
import subprocess

import commands
import pytest
import tree
import windows_commands as windows

FOLDER = r"Program Files\wslbridge"
# Linux programs of which our texts use only these forms.
FORMS = {"modprobe": r"(?:-r )?\w+", "lsmod": "", "rm": r"(?:-[rf] )?/\S+(?: /\S+)?", "chown": r"root(?: /\S+)?",
         "chmod": r"[0-7]{3,4}(?: /\S+)?", "systemd-machine-id-setup": "", "hostname": "",
         "mount": "--make-shared /run", "wslinfo": "--(?:networking-mode|vm-id|version|wsl-version|msal-proxy-path)",
         "wslpath": "-[wu] /\\S*", "cd": r'.+', "ls": r"-l /\S+", "cat": r"/\S+", "iptables": r".*",
         "tailscale": "set --exit-node-allow-lan-access=true", "firewall-cmd": r"--reload|--permanent --add-port=(?:\d+(?:-\d+)?/(?:tcp|udp)|x/x)",
         "ufw": r"allow (?:\d+(?::\d+)?/(?:tcp|udp)|x/x)", "nft": "list ruleset", "apt-get": r"update|(?:install|remove|purge) [\w./*-]+", "ln": r"-s /\S+ /\S+"}
ALONE = {"sudo", "'", "$"}


def run(*words, **options):
    done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=20, **options)
    return done.returncode, done.stdout + done.stderr


@functools.lru_cache(maxsize=None)
def systemctl_verbs():
    return set(re.findall(r"^  ([a-z-]+)\b", run("systemctl", "--help")[1], re.MULTILINE))


def check_systemctl(words):
    verbs = [w for w in words if not w.startswith("-")]
    if verbs and verbs[0] not in systemctl_verbs():
        return f"systemctl has no command '{verbs[0]}'"
    code, output = run("systemctl", *[w for w in words if w.startswith("-")], "--help")
    return output.splitlines()[0] if code else None


def check_journalctl(words):
    code, output = run("journalctl", *words, "--help")
    return output.splitlines()[0] if code else None


def check_ss(words):
    code, output = run("ss", *words, "-h")
    return output.splitlines()[0] if code else None


def check_ip(words):
    code, output = run("ip", *(words[:1] or ["address"]), "help")
    return None if "Usage:" in output and "unknown" not in output else output.strip()


@functools.lru_cache(maxsize=None)
def helper_forms():
    """[words of each form] from the usage of each command in the helper's help. Capitals stand for a
    value."""
    text = tree.read("windows-helper/commands/help.c")
    forms = ["run --service", "help", "help COMMAND", "version", "--version", "--help"]
    for command, usage in re.findall(r'^        \{"(\w+)", "([^"]*)",', text, re.MULTILINE):
        forms += [*usage.split("\\n"), f"{command} --help"]
    assert len(forms) >= 20
    return [re.sub(r" \| ", "|", form).split() for form in forms]


def fits(words, form):
    """Whether words are a form of the help: [optional], CAPITALS, literal words, and [OPTION...] for
    any options that the help names."""
    if not form:
        return not words
    if form[0] == "[OPTION...]":
        options = set(re.findall(r"--[a-z-]+", tree.read("windows-helper/commands/help.c")))
        return set(words) <= options
    if form[0].startswith("[") and form[0].strip("[]").isupper():
        return fits(words, form[1:]) or fits(words, [form[0].strip("[]"), *form[1:]])
    if form[0].startswith("["):
        literal = form[0].strip("[]").split("|")
        return fits(words, form[1:]) or (words[:1] and words[0] in literal
                                         and fits(words[1:], form[1:]))
    if not words:
        return False
    same = (words[0] not in ("", "-") and not words[0].startswith("-")) if form[0].isupper() \
        else words[0] in form[0].split("|")
    return bool(same and fits(words[1:], form[1:]))


def check_helper(words):
    if words in ([], [windows.ANY]) or any(fits(words, form) for form in helper_forms()):
        return None
    return f"the help of wslbridge-helper shows no such form: '{' '.join(words)}'"


def check_mention(name, words):
    """Of 'wslbridge-helper pair' in a sentence: a beginning of a form that can be typed."""
    if len(words) == 1 and words[0] in windows.VERBS.get(name, ()):
        return True
    forms = helper_forms() if name == "wslbridge-helper" else \
        [[w] for w in ctl_commands()] if name == "wslbridgectl" else []
    return any(form[:len(words)] == list(words) for form in forms)


@functools.lru_cache(maxsize=None)
def ctl_commands():
    return re.findall(r'\{"(\w+)", \d+, \d+,', tree.read("agent/ctl/main.c"))


# What an example of a man page or a message writes for a value.
EXAMPLES = {"PORT": "2222", "PORT[:GUESTPORT]": "2222:22", "SECONDS": "5", "ADDRESS": "0.0.0.0"}


def ctl_checker(dev_tree, root):
    def check(words):
        """Its own parser: usage errors have exit code 2. Nothing below @root is there, so that a
        command which is understood finds no agent, and writes no file that counts."""
        given = [EXAMPLES.get(w, w) for w in words if not re.fullmatch(r"\[.*\]|\.\.\.", w)]
        code, output = run(os.path.join(dev_tree, "agent/wslbridgectl"), f"--root={root}", *given,
                           env={**os.environ, "PATH": "/nonexistent"})
        return output.strip() if code == 2 else None
    return check


def daemon_checker(dev_tree, name):
    def check(words):
        code, output = run(os.path.join(dev_tree, "agent", name), *words, "--help")
        return output.strip() if code else None
    return check


def check_dev(words):
    names = ["help", *re.findall(r"^cmd_(\w+)\(\)", tree.read("dev"), re.MULTILINE)]
    options = set(re.findall(r"--([a-z-]+)", tree.read("dev")))
    unknown = [w for w in words if w.startswith("--") and w[2:].split("=")[0] not in options]
    if words and words[0] not in names and not words[0].startswith("-"):
        return f"./dev has no command '{words[0]}'"
    return f"./dev has no option {unknown}" if unknown else None


def check_form(name):
    return lambda words: (None if re.fullmatch(FORMS[name], " ".join(words))
                          else f"{name} is not used like this")


@pytest.fixture(scope="module")
def checks(dev_tree, tmp_path_factory):
    """{program: what is wrong with these words after it, or None}"""
    return {**{name: check_form(name) for name in FORMS}, **windows.CHECKS,
            "systemctl": check_systemctl, "journalctl": check_journalctl, "ss": check_ss,
            "ip": check_ip, "wslbridge-helper": check_helper, "./dev": check_dev,
            "wslbridgectl": ctl_checker(dev_tree, tmp_path_factory.mktemp("root")),
            **{name: daemon_checker(dev_tree, name)
               for name in ("wslbridge-agent", "wslbridge-loopback")}}


def program_of(words):
    """(program, its words): without sudo, the path and .exe."""
    words = list(words)
    if words[:1] == ["sudo"]:
        words.pop(0)
    if not words:
        return "", []
    name = words[0] if words[0] == "./dev" else re.split(r"[\\/]", words[0])[-1]
    return name.removesuffix(".exe"), words[1:]


def is_command(command, checks):
    """A program's name alone is a name. In Markdown and man pages even 'wslbridgectl' is one."""
    name, words = program_of(command.words)
    return name in checks and (command.line or bool(words))


def named(checks):
    for command in commands.typed():
        if is_command(command, checks):
            yield command, *program_of(command.words)


def report(problems):
    assert not problems, "correct the text:\n" + "\n".join(dict.fromkeys(problems))


def test_commands_are_ones_that_their_programs_take(checks):
    seen, wrong = set(), []
    for command, name, words in named(checks):
        seen.add(name)
        error = None if not command.line and check_mention(name, words) else checks[name](words)
        if error:
            wrong.append(f"{command.where}: '{' '.join(command.words)}': {error}")
    report(wrong)
    # The search is no use if it finds nothing.
    assert {"systemctl", "journalctl", "sc", "reg", "netsh", "wsl", "powershell", "ss", "ip",
            "wslbridge-helper", "wslbridgectl", "wslbridge-agent", "./dev"} <= seen
    places = {(command.where, name) for command, name, _ in named(checks)}
    assert {("tools/install.sh", "systemctl"), ("tools/install.sh", "./dev"), ("dev", "./dev")} <= places


def test_no_command_that_powershell_takes_for_another(checks):
    """Aliases hide programs; a comma outside quotes makes a list, which a program gets as several
    words (about_Parsing); and a reader may use either shell, so what only one of them understands
    must not stand there."""
    wrong = []
    for command, name, _ in named(checks):
        first = re.split(r"[\\/]", command.words[0])[-1]
        if first in windows.HIDDEN_BY_ALIASES:
            wrong.append(f"{command.where}: '{first}' is a cmdlet in PowerShell: {first}.exe")
        bare = re.sub(r"\"[^\"]*\"|'[^']*'", "", command.typed)
        if name in {*windows.CHECKS, "wslbridge-helper"} and re.search(r"\S,\S", bare):
            wrong.append(f"{command.where}: put quotes around the words with a comma")
        if name == "wsl" and '"' in command.typed.split("--exec")[0]:  # fact 2.1.11
            wrong.append(f"{command.where}: wsl.exe takes the quotes for a part of the name: {command.typed}")
        one_shell = re.search(r"%\w+%|\$env:|&", " ".join(command.words))
        if command.line and name in {*windows.CHECKS, "wslbridge-helper", "cd"} and one_shell:
            wrong.append(f"{command.where}: only one of cmd and PowerShell knows {one_shell[0]}")
    report(wrong)


def test_a_restart_waits_for_the_end():
    """'sc.exe stop' returns while the service is still ending, and a start at once is refused (error
    1056). 'net.exe stop' waits."""
    report([f"{where}: stop it with net.exe" for where, text in commands.texts()
            for name in re.findall(r"\bsc\.exe stop (\S+?)(?=['\s])", text)
            if re.search(rf"\bstart {name}\b", text)])


def test_nothing_names_sc_alone():
    """Not in a comment or a table either, from where it would be copied."""
    bare = re.compile(rf"(?<![\w./\\-])sc (?:{'|'.join(sorted(windows.VERBS['sc']))})\b")
    files = [f for f in tree.FILES if not f.startswith("tests/") and
             f.endswith((".c", ".h", ".md", ".mc", ".adml", ".catalog", ".1", ".5", ".8", ".in"))]
    report([f"{f}:{i}: sc.exe" for f in files
            for i, line in enumerate(tree.read(f).splitlines(), 1) if bare.search(line)])


def test_commands_stand_in_quotes_or_on_a_line_of_their_own(checks):
    """So that a reader sees where they end, and these tests find them."""
    verbs = {**windows.VERBS, "systemctl": systemctl_verbs(), "wslbridgectl": {"-"},
             "wslbridge-helper": {form[0] for form in helper_forms()} - {"run"}}
    wrong = []
    for where, text in commands.loose():
        for name in checks:
            words = "|".join(map(re.escape, sorted(verbs.get(name, ())))) or "-"
            found = re.search(rf"(?<![\w./\\'-]){re.escape(name)}(?:\.exe)? (?:(?:{words})\b|-\w|--\w)",
                              text)
            if found:
                wrong.append(f"{where}: put quotes around '{found[0]} ...'")
    report(wrong)


def test_everything_to_run_has_a_parser(checks):
    """A text that says 'run …' of a program that these tests do not know."""
    wrong = []
    for where, text in commands.texts():
        for piece in re.findall(r"\b[Rr]un '([^']+)'", " ".join(text.split())):
            if program_of(commands.split(piece))[0] not in checks:
                wrong.append(f"{where}: '{piece}'; add its program to test_commands.py")
    report(wrong)


def test_who_is_sent_to_the_helper_learns_where_it_is(checks):
    """Terminals that are open do not have it in PATH yet, and PowerShell starts nothing of the present
    folder by its bare name. So a text that is read where the program was not just typed names the
    folder, and a line to be copied begins with '.\\', which both shells take, unless the page sends
    its reader to a new terminal. 'install' is for a program that is elsewhere."""
    wrong = []
    for command, name, words in named(checks):
        mention = not command.line and check_helper(words)
        if name != "wslbridge-helper" or mention:
            continue
        page = command.where.split(":")[0]
        if command.line and page.endswith(".md") and "a new terminal" in tree.read(page):
            continue
        if command.line and not command.words[0].startswith((".\\", "C:\\")):
            wrong.append(f"{command.where}: begin the line with .\\wslbridge-helper")
        typed_here = not command.line and re.match(r"windows-helper/.*\.[ch]:|docs/.*\.md:|[A-Z]+\.md:",
                                                   command.where)
        named_here = FOLDER in command.text or "In the folder of this program" in command.text
        if not named_here and words[0] != "install" and not typed_here:
            wrong.append(f"{command.where}: say that it is in C:\\{FOLDER}")
    report(wrong)
