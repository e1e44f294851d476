/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Carrier: keeps the program's ports as the agent's table says, and reports those on which it
 * cannot listen.
 *
 * It ends the event loop when the table has no ports. Without a table it goes on for a while,
 * because the agent may be restarting, which must not cost a connection.
 */

#include "agent/util/cleanup.h"
#include "agent/util/journal.h"

#include <systemd/sd-event.h>

typedef struct Carrier Carrier;

typedef struct CarrierFiles {
        const char *agent;  /* folder with the agent's table */
        const char *report; /* folder for the report */
} CarrierFiles;

/**
 * carrier_new() - read the table and listen
 * @event, @journal, @files and its texts: borrowed, must outlive the carrier
 *
 * Return: 0 or negative errno.
 */
int carrier_new(Carrier **ret_carrier, sd_event *event, const Journal *journal,
                const CarrierFiles *files);

/* Reset all connections and remove the report. */
Carrier *carrier_free(Carrier *c);
DEFINE_CLEANUP(Carrier *, carrier_free);
