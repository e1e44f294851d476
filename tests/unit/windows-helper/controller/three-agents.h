/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A world with two distros, and with a second session that has the identity of the first.
 */

#include "tests/unit/windows-helper/world/world.h"

#define RULE    "v4tov4 0.0.0.0/80 172.20.0.2/80\n"
#define SILENCE (3 * WORLD_HEARTBEAT)

static World w;
static FakeAgent *ubuntu, *debian, *twin;

static inline void setup(void) {
        world_init(&w);
        world_start(&w);
        ubuntu = &w.agents[0];
        debian = &w.agents[1];
        twin = &w.agents[2]; /* a second session of Ubuntu's identity */
        twin->distro = ubuntu->distro;
        twin->id = ubuntu->id;
}

static inline void teardown(void) {
        world_done(&w);
}

static inline void serve(FakeAgent *a) {
        agent_connect(a);
        agent_ask(a, "172.20.0.2", "web=0.0.0.0:80");
        world_expect_rules(&w, RULE);
}
