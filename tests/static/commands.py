# SPDX-License-Identifier: MIT
"""Finds the commands that our texts tell people to type: in strings of the code, the Event Log's
texts, the journal's catalog, Group Policy's texts, installed files, the tools of this tree, the package
for Windows, completions, man pages and pages."""
import collections
import re

import tree

# where: file:line, or file and a part of it. typed: the command with its quotes, and words: without
# them. text: all that is shown together with the command. line: it stands on a line of its own, to
# be copied.
Typed = collections.namedtuple("Typed", "where typed words text line")

C_TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"((?:\\.|[^"\\\n])*)"|\'(?:\\.|[^\'\\\n])+\'|'
                     r'([A-Za-z_]\w*)|(?:\s|\\\n)+|.', re.DOTALL)
DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+((?:.*\\\n)*.*)$", re.MULTILINE)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": ""}
PLACEHOLDER = re.compile(r"%[-+#0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|h|ll|l|j|z|t)?[sduxXc]")


def example(placeholder):
    """What a program could have put there."""
    return "1" if placeholder[0][-1] in "du" else "x"


def unescape(text):
    return re.sub(r"\\(.)", lambda m: ESCAPES.get(m[1], m[1]), text)


def runs(code, macros):
    """(offset, text) of each string, with the strings and macros that continue it."""
    start, parts = 0, []
    for m in C_TOKEN.finditer(code):
        if m[1] is not None or m[2] in macros:
            start = start if parts else m.start()
            parts.append(unescape(m[1]) if m[1] is not None else macros[m[2]])
        elif m[2] and parts and re.fullmatch(r"PRI\w+|[A-Z0-9_]+", m[2]):
            parts.append("x")  # a macro whose text is made elsewhere
        elif m[2] == "L" or m[0].isspace() or m[0].startswith(("/*", "//", "\\\n")):
            continue
        elif parts:
            yield start, "".join(parts)
            parts = []
    if parts:
        yield start, "".join(parts)


def macros_of(files):
    """{name: text} of all macros that are nothing but strings and such macros."""
    bodies = {}
    for path in files:
        for name, body in DEFINE.findall(tree.read(path)):
            rest = re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\\\n|\bL(?=")', " ", body,
                          flags=re.DOTALL).split()
            if all(re.fullmatch(r"[A-Z_]\w*", word) for word in rest):
                bodies[name] = (body, rest)
    macros = {}
    for _ in range(3):  # macros that consist of macros
        for name, (body, rest) in bodies.items():
            if set(rest) <= set(macros) and ('"' in body or rest):
                macros[name] = "".join(text for _, text in runs(body, macros))
    return macros


def c_files():
    folders = ("agent/", "windows-helper/", "common/", "protocol/")
    return [f for f in tree.matching("*.c", "*.h") if f.startswith(folders)]


def c_texts():
    files = c_files()
    macros = macros_of(files)
    for path in files:
        code = tree.read(path)
        for start, text in runs(DEFINE.sub(lambda m: "\n" * m[0].count("\n"), code), macros):
            line = code.count("\n", 0, start) + 1
            yield f"{path}:{line}", PLACEHOLDER.sub(example, text).replace("%%", "%")
        for m in DEFINE.finditer(code):
            for _, text in runs(m[2], macros):
                yield f"{path}:{code.count(chr(10), 0, m.start()) + 1}", text


def event_texts():
    path = "windows-helper/service/messages.mc"
    for part in tree.read(path).split("\nMessageId=")[1:]:
        number, _, text = part.partition("\n")
        yield f"{path}: {number}", text


def other_texts():
    """Whole files, or the parts of one that are shown together."""
    for part in re.split(r"^-- ", tree.read("systemd/wslbridge.catalog"), flags=re.MULTILINE)[1:]:
        yield f"systemd/wslbridge.catalog: {part[:8]}", part.partition("\n\n")[2]
    for text in re.findall(r"<string [^>]*>(.*?)</string>",
                           tree.read("windows-helper/admx/en-US/wslbridge.adml"), re.DOTALL):
        yield f"wslbridge.adml: {text[:40]}", text
    for path in tree.FILES:
        if path.startswith("systemd/") and not path.endswith((".catalog", ".build")):
            yield path, "\n".join(line.lstrip("#").removeprefix(" ")
                                  for line in tree.read(path).splitlines() if line[:1] == "#")


SAID = re.compile(r"""\b(?:say|die|note|echo|step)(?: -\w+)? (["'])(.*?)(?<!\\)\1""", re.DOTALL)
HELP = re.compile(r"<<END\n(.*?)\nEND\n", re.DOTALL)
DESCRIBED = re.compile(r"\[([^]]*)\]|(?<= -d )'([^']*)'")


