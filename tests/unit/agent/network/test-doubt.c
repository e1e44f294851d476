/* SPDX-License-Identifier: MIT */

/*
 * Claim: a lost address is believed when it has been missed for a whole window, however the dumps
 * fall, and at once when the agent has asked for the dump.
 */

#include "agent/network/doubt.h"
#include "agent/network/netwatch.h"
#include "tests/suite.h"

#include <string.h>

#define W NETWATCH_WINDOW_USEC
#define N 6 /* looks of a case */

/* Each look: what it shows, when, and what comes of it. */
static const struct Case {
        const char *name;
        struct {
                char shows; /* 'a' the address, 'b' another one, 'x' one of another interface, '-'
                               none; '\0': the end */
                uint64_t at;
                char dump; /* 'e' early, 't' trailing, 'r' refresh, 'R' refresh in an open window */
                bool doubted;
        } looks[N];
} cases[] = {
        {"replaced", {{'-', 0, 'e', true}, {'b', 5, 'e', false}, {'b', W + 5, 't', false}}},
        {"lost", {{'-', 0, 'e', true}, {'-', W, 't', false}, {'-', 2 * W, 't', false}}},
        {"one microsecond too early", {{'-', 1, 'e', true}, {'-', W, 't', true}}},
        {"first seen when a window ends",
         {{'-', 7, 't', true}, {'-', 8, 'e', true}, {'-', W + 8, 't', false}}},
        {"first seen when a window ends, and replaced",
         {{'-', 7, 't', true}, {'b', 8, 'e', false}}},
        {"a storm: nothing but ends of windows",
         {{'-', 9, 't', true}, {'-', W + 8, 't', true}, {'-', W + 9, 't', false}}},
        {"back in between, so that it counts anew",
         {{'-', 0, 'e', true},
          {'a', 10, 'e', false},
          {'-', W, 't', true},
          {'-', 2 * W, 't', false}}},
        {"early dumps alone do not confirm", {{'-', 0, 'e', true}, {'-', 3 * W, 'e', true}}},
        {"asked for", {{'-', 0, 'r', false}}},
        {"asked for in an open window",
         {{'-', 0, 'R', true}, {'-', W - 1, 't', true}, {'-', W, 't', false}}},
        {"one worse choice after another",
         {{'x', 0, 'e', true}, {'x', W, 't', false}, {'-', W + 1, 't', true}}},
        {"asked for after a doubt, which begins anew later",
         {{'-', 0, 'e', true}, {'a', 1, 'r', false}, {'-', W, 't', true}}},
};

static Choice choice_of(char c) {
        Choice is = {.interface = "eth0", .problem = c == '-' ? CHOICE_NO_ADDRESS : CHOICE_OK};

        if (c == 'x')
                (void) strcpy(is.interface, "eth1");
        if (c != '-')
                is.v4.addr = ip_v4(10, 0, 0, (uint8_t) c);
        return is;
}

START_TEST(test_looks) {
        const struct Case *c = &cases[_i];
        Choice was = choice_of('a');
        Doubt doubt = {0};

        for (unsigned i = 0; i < N && c->looks[i].shows; i++) {
                char dump = c->looks[i].dump;
                Choice is = choice_of(c->looks[i].shows);
                /* 1,000,000: a clock that begins at 0 would be that of nobody. */
                DoubtLook look = {.now_usec = 1000000 + c->looks[i].at,
                                  .trailing = dump == 't' || dump == 'r',
                                  .asked = dump == 'r' || dump == 'R'};
                bool doubted = doubt_look(&doubt, &was, &is, &look);

                ck_assert_msg(doubted == c->looks[i].doubted, "%s: look %u", c->name, i);
                if (!doubted)
                        was = is;
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("doubt");
        TCase *tcase = tcase_create("doubt");

        tcase_add_loop_test(tcase, test_looks, 0, (int) (sizeof(cases) / sizeof(cases[0])));
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
