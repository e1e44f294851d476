# SPDX-License-Identifier: MIT
"""The programs as they ship, of both halves: what the compiler, the linker and the loader do to make
an error in them harder to use, and what the exe tells Windows about itself."""
import functools
import json
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import portable_executable
import pytest
import tree
import windows_programs
from windows_programs import SIZES

pytestmark = pytest.mark.release

PROGRAMS = ("agent/wslbridge-agent", "agent/wslbridge-loopback", "agent/wslbridgectl")
# Bytes of code that the compiler's library has written by hand, without data for unwinding: the check
# of large stacks, and the lists behind the code.
BY_HAND_MAX = 160
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


@functools.cache  # each source asks, and all have the same compiler
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


@functools.cache
def knows_sizes_at_run_time(compiler):
    return subprocess.run([compiler, "-x", "c", "-E", "-"], capture_output=True, text=True,
                          input="#if !__has_builtin(__builtin_dynamic_object_size)\n#error\n"
                                "#endif\n").returncode == 0


@pytest.mark.parametrize("folder", ["release_tree", "windows_release_tree"])
def test_the_highest_level_of_checks_that_the_compiler_has(folder, request):
    for source, line in compiler_lines(request.getfixturevalue(folder)).items():
        compiler = compiler_of(line)
        if predefined(compiler, "_FORTIFY_SOURCE"):
            pytest.skip("the distribution has set a level")
        level = 3 if knows_sizes_at_run_time(compiler) else 2
        assert f"-D_FORTIFY_SOURCE={level}" in line["command"], source


def test_jumps_are_marked_in_every_object(release_tree):
    """The C library's own objects decide whether the linker keeps the mark (Debian 12: no)."""
    lines = compiler_lines(release_tree)
    if predefined(compiler_of(next(iter(lines.values()))), "__x86_64__") != "1":
        pytest.skip("the mark looks otherwise on this processor")
    paths = [os.path.join(line["directory"], line["output"]) for line in lines.values()]
    built = [path for path in paths if os.path.exists(path)]
    assert len(built) > 20
    for path in built:
        assert "IBT, SHSTK" in readelf(path, "-n"), path


@pytest.fixture(scope="module", params=SIZES)
def exe_path(request, windows_release_tree):
    path = os.path.join(windows_release_tree, "windows-helper", request.param)
    assert os.path.isfile(path), "build first: ./dev build"
    return path


@pytest.fixture(scope="module")
def exe(exe_path):
    return portable_executable.PortableExecutable(exe_path)


def test_all_programs_are_looked_at(windows_release_tree):
    """The table of the tests is that of the helper, and the build makes no program that is not in it."""
    table = re.findall(r'L"(wslbridge-\w+\.exe)"', tree.read("windows-helper/core/install/programs.c"))
    folder = os.path.join(windows_release_tree, "windows-helper")
    assert sorted(table) == windows_programs.PROGRAMS
    assert set(SIZES) == {n for n in os.listdir(folder) if n.endswith(".exe")}
    streams = re.findall(r'<Binary Id="(\w+)" SourceFile="([\w.-]+\.exe)"', tree.read("packaging/msi/wslbridge.wxs"))
    assert sorted(n for _, n in streams) == sorted(table)
    for stream, name in streams:
        assert f'L"{name}", L"{stream}"' in tree.read("windows-helper/core/install/programs.c")


def test_windows_can_walk_the_stack(exe):
    """Each function has data for unwinding (.pdata), as the x64 convention demands. Otherwise a crash
    dump ends at the first function without."""
    functions = exe.functions()
    assert len(functions) > 100
    assert all(a[1] <= b[0] for a, b in zip(functions, functions[1:])), "Windows searches by halves"
    for begin, end, unwind in functions:
        assert begin < end and exe.data[exe.offset(unwind)] & 7 == 1, f"{begin:#x}: no version 1"
    missing = exe.code_without_unwinding()
    assert sum(len(code) for _, code in missing) <= BY_HAND_MAX, \
        [f"{address:#x}: {len(code)} bytes: {code[:16].hex()}" for address, code in missing]


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


def test_the_exe_is_small(exe_path, tmp_path):
    stripped = tmp_path / "stripped.exe"
    subprocess.run(["x86_64-w64-mingw32-strip", "-o", stripped, exe_path], check=True)
    assert stripped.stat().st_size <= SIZES[os.path.basename(exe_path)] * 1024


def test_the_exe_has_one_printf_and_no_scanf():
    """Each of these brings 10 to 30 KiB of the compiler's library into it: win_format() and strtoul()
    are there already."""
    costly = re.compile(r"(?<![\w_])(v?snwprintf|v?swprintf|\w*scanf|strto[df]|wcsto[df])\(")
    calls = [f"{f}:{i}: {found[1]}()" for f in tree.FILES
             if f.endswith(".c") and f.startswith(("windows-helper/", "common/", "protocol/"))
             for i, line in enumerate(tree.read(f).splitlines(), 1)
             if (found := costly.search(line))]
    assert calls == []


def test_no_program_for_windows_prints_a_float():
    """windows-helper/program/no-floats.c has taken that out of printf."""
    text = re.compile(r'"(?:[^"\\]|\\.)*"')
    conversion = re.compile(r"%[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*)?)?[lL]?[aAeEfFgG](?![a-z])")
    floats = [f"{f}:{i}: {found[0]}" for f in tree.FILES
              if f.endswith((".c", ".h")) and f.startswith(("windows-helper/", "common/", "protocol/"))
              for i, line in enumerate(tree.read(f).splitlines(), 1)
              for found in text.findall(line) if conversion.search(found.replace("%%", ""))]
    assert floats == []
    assert conversion.search("took %.3f s") and not conversion.search("100 %%")


def test_the_exe_says_what_it_is(exe, exe_path):
    block, = exe.resources(portable_executable.RT_VERSION)
    text = block.decode("utf-16-le", "replace")
    for name, value in (("ProductName", "wslbridge"), ("FileVersion", project_version()),
                        ("ProductVersion", project_version()),
                        ("OriginalFilename", os.path.basename(exe_path))):
        assert re.search(rf"{name}\0+{re.escape(value)}\0", text), name
    # VS_FIXEDFILEINFO: two numbers of 32 bits have the four parts.
    at = block.index(bytes.fromhex("bd04effe"))
    high, low = (int.from_bytes(block[at + n:at + n + 4], "little") for n in (8, 12))
    parts = [high >> 16, high & 0xffff, low >> 16, low & 0xffff]
    assert parts == [*map(int, project_version().split(".")), 0]


def test_the_manifest_of_the_exe(exe, exe_path):
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
    assert found["assemblyIdentity"]["name"] == os.path.basename(exe_path)[:-4].replace("-", ".")
