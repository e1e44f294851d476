/* SPDX-License-Identifier: MIT */

/* What a guest asks for beyond what the port forwarding of Windows can do, and what it asks for in
 * words that this helper does not know: each case of a service, and what it is told. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"
#include "windows-helper/core/rules/reconcile.h"

#include <stdio.h>
#include <string.h>

static const struct {
        const char *address, *services; /* the last one is looked at */
        const char *result;             /* state, reason, forwarder, why */
        const char *says;               /* a part of the text */
} cases[] = {
        {"172.20.0.2", "a=0.0.0.0:80", "active  portproxy default", ""},
        {"172.20.0.2", "a=0.0.0.0:80+loopback", "active  portproxy default", ""},
        {"172.20.0.2", "a=0.0.0.0:53+udp", "refused no-relay  ",
         "'protocol = udp' needs the relay, and this helper has none; update wslbridge"},
        {"172.20.0.2", "a=0.0.0.0:80+proxy-v2", "refused no-relay  ",
         "'client-address = proxy-v2' needs the relay"},
        {"172.20.0.2", "a=0.0.0.0:80+relay", "refused no-relay  ",
         "'forwarder = relay' needs the relay"},
        {"172.20.0.2", "a=0.0.0.0:80+proxy-v2+relay", "refused no-relay  ",
         "'client-address = proxy-v2' needs the relay"},
        {"172.20.0.2", "a=0.0.0.0:80+unknown", "refused unknown-field  ",
         "the service has the field 0x8009, which this helper does not know; update wslbridge"},
        {"172.20.0.2", "a=0.0.0.0:80+udp+unknown", "refused unknown-field  ", "0x8009"},
        /* without an address, that is the reason, unless the service is refused whatever comes */
        {"", "a=0.0.0.0:80", "withdrawn no-address  ", ""},
        {"", "a=0.0.0.0:80+unknown", "refused unknown-field  ", ""},
        /* what cannot be carried does not take an endpoint from the others */
        {"172.20.0.2", "a=0.0.0.0:80+relay b=0.0.0.0:80", "active  portproxy default", ""},
};

static void expect(const WireState *state, const char *result, const char *says) {
        static Hostnet hostnet = {.unchecked = true};
        static RuleTable rules, adoptions;
        static Ledger ledger;
        ReconcileGuest guest = {.owner = "a/A", .state = state};
        Policy policy;
        ReconcileInput input = {&guest, 1, &policy, &ledger, &rules, &adoptions, &hostnet};
        const WireServiceResult *r;
        ReconcilePlan plan;
        char text[128];

        policy_init(&policy);
        ck_assert_int_eq(reconcile(&input, &plan), 0);
        r = &plan.results[0][state->n_services - 1];
        (void) snprintf(text, sizeof(text), "%s %s %s %s", wire_service_state_name(r->state),
                        wire_reason_name(r->reason), wire_forwarder_name(r->forwarder),
                        wire_why_name(r->why));
        ck_assert_str_eq(text, result);
        ck_assert_msg(strstr(r->text ? r->text : "", says) != NULL, "%s", r->text ? r->text : "");
        reconcile_plan_done(&plan);
}

START_TEST(test_what_a_service_is_told) {
        WireState state;

        world_parse(&state, cases[_i].address, cases[_i].services);
        expect(&state, cases[_i].result, cases[_i].says);
        wire_state_done(&state);
}
END_TEST

/* A field of STATE as a whole concerns all services. */
START_TEST(test_unknown_field_of_the_message) {
        WireState state;

        world_parse(&state, "172.20.0.2", "a=0.0.0.0:80 b=0.0.0.0:81");
        state.unknown_field = 0x8042;
        expect(&state, "refused unknown-field  ",
               "the guest's message has the field 0x8042, which this helper does not know");
        wire_state_done(&state);
}
END_TEST

/* A service that only a newer agent understands may have no listen at all. */
START_TEST(test_unknown_field_without_listens) {
        WireState state;

        world_parse(&state, "172.20.0.2", "a=0.0.0.0:80+unknown");
        state.services[0].n_listens = 0;
        expect(&state, "refused unknown-field  ", "0x8009");
        wire_state_done(&state);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("wanted");
        TCase *tc = tcase_create("wanted");

        tcase_add_loop_test(tc, test_what_a_service_is_told, 0,
                            (int) (sizeof(cases) / sizeof(cases[0])));
        tcase_add_test(tc, test_unknown_field_of_the_message);
        tcase_add_test(tc, test_unknown_field_without_listens);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
