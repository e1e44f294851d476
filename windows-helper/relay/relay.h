/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The relay: forwards TCP connections and UDP datagrams as its table says, and follows the table.
 */

#include "windows-helper/win/win.h"

#include <stdbool.h>

typedef struct RelayOptions {
        HANDLE stop;      /* borrowed; resets itself. When it is set the relay ends; or NULL */
        bool own_sockets; /* for the tests, see udp-endpoint.h */
} RelayOptions;

typedef struct Relay Relay;

typedef enum RelayControl {
        RELAY_STOP,
        RELAY_REFRESH, /* read the table again, now */
        _RELAY_CONTROL_END,
} RelayControl;

/* Return: 0 or negative errno (logged). */
int relay_new(Relay **ret_relay, const RelayOptions *options);

/* Forward until the relay is told to stop. Return: 0 or negative errno (logged). */
int relay_run(Relay *r);
Relay *relay_free(Relay *r); /* takes NULL, returns NULL */

/* Any thread may call this while the relay lives. */
void relay_control(Relay *r, RelayControl control);
