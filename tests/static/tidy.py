# SPDX-License-Identifier: MIT
"""clang-tidy over the sources of a build tree, two at a time on two cores. What a file said is kept
by the hash of all that it depends on, so that only changed files are checked again."""
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import time

KEEP_DAYS = 30
FILE_SECONDS_MAX = 300  # on a busy machine; a file takes one or two

PROGRAM = "clang-tidy-14"  # .clang-tidy takes whole families of checks; later versions have more of them


class Tidy:
    def __init__(self, sources, cache, program=PROGRAM):
        """@sources: sources.Sources, for who includes what. @cache: a folder, made if missing."""
        self.sources, self.cache, self.program = sources, cache, program  # top: a real path
        os.makedirs(cache, exist_ok=True)
        self.version = subprocess.run([program, "--version"], capture_output=True, text=True,
                                      check=True).stdout
        self.n_run = 0

    def depends_on(self, path):
        """The file, and what it includes of this tree, directly or not."""
        found, waiting = set(), [path]
        while waiting:
            name = waiting.pop()
            if name not in found and os.path.isfile(os.path.join(self.sources.top, name)):
                found.add(name)
                waiting += [n for _, kind, n in self.sources.includes(name) if kind == '"']
        return sorted(found)

    def settings(self, path):
        """The .clang-tidy files that are in force for a file."""
        folder, texts = os.path.dirname(path), []
        while True:
            name = os.path.join(self.sources.top, folder, ".clang-tidy")
            if os.path.isfile(name):
                with open(name, encoding="utf-8") as f:
                    texts.append(f.read())
            if not folder:
                return texts
            folder = os.path.dirname(folder)

    def key(self, path, command):
        parts = [self.version, command, *self.settings(path)]
        for name in self.depends_on(path):
            parts += [name, self.sources.text(name)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def look_at(self, path, command, database):
        """What clang-tidy says about a file; "" for nothing."""
        kept = os.path.join(self.cache, self.key(path, command))
        if os.path.exists(kept):
            os.utime(kept)
            with open(kept, encoding="utf-8") as f:
                return f.read()
        self.n_run += 1
        # One file for each process: with more, clang 14 takes va_lists for uninitialized.
        done = subprocess.run([self.program, "-p", database, "--quiet",
                               os.path.join(self.sources.top, path)], capture_output=True,
                              text=True, timeout=FILE_SECONDS_MAX)
        said = "" if done.returncode == 0 else done.stdout or done.stderr
        said = re.sub(r"^(\S+?)(?=:\d+:\d+: )", lambda m: os.path.relpath(
            os.path.realpath(os.path.join(database, m[1])), self.sources.top), said,
            flags=re.MULTILINE)
        with open(kept + ".new", "w", encoding="utf-8") as f:
            f.write(said)
        os.replace(kept + ".new", kept)
        return said

    def forget_the_old(self):
        for name in os.listdir(self.cache):
            path = os.path.join(self.cache, name)
            if time.time() - os.path.getmtime(path) > KEEP_DAYS * 86400:
                os.unlink(path)

    def run(self, jobs):
        """@jobs: {path: (command, database)}. Return: {path: what was said}."""
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            asked = {path: pool.submit(self.look_at, path, *job) for path, job in jobs.items()}
            said = {path: job.result() for path, job in asked.items()}
        self.forget_the_old()
        return said


def jobs_of(top, build, wanted):
    """{path: (command, database)} of what a build tree compiles and @wanted(path) accepts."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as f:
        entries = json.load(f)
    jobs = {}
    for entry in entries:
        path = os.path.relpath(os.path.join(entry["directory"], entry["file"]), top)
        if wanted(path):
            jobs.setdefault(path, (entry["command"], build))
    return jobs
