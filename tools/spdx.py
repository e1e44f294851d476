#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes an SPDX 2.3 document about a folder of packages: what is in them, under which licence, what the
programs are linked with.

    spdx.py FOLDER VERSION      prints the document

SOURCE_DATE_EPOCH is its time. The same packages give the same document.
"""
import glob
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OURS = "MIT"
COPYRIGHT = "Copyright (c) 2026 the wslbridge authors"

# What our programs contain or load, by its name in a Debian package or in an import table; licence.
PARTS = {
    "jansson": ("MIT", "STATIC_LINK"),
    "libc6": ("LGPL-2.1-or-later", "DYNAMIC_LINK"),
    "libinih1": ("BSD-3-Clause", "DYNAMIC_LINK"),
    "libnl-3-200": ("LGPL-2.1-only", "DYNAMIC_LINK"),
    "libsodium23": ("ISC", "DYNAMIC_LINK"),
    "libsystemd0": ("LGPL-2.1-or-later", "DYNAMIC_LINK"),
    "mingw-w64": ("ZPL-2.1 AND LicenseRef-mingw-w64-public-domain", "STATIC_LINK"),
    "gcc": ("GPL-3.0-or-later WITH GCC-exception-3.1", "STATIC_LINK"),
}
LICENSES = {"LicenseRef-mingw-w64-public-domain":
            "The runtime of mingw-w64 is in the public domain, with parts under the Zope Public License."}


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def homepage():
    with open(os.path.join(TOP, "packaging", "homepage"), encoding="ascii") as f:
        return f.read().strip()


def digest(path, algorithm):
    with open(path, "rb") as f:
        return hashlib.new(algorithm, f.read()).hexdigest()


def identifier(*words):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.]+", "-", "-".join(words)).strip("-")


def mingw_versions():
    """Of what the compiler puts into a Windows program."""
    macros = subprocess.run(["x86_64-w64-mingw32-gcc", "-dM", "-E", "-include", "_mingw.h", "-"], check=True,
                            capture_output=True, text=True, input="").stdout
    values = dict(re.findall(r"^#define (__\w+) (\d+)$", macros, re.MULTILINE))
    yield "mingw-w64", f"{values['__MINGW64_VERSION_MAJOR']}.{values['__MINGW64_VERSION_MINOR']}"
    yield "gcc", f"{values['__GNUC__']}.{values['__GNUC_MINOR__']}.{values['__GNUC_PATCHLEVEL__']}"


class Document:
    def __init__(self, folder, version):
        self.folder, self.version = folder, version
        self.packages, self.files, self.relationships = {}, [], []

    def relate(self, one, kind, other):
        self.relationships.append({"spdxElementId": one, "relationshipType": kind,
                                   "relatedSpdxElement": other})

    def package(self, name, version, licence, path=None):
        spdx_id = identifier("Package", name, version)
        if spdx_id in self.packages:
            return spdx_id
        entry = {"SPDXID": spdx_id, "name": name, "versionInfo": version, "filesAnalyzed": False,
                 "downloadLocation": "NOASSERTION", "licenseConcluded": licence,
                 "licenseDeclared": licence, "copyrightText": "NOASSERTION"}
        if path:
            entry.update(copyrightText=COPYRIGHT, packageFileName=os.path.basename(path), checksums=[
                {"algorithm": "SHA256", "checksumValue": digest(path, "sha256")}])
        self.packages[spdx_id] = entry
        return spdx_id

    def artifact(self, path):
        """A file of the release."""
        spdx_id = self.package(os.path.basename(path), self.version, OURS, path)
        self.relate("SPDXRef-DOCUMENT", "DESCRIBES", spdx_id)
        return spdx_id

    def file(self, owner, path, name):
        """A file inside it."""
        spdx_id = identifier("File", owner[len("SPDXRef-Package-"):], name)
        self.files.append({
            "SPDXID": spdx_id, "fileName": "./" + name, "licenseConcluded": OURS,
            "licenseInfoInFiles": [OURS], "copyrightText": COPYRIGHT,
            "checksums": [{"algorithm": a.upper(), "checksumValue": digest(path, a)}
                          for a in ("sha1", "sha256")]})
        self.relate(owner, "CONTAINS", spdx_id)
        return spdx_id

    def part(self, owner, name, version):
        licence, kind = PARTS[name]
        self.relate(owner, kind, self.package(name, version, licence))

    def guest(self, path):
        owner = self.artifact(path)
        for text in output("dpkg-deb", "-f", path, "Depends").split(","):
            name, version = re.fullmatch(r"\s*(\S+)(?: \(>= (\S+)\))?\s*", text).groups()
            self.part(owner, name, f"at least {version}" if version else "any")
        for name, version in re.findall(r"(\S+) \(= (\S+)\)",
                                        output("dpkg-deb", "-f", path, "Static-Built-Using")):
            self.part(owner, name, version)
        with tempfile.TemporaryDirectory() as content:
            subprocess.run(["dpkg-deb", "-x", path, content], check=True)
            for found in sorted(glob.glob(content + "/**", recursive=True)):
                if os.path.isfile(found) and not os.path.islink(found):
                    self.file(owner, found, os.path.relpath(found, content))

    def host(self, path, programs):
        owner = self.artifact(path)
        for exe in programs:
            program = self.file(owner, exe, os.path.basename(exe))
            for name, version in mingw_versions():
                self.part(program, name, version)

    def text(self):
        content = sorted(p["checksums"][0]["checksumValue"] for p in self.packages.values()
                         if "checksums" in p)
        name = f"wslbridge-{self.version}"
        unique = hashlib.sha256("".join(content).encode()).hexdigest()[:16]
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"])))
        used = "".join(p["licenseDeclared"] for p in self.packages.values())
        return json.dumps({
            "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
            "name": name, "documentNamespace": f"{homepage()}/spdx/{name}-{unique}",
            "creationInfo": {"created": created, "creators": ["Organization: the wslbridge authors",
                                                              f"Tool: spdx.py-{self.version}"]},
            "packages": list(self.packages.values()), "files": self.files,
            "hasExtractedLicensingInfos": [{"licenseId": k, "extractedText": v}
                                           for k, v in LICENSES.items() if k in used],
            "relationships": self.relationships}, indent=1) + "\n"


def main(folder, version):
    document = Document(folder, version)
    document.artifact(os.path.join(folder, f"wslbridge-{version}.tar.gz"))
    for path in sorted(glob.glob(os.path.join(folder, "*.deb"))):
        document.guest(path)
    with open(os.path.join(TOP, "windows-helper/core/install/programs.c"), encoding="utf-8") as f:
        programs = [os.path.join(TOP, "build/windows-release/windows-helper", name)
                    for name in re.findall(r'L"(wslbridge-\w+\.exe)"', f.read())]
    for path in sorted(glob.glob(os.path.join(folder, "*.msi"))):
        document.host(path, programs)
    sys.stdout.write(document.text())


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
