/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The table of our programs. All of them lie in one folder, belong to one version, and are
 * installed, updated and removed together. Another program is one more row, here and in
 * windows-helper/meson.build, packaging/msi/wslbridge.wxs and tests/lib/windows_programs.py.
 */

#include <wchar.h>

typedef enum ProgramId {
        PROGRAM_HELPER, /* the service and its commands; it installs all the others */
        PROGRAM_RELAY,
        PROGRAM_SELFTEST,
        _PROGRAM_END,
} ProgramId;

/* The name of the file, such as "wslbridge-helper.exe". */
const wchar_t *programs_file(ProgramId id);

/* Its name in the table Binary of a package of Windows Installer, such as "Helper". */
const wchar_t *programs_stream(ProgramId id);
