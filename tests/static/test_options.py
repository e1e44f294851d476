# SPDX-License-Identifier: MIT
"""One list of keys, options, commands and exit codes: code, man pages, help, completions and sample
files say the same."""
import os
import re
import subprocess

import pytest
import tree

COMMON = {"help", "version", "root"}
BASH = "agent/ctl/completions/wslbridgectl.bash"
ZSH = "agent/ctl/completions/_wslbridgectl"
FISH = "agent/ctl/completions/wslbridgectl.fish"
COMPLETIONS = (BASH, ZSH, FISH)


def without_roff(path):
    text = re.sub(r"\\f[A-Z]", "", tree.read(path))
    return text.replace("\\-", "-").replace('"', "")


def code_options(path):
    return set(re.findall(r'\{"([a-z-]+)", (?:no|required)_argument', tree.read(path)))


def command_options():
    """{command: its options}, from the table in agent/ctl/main.c."""
    text = tree.read("agent/ctl/main.c")
    groups = {name: set(re.findall(r"BIT\((\w+)\)", value)) for name, value in
              re.findall(r"#define (\w+_OPTIONS)[\s\\]+\((.*(?:\\\n.*)*)\)", text)}
    table = re.search(r"Command commands\[\] = \{(.*?)\n\};", text, re.DOTALL)[1]
    commands = {}
    for name, rest in re.findall(r'\{"(\w+)", (.*?), ctl_\w+\}', table, re.DOTALL):
        bits = set(re.findall(r"BIT\((\w+)\)", rest))
        for group in re.findall(r"\w+_OPTIONS", rest):
            bits |= groups[group]
        commands[name] = {b.lower().replace("_", "-") for b in bits}
    return commands


def help_of(dev_tree, program):
    return subprocess.run([os.path.join(dev_tree, "agent", program), "--help"], text=True,
                          capture_output=True, check=True).stdout


@pytest.mark.parametrize("source,program,page", [
    ("agent/main.c", "wslbridge-agent", "docs/wslbridge-agent.8"),
    ("agent/loopback/main.c", "wslbridge-loopback", "docs/wslbridge-loopback.8"),
    ("agent/ctl/main.c", "wslbridgectl", "docs/wslbridgectl.1"),
])
def test_options_in_help_and_man_page(dev_tree, source, program, page):
    options = code_options(source)
    # wslbridge-loopback reads no configuration.
    assert COMMON - ({"root"} if "loopback" in program else set()) < options
    assert set(re.findall(r"--([a-z-]+)", help_of(dev_tree, program))) == options
    section = re.search(r"^\.SH OPTIONS\n(.*?)^\.SH ", without_roff(page), re.M | re.S)[1]
    described = set(re.findall(r"^\.B\w* (?:-h *, *)?--([a-z-]+)", section, re.M))
    assert described == options


def test_commands_in_help_and_man_page(dev_tree):
    commands = list(command_options())
    assert len(commands) == 10
    assert re.findall(r"^  ([a-z]+) ", help_of(dev_tree, "wslbridgectl"), re.M) == commands
    section = re.search(r"^\.SH COMMANDS\n(.*?)^\.SH ", without_roff("docs/wslbridgectl.1"),
                        re.M | re.S)[1]
    assert re.findall(r"^\.TP\n\.BR? (\w+)", section, re.M) == commands


def test_exit_codes():
    codes = re.findall(r"CTL_EXIT_\w+ = (\d)", tree.read("agent/ctl/show/ctl-error.h"))
    section = re.search(r"^\.SH EXIT STATUS\n(.*?)^\.SH ", tree.read("docs/wslbridgectl.1"),
                        re.M | re.S)[1]
    assert re.findall(r"^\.B (\d)", section, re.M) == codes


@pytest.mark.parametrize("path", COMPLETIONS)
def test_completion_knows_nothing_else(path):
    text = tree.read(path)
    options = set(re.findall(r"(?:--|(?<!set) -l )([a-z][a-z-]+)", text))
    assert options == code_options("agent/ctl/main.c")
    assert all(re.search(rf"\b{c}\b", text) for c in command_options())


