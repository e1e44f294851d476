/* SPDX-License-Identifier: MIT */

/*
 * When there is no memory to remember what nobody has looked at, somebody looks. The linker routes
 * malloc() through this file (--wrap).
 */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"

#include "windows-helper/core/ports/unheard.h"

#include <stdlib.h>

#define N_OPENED 7 /* by the request below */

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);

static size_t failing; /* the next allocation of so many bytes fails; 0: none */

void *__wrap_malloc(size_t n) {
        if (failing == 0 || n != failing)
                return __real_malloc(n);
        failing = 0;
        return NULL;
}

/* The list of what is opened has room for one more. Then it becomes part of a longer list. */
START_TEST(test_no_memory_for_what_was_opened) {
        static const size_t sizes[] = {(N_OPENED + 1) * sizeof(IpEndpoint),
                                       N_OPENED * sizeof(Unheard)};
        World w;
        FakeAgent *ubuntu = &w.agents[0];

        world_init(&w);
        w.host.listeners = true;
        world_start(&w);
        agent_connect(ubuntu);
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web active");
        w.host.iphlpsvc_slow = true;
        failing = sizes[_i];
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80 dev=0.0.0.0:8001-8007");
        ck_assert_uint_eq(failing, 0);
        agent_expect(ubuntu, "web pending not-listening; dev pending not-listening");
        world_done(&w);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("looks-memory");
        TCase *tc = tcase_create("looks-memory");

        tcase_add_loop_test(tc, test_no_memory_for_what_was_opened, 0, 2);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
