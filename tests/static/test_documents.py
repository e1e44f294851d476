# SPDX-License-Identifier: MIT
"""The pages in Markdown agree with the repository: names, links, the demo, the
benchmark. Commands are in test_commands.py."""
import ast
import os
import re

import pytest
import tree

DOCUMENTS = tree.matching("*.md")
# A folder of the machine that made a file is of no use to its reader.
MACHINE_PATH = re.compile(r"/(work|farm)/|/tmp/team|/root/|/home/\w")
DEMO, BENCH = "tools/demo/demo.py", re.compile(r"tests/bench/rows_\w+\.py")


def test_readme_gives_the_two_commands():
    text = tree.read("README.md")
    for command in ("sudo ./dev demo", "sudo ./dev test"):
        assert re.search(rf"^    {re.escape(command)} ", text, re.MULTILINE), command


@pytest.mark.parametrize("path", DOCUMENTS)
def test_links_lead_somewhere(path):
    text = re.sub(r"```.*?```", "", tree.read(path), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not target.startswith(("http:", "https:", "mailto:")):
            full = os.path.join(tree.TOP, os.path.dirname(path), target)
            assert os.path.exists(full), f"{path}: {target}"


@pytest.mark.parametrize("path", DOCUMENTS)
def test_links_within_a_page_lead_to_a_heading(path):
    text = tree.read(path)
    headings = {re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-")
                for h in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
    for target in re.findall(r"\]\(#([^)\s]+)\)", text):
        assert target in headings, f"{path}: #{target}"


@pytest.mark.parametrize("path", DOCUMENTS)
def test_named_files_exist(path):
    """Paths that begin with one of our folders, in backticks, and every docs/….md."""
    folders = {f.split("/")[0] for f in tree.FILES if "/" in f}
    missing = []
    for number, line in enumerate(tree.read(path).splitlines(), 1):
        names = [name for name in re.findall(r"`([\w.-]+/[\w./-]*)`", line)
                 if name.split("/")[0] in folders]
        names += re.findall(r"(?<![\w/])docs/[\w-]+\.md\b", line)
        missing += [f"{path}:{number}: there is no {name}" for name in names
                    if not os.path.exists(os.path.join(tree.TOP, name))]
    assert not missing, "correct the page:\n" + "\n".join(missing)


def test_no_file_names_a_place_on_the_machine_that_made_it():
    """But for what a fuzzer has made up."""
    found = [f"{f}:{i}: {line.strip()[:80]}" for f in tree.FILES
             if f != "tests/static/test_documents.py" and not f.startswith("tests/fuzz/corpus/")
             for i, line in enumerate(tree.read(f).splitlines(), 1) if MACHINE_PATH.search(line)]
    assert not found, "\n".join(found)


def test_news_has_a_section_for_this_version():
    version = re.search(r"version: '([\d.]+)'", tree.read("meson.build"))[1]
    assert f"CHANGES WITH {version}" in tree.read("NEWS.md")


def test_readme_shows_how_to_begin():
    """In this order: install, set up, expose, look; what to remove; and how to build it."""
    text = tree.read("README.md")
    steps = ["certutil -hashfile wslbridge-", "msiexec /i wslbridge-", "wslbridge-helper setup Debian",
             "wslbridgectl expose 8080 --name", "wslbridgectl status  ", "wslbridgectl doctor  ",
             "wslbridge-helper setup Debian --undo", "msiexec /x wslbridge-", "sudo ./dev package",
             "sudo ./dev build", "sudo ./dev install"]
    text = text[text.index("## Install"):]
    places = [text.find(step) for step in steps]
    assert -1 not in places, steps[places.index(-1)]
    assert places == sorted(places), "the steps are in another order"


def test_programs_of_unit_tests_exist(dev_tree):
    named = re.findall(r"build/dev/(tests/unit/[\w/-]+)", tree.read("CONTRIBUTING.md"))
    assert named
    for name in named:
        assert os.access(os.path.join(dev_tree, name), os.X_OK), name


def strings_of(node):
    """A string in the code as a regular expression; what the program fills in fits anything."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(strings_of(v) if isinstance(v, ast.Constant) else ".*" for v in node.values)
    return None


def first_arguments(path, *functions):
    """Of every call of one of these functions or methods: its first argument, as a pattern."""
    for node in ast.walk(ast.parse(tree.read(path))):
        if isinstance(node, ast.Call) and node.args:
            name = getattr(node.func, "attr", getattr(node.func, "id", None))
            pattern = strings_of(node.args[0])
            if name in functions and pattern and re.search(r"[a-z]", pattern):
                yield pattern


def test_demo_page_shows_the_demo():
    """The pasted output follows the program: every heading, claim and caption is there, in order."""
    page = " ".join(tree.read("docs/demo.md").split())
    headings = list(first_arguments(DEMO, "scene"))
    assert len(headings) >= 5
    places = []
    for number, heading in enumerate(headings, 1):
        found = re.search(rf"{number}\. {heading}", page)
        assert found, f"docs/demo.md lacks '{number}. {heading}'; paste the output of './dev demo'"
        places.append(found.start())
    assert places == sorted(places)
    for pattern in first_arguments(DEMO, "check", "show", "tell"):
        words = r"\s+".join(pattern.replace("\\\n", " ").replace("\\ ", " ").split())
        assert re.search(words, page), f"docs/demo.md lacks '{words}'"


def test_readme_has_the_result_of_the_demo():
    summary = re.search(r"^\s+(\d+ of \d+ claims held\..*?)\n\s+Everything",
                        tree.read("docs/demo.md"), re.MULTILINE | re.DOTALL)
    assert summary, "docs/demo.md does not end with the summary of the demo"
    counts = re.match(r"(\d+) of (\d+)", summary[1])
    assert counts[1] == counts[2], "docs/demo.md shows a demo that failed"
    assert " ".join(summary[1].split()) in " ".join(tree.read("README.md").split())
    assert "](docs/demo.md)" in tree.read("README.md")


def table_rows(path, heading):
    """[(first cell, other cells)] of the table whose head begins with @heading."""
    lines = tree.read(path).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    rows = []
    for line in lines[start + 2:]:
        if not line.startswith("|"):
            break
        first, *cells = [c.strip() for c in line.strip().strip("|").split("|")]
        rows.append((first, cells))
    return rows


def test_benchmark_page_has_the_rows_of_the_benchmark():
    patterns = [p for path in tree.FILES if BENCH.fullmatch(path)
                for p in first_arguments(path, "row", "pair_row", "latency_row", "rows_beside")]
    assert len(patterns) >= 12
    # Two rows take their name from the program that measures them.
    storms = re.findall(r'\{\\"name\\": \\"(%u [^"\\]+)', tree.read("tests/bench/bench-netwatch.c"))
    patterns += [re.sub(r"%[us]", ".*", name) for name in storms]
    rows = table_rows("docs/benchmarks.md", "what")
    names = [name for name, _ in rows]
    missing = [p for p in patterns if not any(re.fullmatch(p, n) for n in names)]
    assert not missing, f"docs/benchmarks.md lacks {missing}"
    stale = [n for n in names if not any(re.fullmatch(p, n) for p in patterns)]
    assert not stale, f"'./dev bench' does not print {stale}"


def test_benchmark_page_says_what_was_not_met():
    """Each row that missed its target has its ratio or its figure in the section that says why."""
    page = tree.read("docs/benchmarks.md")
    section = re.search(r"^## What was not met, and why\n(.*?)(?=^## |\Z)", page,
                        re.MULTILINE | re.DOTALL)[1].replace(",", "")
    head = re.search(r"^\| what \|(.*)\|$", page, re.MULTILINE)[1].split("|")
    met, ratio, p50 = ([h.strip() for h in head].index(name) for name in ("met", "ratio", "p50"))
    for name, cells in table_rows("docs/benchmarks.md", "what"):
        assert cells[met] != "no" or any(c and c in section for c in (cells[ratio], cells[p50])), \
            f"nothing says why '{name}' missed its target"
    assert "](docs/benchmarks.md)" in tree.read("README.md")


# README's row: the row of docs/benchmarks.md that it repeats.
README_ROWS = {
    "a client's outage when the guest's address changes (Wine)":
        "client outage at an address change, end to end (Wine)",
    "from the kernel's event to the host's answer, 1 rule (test host)": "event -> RESULT, 1 rule (test host)",
    "wake-ups of the idle agent": "agent idle: wake-ups",
    "resident memory of the idle agent": "agent idle: rss",
    "from the kernel's event to the agent's message": "kernel address event -> STATE at the helper's socket",
    "one guest's update while another holds 16,384 endpoints (Wine)":
        "one guest's update while another holds 16384 endpoints (Wine)",
    "size of `wslbridge-helper.exe`, stripped": "wslbridge-helper.exe, stripped",
}
FIGURE = re.compile(r"(?<![\w.])\d[\d.]*(?! %)(?![\w.%])")  # but no percentile


def test_readme_repeats_the_benchmark_page():
    """The figures of README are those of the page, which is made anew more often."""
    page = {}
    for name, cells in table_rows("docs/benchmarks.md", "what"):
        page.setdefault(name, " ".join(cells))
    shown = dict(table_rows("README.md", "what"))
    assert shown.keys() == README_ROWS.keys()
    for name, cells in shown.items():
        figures = FIGURE.findall(" ".join(cells).replace(",", ""))
        assert figures, f"README.md has no figure for '{name}'"
        missing = set(figures) - set(FIGURE.findall(page[README_ROWS[name]]))
        assert not missing, f"README.md says {missing} of '{name}', and docs/benchmarks.md does not"
