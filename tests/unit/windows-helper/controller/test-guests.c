/* SPDX-License-Identifier: MIT */

/* The list of guests by itself: who is in it after a start, whose claim lapses when, and who goes.
 * And what is shown of a guest, and which of several sessions is that of an identity. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/controller/three-agents.h"
#include "windows-helper/core/controller/guests-private.h"

#include <errno.h>
#include <stdio.h>

static Guests guests;

static void setup_list(void) {
        guests = GUESTS_NULL;
}

static void teardown_list(void) {
        guests_done(&guests);
}

static Guest *add(const char *owner) {
        Guest *guest = NULL;

        ck_assert_int_eq(guests_add(&guests, owner, &guest), 0);
        ck_assert_str_eq(guest->owner, owner);
        return guest;
}

/* The owners, in order. */
static const char *list(void) {
        static char text[CONTROLLER_GUESTS_MAX * 4];
        size_t n = 0;

        text[0] = '\0';
        for (size_t i = 0; i < guests.n; i++)
                n += (size_t) snprintf(text + n, sizeof(text) - n, "%s%s", n > 0 ? " " : "",
                                       guests.items[i]->owner);
        return text;
}

static void claim(Guest *guest, uint64_t expires) {
        guests_claim(&guests, guest, &(WireState){.n_services = 0}, 2, 1);
        guest->expires = expires;
}

START_TEST(test_by_arrival) {
        Guest *a = add("a"), *b = add("b"), *c = add("c");

        ck_assert_uint_lt(a->since, b->since);
        ck_assert_uint_lt(b->since, c->since);
        guests_remove(&guests, b);
        ck_assert_str_eq(list(), "a c");
        guests_remove(&guests, a);
        ck_assert_str_eq(list(), "c");
        ck_assert_uint_gt(add("a")->since, c->since); /* it is new */
        ck_assert_str_eq(list(), "c a");
        ck_assert_ptr_eq(guests_find(&guests, "c"), c);
        ck_assert_ptr_null(guests_find(&guests, "b"));
}
END_TEST

START_TEST(test_no_more_than_there_is_room_for) {
        Guest *guest = NULL;
        char owner[16];

        for (unsigned i = 0; i < CONTROLLER_GUESTS_MAX; i++) {
                (void) snprintf(owner, sizeof(owner), "%u", i);
                (void) add(owner);
        }
        ck_assert_int_eq(guests_add(&guests, "one more", &guest), -ENOSPC);
        ck_assert_ptr_null(guest);
        guests_remove(&guests, guests.items[CONTROLLER_GUESTS_MAX - 1]);
        ck_assert_ptr_eq(add("one more"), guests.items[CONTROLLER_GUESTS_MAX - 1]);
}
END_TEST

/* However many endpoints the ledger has for each, and in whatever order. */
START_TEST(test_each_owner_in_the_ledger_is_a_guest) {
        static const char *const owners[] = {"a", "a", "b", "a", "b", "b", "c"};
        Ledger ledger = LEDGER_NULL;

        for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
                LedgerEntry e = {.listen = {ip_v4(0, 0, 0, 0), (uint16_t) (80 + i)}};

                (void) snprintf(e.owner, sizeof(e.owner), "%s", owners[i]);
                ck_assert_int_eq(ledger_put(&ledger, &e), 0);
        }
        ck_assert_int_eq(guests_recover(&guests, &ledger, 30), 0);
        ck_assert_str_eq(list(), "a b c");
        for (size_t i = 0; i < guests.n; i++) {
                ck_assert(guests.items[i]->in_grace);
                ck_assert_uint_eq(guests.items[i]->expires, 30);
        }
        ck_assert(!guests_expire(&guests, 29));
        ck_assert_uint_eq(guests.n, 3);
        ck_assert(guests_expire(&guests, 30));
        ck_assert_uint_eq(guests.n, 0);
        ledger_done(&ledger);
}
END_TEST

