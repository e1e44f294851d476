# SPDX-License-Identifier: MIT
"""What docs/architecture.md names is there: each function in a file that its line names, each file and
folder in the tree."""
import os

import architecture
import tree
from test_layers import SOURCES

TEXT = tree.read(architecture.DOCUMENT)
FILES = set(tree.FILES)
FOLDERS = {os.path.dirname(f) for f in FILES}
FOLDERS |= {"/".join(f.split("/")[:n]) for f in FOLDERS for n in range(1, f.count("/") + 1)}


def wrong_functions(text, functions):
    defined = {(path, name) for path, name, *_ in functions}
    return [f"{architecture.DOCUMENT}:{line}: {name}() is not defined in "
            f"{' or '.join(files) or 'a file that this line names'}\n"
            "    mend: name the function that does this step now, and its file"
            for line, name, files in architecture.named_functions(text)
            if not any((f, name) in defined for f in files)]


def wrong_files(text):
    return [f"{architecture.DOCUMENT}:{line}: {path} does not exist\n"
            "    mend: name the file that has this responsibility now"
            for line, path in architecture.named_files(text)
            if path not in FILES and path.rstrip("/") not in FOLDERS]


def test_functions_are_where_the_document_says():
    assert not (wrong := wrong_functions(TEXT, SOURCES.functions)), "\n".join(wrong)


def test_files_and_folders_exist():
    assert not (wrong := wrong_files(TEXT)), "\n".join(wrong)


def test_both_paths_are_complete():
    """From the kernel to the registry, and from a drop-in to status.json."""
    names = [name for _, name, _ in architecture.named_functions(TEXT)]
    assert len(names) > 30
    assert names.index("netwatch_on_io") < names.index("registry_set_string") < \
        names.index("configwatch_on_inotify") < names.index("status_file_write")


def test_what_is_wrong_would_be_found():
    line = "| it is chosen | `choose()` `chosen()` | `agent/main.c` `agent/gone.c` `agent/none/` |"
    functions = [("agent/other.c", "choose", False, 1, 2), ("agent/main.c", "chosen", True, 1, 2)]
    assert len(wrong_functions(line, functions)) == 1
    assert "choose() is not defined in agent/main.c or agent/gone.c" in \
        wrong_functions(line, functions)[0]
    assert [w.split()[1] for w in wrong_files(line)] == ["agent/gone.c", "agent/none/"]
