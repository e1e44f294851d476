/* SPDX-License-Identifier: MIT */

/* What the controller holds after 16,384 endpoints came and went is what it held after one did. It
 * is counted in bytes that are allocated. What the system keeps of freed memory is another matter
 * (docs/windows-facts.md, 9.8.1). */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"
#include "windows-helper/core/rules/rule-view.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define MANY     WIRE_ENDPOINTS_MAX
#define MORE_MAX 1024 /* bytes */
#define SOON_MS  1000 /* it is given back before the reading that comes later (rule-view.h) */

#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void);
#endif

static World w;

static size_t allocated(void) {
#ifdef __SANITIZE_ADDRESS__
        return __sanitizer_get_current_allocated_bytes();
#else
        return mallinfo2().uordblks;
#endif
}

static void services(WireState *s, unsigned n) {
        *s = (WireState){
                .mode = WIRE_MODE_NAT,
                .v4 = {.addr = ip_v4(172, 20, 0, 2), .prefix = 20},
                .services = calloc(n + 1, sizeof(*s->services)),
                .listens = calloc(n + 1, sizeof(*s->listens)),
                .n_services = n,
                .n_listens = n,
        };
        ck_assert(s->services && s->listens);
        for (unsigned i = 0; i < n; i++) {
                (void) snprintf(s->services[i].name, sizeof(s->services[i].name), "s%u", i);
                s->services[i].first_listen = i;
                s->services[i].n_listens = 1;
                s->services[i].profiles = WIRE_PROFILE_PRIVATE;
                s->listens[i] = (WireListen){ip_v4(0, 0, 0, 0), (uint16_t) (10000 + i), 1, 80};
        }
}

/* @n endpoints come, one of them is of a slow iphlpsvc for a while, and all go. Returns the bytes
 * that the controller then holds. */
static size_t held_after(unsigned n, bool asks_for_none) {
        FakeAgent *a = &w.agents[0];
        size_t before;
        WireState s;

        world_init(&w);
        w.options.policy.max_endpoints = WIRE_ENDPOINTS_MAX;
        w.host.listeners = w.host.iphlpsvc_slow = true;
        world_start(&w);
        agent_connect(a);
        services(&s, n);
        agent_push(a, &s);
        wire_state_done(&s);
        w.host.iphlpsvc_slow = false;
        world_wait(&w, 2 * RULE_VIEW_AGAIN_USEC / 1000);
        ck_assert_uint_eq(w.host.rules.n, n);
        ck_assert_uint_eq(w.host.firewall.n, n);
        if (asks_for_none) {
                services(&s, 0);
                agent_push(a, &s);
                wire_state_done(&s);
        } else {
                agent_leave(a);
        }
        world_wait(&w, CONTROLLER_GOODBYE_MS + SOON_MS);
        ck_assert_uint_eq(w.host.rules.n, 0);
        ck_assert_uint_eq(w.host.firewall.n, 0);
        before = allocated();
        w.controller = controller_free(w.controller);
        before -= allocated();
        world_done(&w);
        return before;
}

START_TEST(test_came_and_went) {
        size_t one = held_after(1, _i), many = held_after(MANY, _i);

        ck_assert_msg(many <= one + MORE_MAX, "%zu bytes, and %zu after %d endpoints", one, many,
                      MANY);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("came-and-went");
        TCase *tc = tcase_create("came-and-went");

        tcase_set_timeout(tc, 60); /* a limit for hangs under sanitizers, not what is expected */
        tcase_add_loop_test(tc, test_came_and_went, 0, 2);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