START_TEST(test_the_first_claim_that_lapses) {
        static const uint64_t expires[][3] = {{3, 5, 7}, {7, 3, 5}, {5, 7, 3}};
        Guest *three[3] = {add("a"), add("b"), add("c")};

        ck_assert_uint_eq(guests_deadline(&guests), GUEST_NO_EXPIRY); /* nobody has a claim */
        for (size_t i = 0; i < 3; i++)
                claim(three[i], expires[_i][i]);
        ck_assert_uint_eq(guests_deadline(&guests), 3);
        ck_assert(!guests_expire(&guests, 2));
        ck_assert(guests_expire(&guests, 3));
        ck_assert_uint_eq(guests.n, 2);
        ck_assert_uint_eq(guests_deadline(&guests), 5);
        claim(guests.items[0], GUEST_NO_EXPIRY);
        ck_assert(guests_expire(&guests, 7));
        ck_assert_uint_eq(guests.n, 1);
}
END_TEST

/* A guest that has lost its claim and is connected is still a guest. What it asks for on that
 * connection, and what has not been its turn yet, is not lost. */
START_TEST(test_a_claim_lapses) {
        PeerConnection *connection = (PeerConnection *) &guests; /* nobody looks at it */
        Guest *guest = add("a");

        claim(guest, 3);
        guest->connection = connection;
        guest->next.waits = guest->next.of_session = true;
        ck_assert(guests_expire(&guests, 3));
        ck_assert_uint_eq(guests.n, 1);
        ck_assert(guest->next.waits && !guest->has_state && !guest->answer_due);
        ck_assert_uint_eq(guests_deadline(&guests), GUEST_NO_EXPIRY);
        ck_assert(!guests_expire(&guests, 4)); /* nothing was dropped */
        guest->next.of_session = false; /* … but that of an earlier one goes with the claim */
        claim(guest, 5);
        ck_assert(guests_expire(&guests, 5));
        ck_assert(!guest->next.waits);
}
END_TEST

static GuestView shown;

static void show(void *userdata, const GuestView *view) {
        shown = *view;
        ++*(unsigned *) userdata;
}

/* What is shown of the only guest. */
static void look(void) {
        unsigned n = 0;

        controller_guests(w.controller, show, &n);
        ck_assert_uint_eq(n, 1);
        ck_assert_str_eq(shown.owner, "a0000000000000000000000000000000/Ubuntu");
}

START_TEST(test_what_is_shown) {
        agent_connect(ubuntu);
        look();
        ck_assert(shown.connected && !shown.in_grace && !shown.state && !shown.results);
        ck_assert_str_eq(shown.software, "fake agent");
        ck_assert_uint_eq(shown.heard_usec, w.host.now_usec);
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        look();
        ck_assert_uint_eq(shown.state->n_services, 1);
        ck_assert_uint_eq(shown.results[0].state, WIRE_SERVICE_ACTIVE);
        ck_assert_uint_eq(shown.serial, 1);
        ck_assert_int_eq(shown.reach, WIRE_REACH_FORWARDED);
        for (unsigned n = 0; n < 2; n++) { /* nobody has decided on these yet */
                WireState state;

                world_parse(&state, "172.20.0.2", n > 0 ? "ssh=0.0.0.0:22" : "");
                agent_send(ubuntu, &state);
                wire_state_done(&state);
                look();
                ck_assert(shown.state->n_services == n && !shown.results);
        }
        world_run(&w);
        look();
        ck_assert_ptr_nonnull(shown.results);
        agent_vanish(ubuntu);
        look();
        ck_assert(!shown.connected && !shown.in_grace && shown.state && shown.results);
        ck_assert_str_eq(shown.software, "");
        ck_assert_uint_eq(shown.heard_usec, 0);
        serve(ubuntu);
        world_kill(&w);
        world_start(&w);
        look();
        ck_assert(!shown.connected && shown.in_grace && !shown.state && !shown.results);
}
END_TEST

