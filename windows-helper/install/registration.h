/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What belongs to an installation besides the program and the service: the event source, the
 * registration with Hyper-V, the folder and the keys for our data.
 */

#include <stdbool.h>
#include <wchar.h>

/* What was there before, so that a failed installation takes away only what it has made. */
typedef struct Registration {
        bool had_events, had_hyperv, had_settings, had_keys, had_relay, had_folder;
} Registration;

void registration_look(Registration *r);

/* The steps of installing. All can be repeated. @relay: the version has one. Return: 0 or negative
 * errno (logged). */
int registration_data(bool relay);
int registration_events(const wchar_t *exe);
int registration_hyperv(void);

int registration_data_undo(const Registration *r);
int registration_events_undo(const Registration *r);
int registration_hyperv_undo(const Registration *r);

/* Once all steps of installing a version without a relay are done: the key that one with a relay
 * has made goes, unless somebody has put something into it. */
void registration_sweep_relay(void);

/* The steps of removing. Return: 0, also when there is nothing; or negative errno (logged).
 * @keep: the pairings, what is known of their guests, and the local policy stay. */
int registration_remove_settings(bool keep);
int registration_remove_events(void);
int registration_remove_hyperv(void);
int registration_remove_data(void);
