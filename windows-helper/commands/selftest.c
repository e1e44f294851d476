/* SPDX-License-Identifier: MIT */

/*
 * 'selftest': starts the program of that name, which is a program of its own because the service
 * has no use for it.
 */

#include "windows-helper/commands/commands.h"
#include "windows-helper/core/base/command-tail.h"
#include "windows-helper/program/sibling.h"

#include <stdlib.h>

int command_selftest(int argc, char **argv) {
        DWORD code = EXIT_FAILURE;

        /* The arguments as they were typed, with their quotation marks. */
        return sibling_selftest(command_tail(GetCommandLineW()), &code) < 0 ? EXIT_FAILURE
                                                                            : (int) code;
}