def tool_texts():
    """What ./dev and its parts say, where a command stands behind a colon; and what is read of the
    package for Windows and of the completions."""
    for path in ["dev", "tools/pre-commit", *tree.matching("*.sh")]:
        for _, text in SAID.findall(tree.read(path)):
            text = re.sub(r"\$\{?\w+[^}\s']*( ?\})?", "x", text.replace("$COMMAND", "demo"))
            yield path, text.replace(": ", ":\n  ")
    yield from (("dev", text) for text in HELP.findall(tree.read("dev")))
    for path in tree.FILES:
        if path.startswith("packaging/msi/"):
            yield from ((path, text) for text in re.findall(r"""(?<=['"])[^'"\n]+(?=['"])""", tree.read(path)))
        elif path.startswith("agent/ctl/completions/"):
            yield from ((path, "".join(text)) for text in DESCRIBED.findall(tree.read(path)))


def texts():
    yield from c_texts()
    yield from tool_texts()
    yield from event_texts()
    yield from other_texts()


def quoted(text):
    """Pieces in single quotes. An apostrophe within a word is none."""
    return re.findall(r"(?<![\w'])'([^']+)'(?!\w)", " ".join(text.split()))


def own_lines(text):
    """Lines that begin with two spaces, up to the explanation that may follow; and commands that
    we print or run ourselves."""
    return [re.split(r" {2,}", line.strip())[0] for line in text.split("\n")
            if line.startswith(("  ", "netsh ", "reg.exe ", "wsl.exe -")) and line.strip()]


def split(command):
    words = re.findall(r'(?:"[^"]*"|\'[^\']*\'|\S)+', command)
    return [w.replace('"', "") for w in words]


def of_text(where, text):
    for line, pieces in ((True, own_lines(text)), (False, quoted(text))):
        for piece in pieces:
            yield Typed(where, piece, split(piece), text, line)


def code_on(path):
    """(line number, code, whether it is a block) of a page in Markdown. Prose such as
    'wslbridge-helper runs as LocalSystem' is not code, and neither is the output of a command,
    which the demo's page shows behind a bar."""
    for number, line in enumerate(tree.read(path).splitlines(), 1):
        for piece in re.findall(r"`([^`]+)`", line):
            yield number, piece, False
        if re.match(r" {4,}(?!\s*\|)", line):
            yield number, re.split(r" {2,}", line.strip())[0], True


def roff_code(path):
    """(line number, code, whether it is a block) of a man page: what is bold, and blocks."""
    block = False
    for number, line in enumerate(tree.read(path).splitlines(), 1):
        line = line.replace("\\-", "-")
        if line in (".nf", ".fi"):
            block = line == ".nf"
        elif block:
            text = re.sub(r"\\f[A-Z]", "", line.replace("\\e", "\\")).removeprefix("$ ")
            yield number, re.split(r" {2,}", text.strip())[0], True
        else:
            for piece in re.findall(r"\\fB(.*?)\\f[RP]", line):
                yield number, piece, False
            bold = re.match(r"\.B[RI]? (?:\"([^\"]*)\"|(\S+))|\.B (.*)", line)
            if bold:
                yield number, (line[3:] if line.startswith(".B ") else bold[1] or bold[2]), False


def of_pages():
    man = [f for f in tree.FILES if re.fullmatch(r"docs/.*\.[1-8]", f)]
    others = [f for f in tree.matching("*.md", "*.yml") if f.endswith(".md") or ".github" in f]
    for path in man + others:
        for number, code, block in (roff_code if path in man else code_on)(path):
            for part in re.split(r" \| | && |; ", code):
                if part.strip():
                    yield Typed(f"{path}:{number}", part, split(part),
                                tree.read(path).replace("\\e", "\\"), block)


def typed():
    """All of them. Most are no commands: see whether the first word is a program."""
    for where, text in texts():
        yield from of_text(where, text)
    yield from of_pages()


def loose():
    """(where, text) of what is left when the commands in quotes and on lines are taken out."""
    for where, text in texts():
        for piece in own_lines(text) + quoted(text):
            text = " ".join(text.split()).replace(" ".join(piece.split()), "''")
        yield where, re.sub(r"Usage: [^;.]*", "", " ".join(text.split()))
    for path in tree.matching("*.md"):
        for number, line in enumerate(tree.read(path).splitlines(), 1):
            if not line.startswith("    "):
                yield f"{path}:{number}", re.sub(r"`[^`]*`", "", line)
