/* SPDX-License-Identifier: MIT */

/*
 * The part 'distro': it is of WSL 2, its packages are ours, and systemd runs.
 */

#include "windows-helper/setup/choose.h"

SetupOutcome setup_distro(Setup *s, SetupPart *part) {
        SetupOutcome outcome = guest_verdict(&s->guest, part);

        if (outcome != SETUP_FAILED || s->guest.init != GUEST_INIT_NONE || !guest_fits(&s->guest))
                return outcome;
        outcome = setup_systemd(s, part);
        if (outcome != SETUP_DONE)
                return outcome;
        if (choose_probe(s, part) < 0)
                return SETUP_FAILED;
        if (s->guest.init == GUEST_INIT_RUNNING)
                return SETUP_DONE;
        setup_advises(part, "The agent needs WSL 1.1.0 or later: see 'wsl.exe --version', and "
                            "update it with 'wsl.exe --update'.");
        return setup_says(part, SETUP_FAILED,
                          "Its systemd does not run, though /etc/wsl.conf turns it on");
}
