/* SPDX-License-Identifier: MIT */

/*
 * The names of the files.
 */

#include "windows-helper/core/install/programs.h"

static const wchar_t *const programs_files[_PROGRAM_END] = {
        [PROGRAM_HELPER] = L"wslbridge-helper.exe",
        [PROGRAM_SELFTEST] = L"wslbridge-selftest.exe",
};

const wchar_t *programs_file(ProgramId id) {
        return programs_files[id];
}