def complete_in_bash(line):
    """What bash offers at the end of @line."""
    script = (f'. {os.path.join(tree.TOP, BASH)}; compopt() {{ :; }}; wslbridgectl() {{ printf '
              f'"NAME X\\nssh 1\\nweb 2\\n"; }}; COMP_WORDS=({line}); '
              f'COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _wslbridgectl; echo "${{COMPREPLY[@]}}"')
    done = subprocess.run(["bash", "-uc", script], capture_output=True, text=True)
    assert done.stderr == ""
    return set(done.stdout.split())


def test_bash_offers_each_command_its_options():
    commands = command_options()
    assert complete_in_bash("wslbridgectl ''") == set(commands)
    assert complete_in_bash("wslbridgectl ex") == {"expose"}
    for name, options in commands.items():
        offered = complete_in_bash(f"wslbridgectl {name} --")
        assert {o.strip("-=") for o in offered} == options | COMMON, name
    for name in ("status", "unexpose", "wait"):
        assert complete_in_bash(f"wslbridgectl {name} ''") == {"ssh", "web"}
    assert complete_in_bash("wslbridgectl unexpose w") == {"web"}
    assert complete_in_bash("wslbridgectl expose 80 --firewall = p") == {"private", "public"}
    assert complete_in_bash("wslbridgectl expose ''") == set()


def test_fish_offers_each_command_its_options():
    for name, options in command_options().items():
        done = subprocess.run(["fish", "--no-config", "-c",
                               f"function wslbridgectl; end; source {os.path.join(tree.TOP, FISH)}; "
                               f"complete -C 'wslbridgectl {name} --'"],
                              capture_output=True, text=True)
        assert done.stderr == ""
        offered = {line.split("\t")[0].strip("-=") for line in done.stdout.splitlines()}
        assert offered == options | COMMON, name


def test_zsh_understands_the_completion():
    done = subprocess.run(["zsh", "-fn", os.path.join(tree.TOP, ZSH)], capture_output=True,
                          text=True)
    assert (done.returncode, done.stderr) == (0, "")
    text = tree.read(ZSH)
    lists = dict(re.findall(r"^    (always|waiting|request|setting)=\((.*?)\)$", text, re.M | re.S))
    lists = {name: set(re.findall(r"--([a-z-]+)", value)) for name, value in lists.items()}
    assert lists["always"] == COMMON
    for name, options in command_options().items():
        line = re.search(rf"^    [\w |]*\b{name}\b[\w |]*\) (_arguments.*) ;;", text, re.M)[1]
        offered = set(re.findall(r"--([a-z-]+)", line))
        for group in re.findall(r"\$(\w+)", line):
            offered |= lists[group]
        assert offered == options | COMMON, name


def config_keys(source):
    return re.findall(r'\[(?:SERVICE|AGENT)_KEY_\w+\] =\s*\{\.name = "([a-z-]+)"', tree.read(source))


SAMPLES = {"*.conf.sample": "agent/config/agent-file.c", "*.ini.sample": "agent/config/service-file.c"}


@pytest.mark.parametrize("pattern,source", SAMPLES.items())
def test_samples_have_every_key_commented_and_explained(pattern, source):
    files = tree.matching(pattern)
    assert len(files) == 1, "there is one sample of each kind"
    keys = config_keys(source)
    assert len(keys) >= 3
    text = tree.read(files[0])
    assert list(dict.fromkeys(re.findall(r"^#([a-z-]+) = \S", text, re.M))) == keys
    assert not re.search(r"^[a-z-]+ *=", text, re.M), "a key that is in force"
    for key in keys:
        assert re.search(rf"^# .*\n(?:#[a-z-]+ = .*\n)*#{key} = ", text, re.M), f"{key} unexplained"


def test_keys_of_the_file_are_options_of_expose():
    """Except the two that are in its argument, the one that makes no sense there, and connect, whose
    only other word is the option --loopback."""
    keys = set(config_keys("agent/config/service-file.c"))
    options = command_options()["expose"]
    assert keys - {"connect-port", "protocol", "enabled", "connect"} <= options
    assert "loopback" in options


def test_keys_in_the_man_page():
    page = without_roff("docs/wslbridge.conf.5")
    keys = re.findall(r"^\.BI ([a-z-]+)=", page, re.M)
    assert keys == config_keys("agent/config/service-file.c") + config_keys("agent/config/agent-file.c")