static uint64_t generation(void) {
        ControllerSummary summary;

        controller_summary(w.controller, &summary);
        return summary.generation;
}

START_TEST(test_when_the_last_run_was) {
        uint64_t before = w.host.now_usec + 1000000;
        ControllerSummary summary;

        agent_connect(ubuntu);
        world_wait(&w, 1000);
        w.host.listeners = true;
        w.host.look_usec = 5000;
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        controller_summary(w.controller, &summary);
        ck_assert_uint_eq(summary.applied_usec, before);
        ck_assert_uint_eq(summary.apply_usec, 5000);
        ck_assert_uint_eq(summary.n_endpoints, 1);
}
END_TEST

/* Who shows it need not look as long as the generation is the same. */
START_TEST(test_what_is_shown_has_changed) {
        VmList vms = {.n = 1, .items = {{.id = {{1}}}}};
        uint64_t n = generation();

        ubuntu->peer = (Peer){.vm = vms.items[0].id, .any = true};
        agent_connect(ubuntu);
        ck_assert_uint_gt(generation(), n);
        n = generation();
        controller_set_vms(w.controller, &vms, w.host.now_usec); /* it is known who it is */
        ck_assert_uint_gt(generation(), n);
        world_run(&w);
        n = generation();
        world_run(&w);
        ck_assert_uint_eq(generation(), n);
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        ck_assert_uint_gt(generation(), n);
        n = generation();
        agent_vanish(ubuntu);
        ck_assert_uint_gt(generation(), n);
        w.host.key = NULL;
        n = generation();
        agent_connect(debian); /* somebody whom an administrator may pair */
        ck_assert_uint_gt(generation(), n);
}
END_TEST

/* Half of a frame says nothing yet. */
START_TEST(test_a_part_of_a_frame_is_no_sign_of_life) {
        Buffer out = BUFFER_NULL;

        serve(ubuntu);
        ubuntu->hangs = true;
        agent_connect(twin);
        ck_assert_int_eq(wire_ping_encode(1, &out), 0);
        controller_receive(ubuntu->connection, buffer_bytes(&out), buffer_length(&out) - 1,
                           w.host.now_usec);
        buffer_done(&out);
        ck_assert(!twin->closed);
        world_wait(&w, WIRE_SLOT_PROBE_MS);
        ck_assert(agent_ready(twin));
}
END_TEST

/* The one that waits goes on waiting, whoever comes after it. */
START_TEST(test_a_third_session_does_not_wait) {
        debian->distro = ubuntu->distro;
        debian->id = ubuntu->id;
        serve(ubuntu);
        ubuntu->hangs = true;
        agent_connect(twin);
        agent_connect(debian);
        ck_assert_uint_eq(debian->notice.code, WIRE_REFUSAL_BUSY);
        ck_assert_ptr_nonnull(strstr(w.log, "another session of this identity is about to start"));
        world_wait(&w, WIRE_SLOT_PROBE_MS);
        ck_assert(agent_ready(twin));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("guests");
        TCase *tc = tcase_create("guests");

        tcase_add_checked_fixture(tc, setup_list, teardown_list);
        tcase_add_test(tc, test_by_arrival);
        tcase_add_test(tc, test_no_more_than_there_is_room_for);
        tcase_add_test(tc, test_each_owner_in_the_ledger_is_a_guest);
        tcase_add_loop_test(tc, test_the_first_claim_that_lapses, 0, 3);
        tcase_add_test(tc, test_a_claim_lapses);
        suite_add_tcase(suite, tc);
        tc = tcase_create("shown");
        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_what_is_shown);
        tcase_add_test(tc, test_when_the_last_run_was);
        tcase_add_test(tc, test_what_is_shown_has_changed);
        suite_add_tcase(suite, tc);
        tc = tcase_create("one session");
        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_a_part_of_a_frame_is_no_sign_of_life);
        tcase_add_test(tc, test_a_third_session_does_not_wait);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
