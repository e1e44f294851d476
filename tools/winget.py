#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes the three manifests for winget about a package, after its tables and its sum.

    tools/winget.py MSI HOMEPAGE SECONDS OUT

SECONDS is the time of the release. The manifests are for the repository microsoft/winget-pkgs; their
schema is that of https://aka.ms/winget-manifest.installer.1.6.0.schema.json and its siblings."""

import hashlib
import os
import subprocess
import sys
import time

IDENTIFIER = "wslbridge.wslbridge"
SCHEMA = "1.6.0"
LOCALE = "en-US"


def properties(msi):
    done = subprocess.run(["msiinfo", "export", msi, "Property"], check=True, capture_output=True, text=True)
    return dict(line.split("\t", 1) for line in done.stdout.splitlines()[3:])


def sum_of(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest().upper()


def version_manifest(common):
    return "", "version", [*common, f"DefaultLocale: {LOCALE}"]


def installer_manifest(common, msi, about, homepage, released):
    """winget runs msiexec itself and knows its exit codes, so there are no switches for it."""
    version = about["ProductVersion"]
    return ".installer", "installer", [
        *common,
        "Platform:",
        "- Windows.Desktop",
        "MinimumOSVersion: 10.0.17763.0",
        "InstallerType: wix",
        "Scope: machine",
        "InstallModes:",
        "- silent",
        "- silentWithProgress",
        "UpgradeBehavior: install",
        "Commands:",
        "- wslbridge-helper",
        f"ReleaseDate: {released}",
        "UnsupportedArguments:",
        "- location",
        "ElevationRequirement: elevatesSelf",
        "InstallationMetadata:",
        "  DefaultInstallLocation: '%ProgramFiles%\\wslbridge'",
        "Installers:",
        "- Architecture: x64",
        f"  InstallerUrl: {homepage}/releases/download/v{version}/{os.path.basename(msi)}",
        f"  InstallerSha256: {sum_of(msi)}",
        f"  ProductCode: '{about['ProductCode']}'",
        "  AppsAndFeaturesEntries:",
        f"  - DisplayName: {about['ProductName']}",
        f"    Publisher: {about['Manufacturer']}",
        f"    DisplayVersion: '{version}'",
        f"    ProductCode: '{about['ProductCode']}'",
        f"    UpgradeCode: '{about['UpgradeCode']}'",
        "    InstallerType: wix"]


def locale_manifest(common, about, homepage):
    return f".locale.{LOCALE}", "defaultLocale", [
        *common,
        f"PackageLocale: {LOCALE}",
        f"Publisher: {about['Manufacturer']}",
        f"PublisherUrl: {homepage}",
        f"PublisherSupportUrl: {homepage}/issues",
        "PackageName: wslbridge",
        f"PackageUrl: {homepage}",
        "License: MIT",
        f"LicenseUrl: {homepage}/blob/v{about['ProductVersion']}/LICENSE",
        "ShortDescription: Makes services in WSL2 and Hyper-V guests reachable through Windows, also after the "
        "guest's address has changed",
        "Moniker: wslbridge",
        "Tags:",
        "- hyper-v",
        "- netsh",
        "- port-forwarding",
        "- portproxy",
        "- wsl",
        "- wsl2",
        f"ReleaseNotesUrl: {homepage}/releases/tag/v{about['ProductVersion']}",
        "InstallationNotes: Open a new terminal and run 'wslbridge-helper setup', which connects a WSL distro.",
        "Documentations:",
        "- DocumentLabel: On Windows",
        f"  DocumentUrl: {homepage}/blob/v{about['ProductVersion']}/docs/windows.md"]


def main(msi, homepage, seconds, out):
    about = properties(msi)
    released = time.strftime("%Y-%m-%d", time.gmtime(int(seconds)))
    common = [f"PackageIdentifier: {IDENTIFIER}", f"PackageVersion: '{about['ProductVersion']}'"]
    os.makedirs(out, exist_ok=True)
    for name, kind, lines in (version_manifest(common), locale_manifest(common, about, homepage),
                              installer_manifest(common, msi, about, homepage, released)):
        schema = f"https://aka.ms/winget-manifest.{kind}.{SCHEMA}.schema.json"
        with open(os.path.join(out, f"{IDENTIFIER}{name}.yaml"), "w", encoding="utf-8") as file:
            file.write("\n".join([f"# yaml-language-server: $schema={schema}", "", *lines,
                                  f"ManifestType: {kind}", f"ManifestVersion: {SCHEMA}", ""]))


if __name__ == "__main__":
    main(*sys.argv[1:])
