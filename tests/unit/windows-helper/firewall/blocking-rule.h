/* SPDX-License-Identifier: MIT */
#pragma once

/* A rule of somebody else, as Windows describes it. */

#include "windows-helper/core/firewall/sight.h"

/* A rule that blocks our port for everybody; each case changes it. */
static inline FirewallSeenRule blocking_rule(void) {
        return (FirewallSeenRule){
                .name = "No way",
                .enabled = true,
                .inbound = true,
                .blocks = true,
                .protocol = 6,
                .profiles = 0x7fffffff,
                .local_ports = "2222",
                .remote_ports = "*",
                .local = "*",
                .remote = "*",
                .application = "",
                .service = "",
                .package = "",
                .interface_types = "All",
        };
}
