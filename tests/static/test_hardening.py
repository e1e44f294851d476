# SPDX-License-Identifier: MIT
"""The programs as they ship, of both halves: what the compiler, the linker and the loader do to make
an error in them harder to use, and what the exe tells Windows about itself."""
import json
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import portable_executable
import pytest
import tree

pytestmark = pytest.mark.release

PROGRAMS = ("agent/wslbridge-agent", "agent/wslbridgectl")
EXE_MAX = 400 * 1024  # bytes, without debug information
WINDOWS_10 = "{8e0f7a12-bfb3-4fe8-b9a5-48fd50a15a9a}"


def readelf(path, *options):
    return subprocess.run(["readelf", "-W", *options, path], check=True, capture_output=True,
                          text=True).stdout


def compiler_lines(folder):
    """{source: command} of what belongs to a program that ships."""
    with open(os.path.join(folder, "compile_commands.json"), encoding="utf-8") as f:
        found = {c["file"]: c for c in json.load(f) if "/tests/" not in c["file"]}
    assert len(found) > 20
    return found


def compiler_of(line):
    return next(w for w in line["command"].split() if os.path.basename(w) != "ccache")


def predefined(compiler, name):
    """The value of a macro, or ''."""
    text = subprocess.run([compiler, "-O2", "-dM", "-E", "-x", "c", os.devnull], check=True,
                          capture_output=True, text=True).stdout
    found = re.search(rf"^#define {name} (.*)$", text, re.MULTILINE)
    return found[1] if found else ""


@pytest.fixture(params=PROGRAMS)
def program(request, release_tree):
    path = os.path.join(release_tree, request.param)
    assert os.path.isfile(path), "build first: ./dev build"
    return path


def test_everything_is_bound_at_the_start_and_then_read_only(program):
    dynamic = readelf(program, "-d")
    assert re.search(r"\(FLAGS\)\s.*\bBIND_NOW\b", dynamic)
    assert "GNU_RELRO" in readelf(program, "-l")


def test_the_program_is_at_a_random_address(program):
    assert re.search(r"\(FLAGS_1\)\s.*\bPIE\b", readelf(program, "-d"))
    stack = re.search(r"GNU_STACK.*", readelf(program, "-l"))[0]
    assert " RW " in stack and "RWE" not in stack


def test_the_c_library_checks_sizes(program):
    checked = set(re.findall(r"\b(__\w+_chk)\b", readelf(program, "--dyn-syms")))
    assert len(checked - {"__stack_chk_fail"}) >= 3, checked
    assert "__stack_chk_fail" in readelf(program, "--dyn-syms")


@pytest.mark.parametrize("folder", ["release_tree", "windows_release_tree"])
def test_the_highest_level_of_checks_that_the_compiler_has(folder, request):
    for source, line in compiler_lines(request.getfixturevalue(folder)).items():
        compiler = compiler_of(line)
        if predefined(compiler, "_FORTIFY_SOURCE"):
            pytest.skip("the distribution has set a level")
        modern = subprocess.run([compiler, "-x", "c", "-E", "-"], capture_output=True, text=True,
                                input="#if !__has_builtin(__builtin_dynamic_object_size)\n#error\n"
                                      "#endif\n").returncode == 0
        assert f"-D_FORTIFY_SOURCE={3 if modern else 2}" in line["command"], source


def test_jumps_are_marked_in_every_object(release_tree):
    """The C library's own objects decide whether the linker keeps the mark (Debian 12: no)."""
    lines = compiler_lines(release_tree)
    if predefined(compiler_of(next(iter(lines.values()))), "__x86_64__") != "1":
        pytest.skip("the mark looks otherwise on this processor")
    for line in lines.values():
        path = os.path.join(line["directory"], line["output"])
        if os.path.exists(path):
            assert "IBT, SHSTK" in readelf(path, "-n"), path


@pytest.fixture(scope="module")
def exe(windows_release_tree):
    path = os.path.join(windows_release_tree, "windows-helper", "wslbridge-helper.exe")
    assert os.path.isfile(path), "build first: ./dev build"
    return portable_executable.PortableExecutable(path)


def test_the_exe_is_at_a_random_address_and_runs_no_data(exe):
    wanted = (portable_executable.HIGH_ENTROPY_VA | portable_executable.DYNAMIC_BASE |
              portable_executable.NX_COMPAT)
    assert exe.dll_characteristics & wanted == wanted
    # Without this table it can only be at one address.
    assert exe.directory(portable_executable.RELOCATIONS)[1] > 0
    assert not exe.characteristics & portable_executable.RELOCS_STRIPPED


def test_the_exe_is_a_program_of_windows_10(exe):
    assert exe.subsystem_version == (10, 0)
    assert exe.os_version == (10, 0)


def project_version():
    return re.search(r"version: '([0-9.]+)'", tree.read("meson.build"))[1]


def test_the_exe_is_small(windows_release_tree, tmp_path):
    path = os.path.join(windows_release_tree, "windows-helper", "wslbridge-helper.exe")
    stripped = tmp_path / "stripped.exe"
    subprocess.run(["x86_64-w64-mingw32-strip", "-o", stripped, path], check=True)
    assert stripped.stat().st_size <= EXE_MAX


def test_the_exe_has_one_printf_and_no_scanf():
    """Each of these brings 10 to 30 KiB of the compiler's library into it: win_format() and strtoul()
    are there already."""
    costly = re.compile(r"(?<![\w_])(v?snwprintf|v?swprintf|\w*scanf|strto[df]|wcsto[df])\(")
    calls = [f"{f}:{i}: {found[1]}()" for f in tree.FILES
             if f.endswith(".c") and f.startswith(("windows-helper/", "common/", "protocol/"))
             for i, line in enumerate(tree.read(f).splitlines(), 1)
             if (found := costly.search(line))]
    assert calls == []


def test_the_exe_says_what_it_is(exe):
    block, = exe.resources(portable_executable.RT_VERSION)
    text = block.decode("utf-16-le", "replace")
    for name, value in (("ProductName", "wslbridge"), ("FileVersion", project_version()),
                        ("ProductVersion", project_version()),
                        ("OriginalFilename", "wslbridge-helper.exe")):
        assert re.search(rf"{name}\0+{re.escape(value)}\0", text), name
    # VS_FIXEDFILEINFO: two numbers of 32 bits have the four parts.
    at = block.index(bytes.fromhex("bd04effe"))
    high, low = (int.from_bytes(block[at + n:at + n + 4], "little") for n in (8, 12))
    parts = [high >> 16, high & 0xffff, low >> 16, low & 0xffff]
    assert parts == [*map(int, project_version().split(".")), 0]


def test_the_manifest_of_the_exe(exe):
    text, = exe.resources(portable_executable.RT_MANIFEST)
    found = {}
    for element in ElementTree.fromstring(text.decode()).iter():
        name = element.tag.split("}")[1]
        found[name] = (element.text or "").strip() or dict(element.attrib)
    assert found["requestedExecutionLevel"] == {"level": "asInvoker", "uiAccess": "false"}
    assert found["longPathAware"] == "true"
    assert found["activeCodePage"] == "UTF-8"
    assert found["supportedOS"] == {"Id": WINDOWS_10}
    assert found["assemblyIdentity"]["version"] == project_version() + ".0"
