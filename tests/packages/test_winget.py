# SPDX-License-Identifier: MIT
"""The manifests for winget: whether they follow its schema, and say what is in the package.

winget's own check is a program for Windows. So here are the rules of the schema 1.6.0 for the fields that we
write, as published at https://aka.ms/winget-manifest.version.1.6.0.schema.json and its siblings for installer
and defaultLocale, and described at learn.microsoft.com: Create your package manifest."""

import hashlib
import os
import re

import pytest
import yaml
from package_machine import properties

SCHEMA = "1.6.0"
IDENTIFIER = r"[^.\s\\/:*?\"<>|\x01-\x1f]{1,32}(\.[^.\s\\/:*?\"<>|\x01-\x1f]{1,32}){1,7}"
VERSION = r"[^\\/:*?\"<>|\x01-\x1f]{1,128}"
LOCALE = r"[a-zA-Z]{2,3}(-[a-zA-Z]{1,8})*"
URL = r"https://.{1,2040}"
GUID = r"\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}"
SUM = r"[A-F0-9]{64}"


def text(least, most):
    return rf"(?s).{{{least},{most}}}"


# A text has to match its expression as a whole; [rule] is a list of such things, {...} an object. A name with
# a "!" must be there, and no other name may.
COMMON = {"!PackageIdentifier": IDENTIFIER, "!PackageVersion": VERSION, "!ManifestVersion": re.escape(SCHEMA)}
RULES = {
    "version": {**COMMON, "!DefaultLocale": LOCALE, "!ManifestType": "version"},
    "defaultLocale": {
        **COMMON, "!ManifestType": "defaultLocale", "!PackageLocale": LOCALE, "!Publisher": text(2, 256),
        "PublisherUrl": URL, "PublisherSupportUrl": URL, "!PackageName": text(2, 256), "PackageUrl": URL,
        "!License": text(3, 512), "LicenseUrl": URL, "!ShortDescription": text(3, 256),
        "Moniker": text(1, 40), "Tags": [text(1, 40)], "ReleaseNotesUrl": URL,
        "InstallationNotes": text(1, 10000),
        "Documentations": [{"DocumentLabel": text(1, 100), "DocumentUrl": URL}]},
    "installer": {
        **COMMON, "!ManifestType": "installer", "Platform": ["Windows.Desktop|Windows.Universal"],
        "MinimumOSVersion": r"\d{1,5}(\.\d{1,5}){0,3}",
        "InstallerType": "msix|msi|appx|exe|zip|inno|nullsoft|wix|burn|pwa|portable", "Scope": "user|machine",
        "InstallModes": ["interactive|silent|silentWithProgress"],
        "UpgradeBehavior": "install|uninstallPrevious", "Commands": [text(1, 40)],
        "ReleaseDate": r"\d{4}-\d\d-\d\d", "UnsupportedArguments": ["log|location"],
        "ElevationRequirement": "elevationRequired|elevationProhibited|elevatesSelf",
        "InstallationMetadata": {"DefaultInstallLocation": text(1, 2048)},
        "!Installers": [{
            "!Architecture": "x86|x64|arm|arm64|neutral", "!InstallerUrl": URL, "!InstallerSha256": SUM,
            "ProductCode": text(1, 255),
            "AppsAndFeaturesEntries": [{
                "DisplayName": text(1, 256), "Publisher": text(1, 256), "DisplayVersion": text(1, 128),
                "ProductCode": GUID, "UpgradeCode": GUID, "InstallerType": "wix|msi"}]}]},
}
LISTS = {"Tags": 16, "Commands": 16}  # the most that a list may have


def problems(value, rule, where):
    if isinstance(rule, dict):
        if not isinstance(value, dict):
            return [f"{where} is no object"]
        names = {name.removeprefix("!"): name for name in rule}
        found = [f"{where}.{n} is missing" for n, name in names.items() if name[0] == "!" and n not in value]
        found += [f"{where}.{n} is not in the schema" for n in value if n not in names]
        return found + [p for n in value if n in names
                        for p in problems(value[n], rule[names[n]], f"{where}.{n}")]
    if isinstance(rule, list):
        if not isinstance(value, list) or not value or len(value) > LISTS.get(where.split(".")[-1], 1024):
            return [f"{where} is no list of the right length"]
        return [p for item in value for p in problems(item, rule[0], where)]
    if not isinstance(value, str) or not re.fullmatch(rule, value):
        return [f"{where} is {value!r}"]
    return []


class Loader(yaml.SafeLoader):
    """Dates stay texts, as winget takes them."""


Loader.yaml_implicit_resolvers = {c: [r for r in resolvers if r[0] != "tag:yaml.org,2002:timestamp"]
                                  for c, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader)


@pytest.fixture(scope="module")
def manifests(packages):
    """{kind: manifest}"""
    folder = os.path.join(packages, "winget")
    assert sorted(os.listdir(folder)) == ["wslbridge.wslbridge.installer.yaml",
                                          "wslbridge.wslbridge.locale.en-US.yaml",
                                          "wslbridge.wslbridge.yaml"]
    found = {}
    for name in os.listdir(folder):
        manifest = load(os.path.join(folder, name))
        found[manifest["ManifestType"]] = manifest
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            assert file.readline() == "# yaml-language-server: $schema=https://aka.ms/winget-manifest." \
                f"{manifest['ManifestType']}.{SCHEMA}.schema.json\n"
    return found


@pytest.mark.parametrize("kind", RULES)
def test_the_schema(kind, manifests):
    assert problems(manifests[kind], RULES[kind], kind) == []


def test_they_say_what_is_in_the_package(manifests, packages, version):
    path = os.path.join(packages, f"wslbridge-{version}-x64.msi")
    about = properties(path)
    for manifest in manifests.values():
        assert manifest["PackageVersion"] == version
    installer, = manifests["installer"]["Installers"]
    with open(path, "rb") as file:
        assert installer["InstallerSha256"] == hashlib.sha256(file.read()).hexdigest().upper()
    assert installer["InstallerUrl"].endswith(f"/v{version}/{os.path.basename(path)}")
    entry, = installer["AppsAndFeaturesEntries"]
    assert entry == {"DisplayName": about["ProductName"], "Publisher": about["Manufacturer"],
                     "DisplayVersion": about["ProductVersion"], "ProductCode": about["ProductCode"],
                     "UpgradeCode": about["UpgradeCode"], "InstallerType": "wix"}
    assert installer["ProductCode"] == about["ProductCode"]
    assert manifests["version"]["DefaultLocale"] == manifests["defaultLocale"]["PackageLocale"]


def test_the_rules_can_fail(manifests):
    good = manifests["installer"]
    for name, value in (("PackageIdentifier", "wslbridge"), ("Scope", "everybody"), ("Colour", "red"),
                        ("Installers", []), ("ManifestVersion", "1.6"), ("MinimumOSVersion", "11")):
        if name != "MinimumOSVersion":
            assert problems({**good, name: value}, RULES["installer"], "x") != [], name
    without = {n: v for n, v in good.items() if n != "Installers"}
    assert problems(without, RULES["installer"], "x") == ["x.Installers is missing"]
    broken = [{**good["Installers"][0], "InstallerSha256": "abc"}]
    assert problems({**good, "Installers": broken}, RULES["installer"], "x") != []
