# SPDX-License-Identifier: MIT
"""The folder of './dev package' as a whole: nothing is missing, the sums are right, and the SPDX document
says what is inside."""
import hashlib
import json
import os
import re
import subprocess
import tarfile

import pytest
from windows_programs import PROGRAMS

ID = r"SPDXRef-[A-Za-z0-9.-]+"


def digest(path, algorithm="sha256"):
    with open(path, "rb") as f:
        return hashlib.new(algorithm, f.read()).hexdigest()


@pytest.fixture(scope="module")
def document(packages, version):
    with open(os.path.join(packages, f"wslbridge-{version}.spdx.json"), encoding="utf-8") as f:
        return json.load(f)


def test_all_files_are_there(packages, version, number):
    names = set(os.listdir(packages))
    assert names >= {f"wslbridge_{version}-1_amd64.deb", f"wslbridge_{version}-1_arm64.deb",
                     f"wslbridge-{version}-x64.msi", f"wslbridge-{version}.tar.gz",
                     f"wslbridge-{version}.spdx.json", "SHA256SUMS", "winget"}
    for name in sorted(names - {"winget"}):
        number(f"{name}: {os.path.getsize(os.path.join(packages, name)):,} bytes")


def test_the_sums_are_of_all_files(packages):
    assert subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"],
                          cwd=packages).returncode == 0
    with open(os.path.join(packages, "SHA256SUMS"), encoding="utf-8") as f:
        named = {line.split("  ")[1].rstrip("\n") for line in f}
    found = {os.path.relpath(os.path.join(folder, n), packages)
             for folder, _, names in os.walk(packages) for n in names}
    assert named == found - {"SHA256SUMS"}


def test_the_document_has_the_form_of_spdx(document, version):
    """What SPDX 2.3 requires of a document, its packages, files and relationships."""
    assert (document["spdxVersion"], document["dataLicense"]) == ("SPDX-2.3", "CC0-1.0")
    assert document["SPDXID"] == "SPDXRef-DOCUMENT" and document["name"] == f"wslbridge-{version}"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["creationInfo"]["created"])
    assert document["creationInfo"]["creators"]
    ids = [e["SPDXID"] for e in document["packages"] + document["files"]]
    assert len(ids) == len(set(ids)) and all(re.fullmatch(ID, i) for i in ids)
    for package in document["packages"]:
        assert package["downloadLocation"] and package["licenseDeclared"] != "NOASSERTION"
        assert package["filesAnalyzed"] is False
    for file in document["files"]:
        assert file["fileName"].startswith("./")
        assert {c["algorithm"] for c in file["checksums"]} == {"SHA1", "SHA256"}
    known = {*ids, "SPDXRef-DOCUMENT"}
    for relationship in document["relationships"]:
        assert relationship["spdxElementId"] in known and relationship["relatedSpdxElement"] in known
    used = set(re.findall(r"LicenseRef-[\w.-]+", json.dumps(document["packages"])))
    assert used == {e["licenseId"] for e in document["hasExtractedLicensingInfos"]}


def test_the_document_is_about_these_files(document, packages):
    described = {p["packageFileName"]: p["checksums"][0]["checksumValue"]
                 for p in document["packages"] if "packageFileName" in p}
    assert described == {n: digest(os.path.join(packages, n)) for n in os.listdir(packages)
                         if n.endswith((".deb", ".msi", ".tar.gz"))}


def test_the_document_names_what_the_programs_are_linked_with(document, deb):
    """jansson is inside; each library of Depends is loaded."""
    names = {p["SPDXID"]: p["name"] for p in document["packages"]}
    owner, = (i for i, n in names.items() if n == os.path.basename(deb))
    linked = {(r["relationshipType"], names[r["relatedSpdxElement"]]) for r in document["relationships"]
              if r["spdxElementId"] == owner and r["relatedSpdxElement"] in names}
    depends = subprocess.run(["dpkg-deb", "-f", deb, "Depends"], check=True, capture_output=True,
                             text=True).stdout
    assert linked == {("STATIC_LINK", "jansson"),
                      *(("DYNAMIC_LINK", d.split()[0]) for d in depends.split(", "))}


def test_the_archive_has_no_traces(packages, version):
    """No built file, no git, and no name of whoever packed it."""
    with tarfile.open(os.path.join(packages, f"wslbridge-{version}.tar.gz")) as archive:
        members = archive.getmembers()
    names = {m.name.split("/", 1)[1] for m in members if "/" in m.name}
    assert not [n for n in names if n.split("/")[0] in (".git", "build") or n.endswith((".pyc", ".o"))]
    assert {m.uname + m.gname for m in members} == {""}
    assert {"dev", "meson.build", "packaging/debian/control", "tests/run.py"} <= names


def test_the_document_has_each_program_for_windows(document):
    names = [os.path.basename(f["fileName"]) for f in document["files"]]
    assert sorted(n for n in names if n.endswith(".exe")) == PROGRAMS
