# SPDX-License-Identifier: MIT
"""Scripts are checked by the tools that know their traps."""
import os
import re
import subprocess

import tree


def test_shellcheck_has_nothing_to_say():
    done = subprocess.run(["shellcheck", "-x", *tree.shell_scripts()], cwd=tree.TOP,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_pyflakes_has_nothing_to_say():
    done = subprocess.run(["pyflakes3", *tree.matching("*.py")], cwd=tree.TOP,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_guests_scripts_are_whole_without_their_comments():
    """What the helper sends has none: a # behind a space begins one, also between quotes."""
    cut = re.search(r"command: \['sed', '(/\^ \*#/d[^']*)'", tree.read("windows-helper/meson.build"))[1]
    scripts = [path for path in tree.shell_scripts() if path.startswith("windows-helper/setup/scripts/")]
    assert scripts
    for path in scripts:
        text = subprocess.run(["sed", cut, path], cwd=tree.TOP, capture_output=True, text=True,
                              check=True).stdout
        done = subprocess.run(["sh", "-n"], input=text, capture_output=True, text=True)
        assert done.returncode == 0, f"{path}: {done.stderr}"
        assert not re.search(r"(^|\s)#", text), path


def dev(*arguments, cwd=tree.TOP, **environment):
    return subprocess.run([os.path.join(tree.TOP, "dev"), *arguments], cwd=cwd,
                          env={**os.environ, **environment}, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)


def test_dev_help_names_every_command_from_any_folder(tmp_path):
    done = dev("help", cwd=tmp_path)
    assert done.returncode == 0
    for command in ("demo", "test", "check", "coverage", "bench", "fuzz", "soak", "build", "install",
                    "uninstall", "dist", "package", "format", "help"):
        assert f"  {command}" in done.stdout


def test_dev_refuses_what_it_does_not_know():
    for arguments in (["nonsense"], ["test", "nonsense"], ["fuzz", "soon"], ["soak", "soon"], ["build", "it"],
                      ["install", "it"], ["install", "--destdir="], ["uninstall", "it"],
                      ["dist", "it"], ["package", "it"], ["check", "it"], ["coverage", "it"]):
        done = dev(*arguments)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1 and done.stderr.startswith("wslbridge: ")
        assert "'" + arguments[-1] + "'" in done.stderr or "takes no argument" in done.stderr


def test_dev_refuses_a_place_for_tests_that_it_does_not_know():
    for options, words in ((["--release=sid"], "bookworm trixie"), (["--arch=i386"], "arm64"),
                           (["--slow"], "--long"), (["--arch=arm64", "system"], "unit wire fuzz"),
                           (["--arch=arm64", "--release=trixie"], "do not go together")):
        done = dev("test", *options)
        assert done.returncode == 1 and words in done.stderr
        assert done.stderr.count("\n") == 1 and done.stderr.startswith("wslbridge: ")


def test_the_root_of_a_release_has_what_each_suite_needs():
    """'./dev test --release=NAME' installs nothing: what './dev test' asks for is in the root."""
    asked = set(re.findall(r"[a-z]+", " ".join(re.findall(
        r"ensure_packages ([a-z ]+)", tree.read("dev").split("cmd_test()")[1].split("\n}")[0]))))
    there = set(" ".join(re.findall(r"packages_of ([a-z ]+)", tree.read("tools/debian-root.sh"))).split())
    assert {"build", "clients"} <= asked <= there


def test_ci_runs_the_tests_that_people_run():
    text = tree.read(".ci/run")
    assert "./dev test" in text and os.access(os.path.join(tree.TOP, ".ci/run"), os.X_OK)


def test_the_hook_before_a_commit_runs_the_check():
    """Git looks for it by its name, in the folder that './dev help' says."""
    assert "git config core.hooksPath tools" in dev("help").stdout
    assert os.access(os.path.join(tree.TOP, "tools", "pre-commit"), os.X_OK)
    assert '/dev" check' in tree.read("tools/pre-commit")
