/* SPDX-License-Identifier: MIT */

/*
 * The parts 'pair' and 'start': both ends have the same key, and the agent runs and is connected.
 */

#include "windows-helper/setup/guest-script.h"
#include "windows-helper/vm/wsl-pair.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIR_LOOK "15 look"  /* seconds: the agent of a distro that just started needs some */
#define START_DO  "90 start" /* its longest pause between two tries is 30 s */

/* Run the script that starts the agent and waits. Return: whether it is connected. */
static bool start_run(Setup *s, const char *arguments, GuestAnswer *ret_answer) {
        const GuestScript script = {.name = L"START",
                                    .arguments = arguments,
                                    .limit_ms = GUEST_INSTALL_MS,
                                    .to_the_end = strcmp(arguments, START_DO) == 0,
                                    .waits = "active"};
        int r = guest_script_run(s, &script, ret_answer);

        return r == 0 && setup_answer_is(buffer_text(&ret_answer->text), "connected", "yes");
}

/* Ctrl-C while the agent connects: it is stopped and disabled again, unless it was so before. */
static void start_take_back(Setup *s, const char *text, SetupPart *part) {
        bool enabled = setup_answer_is(text, "enabled", "yes");
        bool ran = setup_answer_is(text, "ran", "yes");
        char arguments[32];
        const GuestScript script = {.name = L"START",
                                    .arguments = arguments,
                                    .limit_ms = GUEST_QUICK_MS,
                                    .to_the_end = true};
        GuestAnswer answer = {.code = 0};
        int r = 0;

        (void) snprintf(arguments, sizeof(arguments), "0 back %s %s", enabled ? "yes" : "no",
                        ran ? "yes" : "no");
        if (setup_answer_is(text, "changed", "yes"))
                r = guest_script_run(s, &script, &answer);
        if (r == 0 && answer.code == 0)
                s->changing = false; /* no longer */
        else
                (void) setup_says(
                        part, SETUP_FAILED,
                        "Ctrl-C, and the agent could not be stopped again: it is enabled, "
                        "and tries to connect to this host");
        guest_answer_done(&answer);
}

/* A connection proves that both have the same key. */
static bool pair_is_connected(Setup *s) {
        GuestAnswer answer;
        bool connected;

        if (s->guest.connected || !s->guest.enabled)
                return s->guest.connected;
        connected = start_run(s, PAIR_LOOK, &answer);
        guest_answer_done(&answer);
        return connected;
}

static int pair_put(void *userdata, const char *owner) {
        return elevated_ask(&((Setup *) userdata)->elevated, ELEVATED_PUT, owner);
}

static int pair_restore(void *userdata, const char *owner) {
        return elevated_ask(&((Setup *) userdata)->elevated, ELEVATED_RESTORE, owner);
}

/* Return: 0; or negative errno, with the reason in @part. */
static int pair_now(Setup *s, SetupPart *part, char ret_owner[WSL_OWNER_MAX + 1]) {
        const WslPairStore store = {pair_put, pair_restore, setup_interrupted, s};
        uint8_t key[WIRE_KEY_SIZE];
        int r = elevated_key(&s->elevated, key);

        if (r < 0) {
                (void) setup_says(part, SETUP_FAILED, "No key was made: %s", s->elevated.why);
        } else {
                r = wsl_pair(s->distro.name, key, &store, ret_owner);
                if (r < 0)
                        (void) setup_says(part, SETUP_FAILED, "'%s' was not paired",
                                          s->distro.name);
        }
        SecureZeroMemory(key, sizeof(key));
        return r;
}

SetupOutcome setup_pair(Setup *s, SetupPart *part) {
        char owner[WSL_OWNER_MAX + 1];

        if (pair_is_connected(s))
                return setup_says(part, SETUP_ALREADY, "Both have the same key");
        if (setup_stops(s))
                return SETUP_FAILED;
        if (s->options->dry_run)
                return setup_says(part, SETUP_WOULD, "Give '%s' and this host a new key",
                                  s->distro.name);
        return pair_now(s, part, owner) < 0 ? SETUP_FAILED
                                            : setup_says(part, SETUP_DONE, "Paired: %s", owner);
}

SetupOutcome setup_start(Setup *s, SetupPart *part) {
        char address[SETUP_VALUE_MAX];
        GuestAnswer answer;
        bool connected, changed;

        if (s->options->dry_run)
                return s->guest.connected || pair_is_connected(s)
                               ? setup_says(part, SETUP_ALREADY,
                                            "The agent is connected to this host")
                               : setup_says(part, SETUP_WOULD, "Enable and start the agent in '%s'",
                                            s->distro.name);
        connected = start_run(s, START_DO, &answer);
        changed = setup_answer_is(buffer_text(&answer.text), "changed", "yes") ||
                  s->report.parts[SETUP_PAIR].outcome == SETUP_DONE;
        (void) setup_answer(buffer_text(&answer.text), "address", address);
        if (connected) {
                (void) setup_says(part, changed ? SETUP_DONE : SETUP_ALREADY,
                                  "The agent runs and is connected to this host%s%s",
                                  address[0] ? "; its address is " : "", address);
        } else {
                (void) setup_says(part, SETUP_FAILED,
                                  setup_answer_is(buffer_text(&answer.text), "active", "no")
                                          ? "The agent does not start"
                                          : "The agent runs and is not connected to this host");
                setup_advises(part, "%s", guest_answer_said(&answer));
                if (setup_interrupted())
                        start_take_back(s, buffer_text(&answer.text), part);
        }
        guest_answer_done(&answer);
        return part->outcome;
}

SetupOutcome setup_pair_undo(Setup *s, SetupPart *part) {
        if (!s->guest.package[0] && !s->guest.files[0])
                return setup_says(part, SETUP_ALREADY, "There is no agent that could be paired");
        if (!s->guest.owner[0]) {
                setup_advises(part, "'pair --list' shows the guests of this host, and 'unpair' "
                                    "takes one out.");
                return setup_says(part, SETUP_SKIPPED,
                                  "The agent does not run, so nobody knows whose key to delete");
        }
        if (s->options->dry_run)
                return setup_says(part, SETUP_WOULD, "Delete the key of %s on this host",
                                  s->guest.owner);
        if (elevated_ask(&s->elevated, ELEVATED_UNPAIR, s->guest.owner) < 0)
                return setup_says(part, SETUP_FAILED, "The key was not deleted: %s",
                                  s->elevated.why);
        return setup_says(part, SETUP_DONE, "The key of %s on this host is deleted",
                          s->guest.owner);
}
