/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A service on port 2222, and what its guest is told about who gets in.
 */

#include "tests/suite.h"
#include "windows-helper/core/firewall/reach.h"

#include <stdio.h>
#include <string.h>

#define DOMAIN  WIRE_PROFILE_DOMAIN
#define PRIVATE WIRE_PROFILE_PRIVATE
#define PUBLIC  WIRE_PROFILE_PUBLIC
#define USUAL   (DOMAIN | PRIVATE) /* what a service opens by default */

static WirePrefix prefixes[] = {{.length = 8}, {.length = 64}};
static WireState state = {.remotes = prefixes};

static void setup(void) {
        ck_assert_int_eq(ip_parse("10.0.0.0", &prefixes[0].addr), 0);
        ck_assert_int_eq(ip_parse("fd00::", &prefixes[1].addr), 0);
}

/* @asked: what the service opens. @text: a part of the answer. */
static void expect(const FirewallSight *sight, const char *listen, uint8_t asked, uint8_t remote,
                   WireReason reason, const char *text) {
        WireService service = {
                .profiles = asked, .remote = remote, .n_remotes = remote == WIRE_REMOTE_LIST};
        IpEndpoint e = {.port = 2222};
        char found[WIRE_TEXT_MAX + 1];
        WireReason r;

        ck_assert_int_eq(ip_parse(listen, &e.addr), 0);
        r = firewall_reach(sight, &e, &state, &service, found);
        ck_assert_msg(r == reason, "%s instead of %s: %s", wire_reason_name((uint16_t) r),
                      wire_reason_name((uint16_t) reason), found);
        ck_assert_msg(text[0] ? strstr(found, text) != NULL : found[0] == '\0', "'%s' in '%s'",
                      text, found);
        ck_assert_msg(strlen(found) < WIRE_TEXT_MAX - 8, "too long, so it may be cut: %s", found);
}
