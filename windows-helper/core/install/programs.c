/* SPDX-License-Identifier: MIT */

/*
 * The table itself: the names of each program.
 */

#include "windows-helper/core/install/programs.h"

static const struct {
        const wchar_t *file, *stream;
} programs[_PROGRAM_END] = {
        [PROGRAM_HELPER] = {L"wslbridge-helper.exe", L"Helper"},
        [PROGRAM_RELAY] = {L"wslbridge-relay.exe", L"Relay"},
        [PROGRAM_SELFTEST] = {L"wslbridge-selftest.exe", L"Selftest"},
};

const wchar_t *programs_file(ProgramId id) {
        return programs[id].file;
}

const wchar_t *programs_stream(ProgramId id) {
        return programs[id].stream;
}
