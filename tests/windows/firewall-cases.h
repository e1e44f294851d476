/* SPDX-License-Identifier: MIT */
#pragma once

/* What test-firewall-com.c and test-firewall-rule.c have in common. */

#include "tests/windows/fake-firewall.h"

#include <stdio.h>

static int n_failed;

/* Print a line for one case. */
static void check(const char *what, bool good) {
        printf("%s %s\n", good ? "ok" : "FAILED", what);
        if (!good)
                printf("    recorded: %s\n", fake_firewall.record);
        n_failed += !good;
}

static const FirewallRule wanted = {
        .listen = {{IP_FAMILY_V4, {0}}, 2222},
        .profiles = WIRE_PROFILE_PRIVATE | WIRE_PROFILE_DOMAIN,
        .remote = (char *) (uintptr_t) "10.0.0.0/8,fd00::/8",
        .service = "ssh",
};
