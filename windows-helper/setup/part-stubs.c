/* SPDX-License-Identifier: MIT */

/*
 * Parts that are not written yet.
 */

#include "windows-helper/setup/setup.h"

SetupOutcome setup_systemd(Setup *s, SetupPart *part) {
        (void) s;
        return setup_says(part, SETUP_FAILED, "Its systemd is turned off");
}

SetupOutcome setup_keep_alive(Setup *s, SetupPart *part) {
        (void) s;
        return setup_says(part, SETUP_SKIPPED, "Not written yet");
}

SetupOutcome setup_at_logon(Setup *s, SetupPart *part) {
        (void) s;
        return setup_says(part, SETUP_SKIPPED, "Not written yet");
}

SetupOutcome setup_import(Setup *s, SetupPart *part) {
        (void) s;
        return setup_says(part, SETUP_SKIPPED, "Not written yet");
}

SetupOutcome setup_keep_alive_undo(Setup *s, SetupPart *part) {
        (void) s;
        (void) part;
        return SETUP_OPEN;
}

SetupOutcome setup_at_logon_undo(Setup *s, SetupPart *part) {
        (void) s;
        (void) part;
        return SETUP_OPEN;
}
