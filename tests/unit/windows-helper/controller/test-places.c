/* SPDX-License-Identifier: MIT */

/* Places: whom the helper shows out when there are more agents than it has room for. Nobody is sent
 * away without a word, and those without a key never keep out those with one. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"

#include <stdio.h>
#include <string.h>

#define CROWD (CONTROLLER_GUESTS_MAX + 2)

static const VmId vm1 = {{1}}, vm2 = {{2}};

static World w;
static FakeAgent crowd[CROWD]; /* besides those of the world */
static char names[CROWD][16];

static void setup(void) {
        world_init(&w);
        w.options.policy.pairing_required = false;
        w.host.key = NULL;
        for (unsigned i = 0; i < CROWD; i++) {
                (void) snprintf(names[i], sizeof(names[i]), "Crowd%u", i);
                crowd[i] = (FakeAgent){.world = &w, .distro = names[i], .id = (uint8_t) i};
                crowd[i].peer.vm.bytes[0] = (uint8_t) (0x80 + i / CONTROLLER_KEYLESS_PER_VM);
        }
        world_start(&w);
}

/* Forget a connection of the crowd, which world_run() does not know. */
static void crowd_gone(FakeAgent *a) {
        if (a->connection)
                controller_disconnect(a->connection, w.host.now_usec);
        a->connection = NULL;
        a->session = agent_session_free(a->session);
        buffer_done(&a->hello);
        buffer_done(&a->inbox);
        a->closed = false;
}

static void teardown(void) {
        for (unsigned i = 0; i < CROWD; i++)
                crowd_gone(&crowd[i]);
        world_done(&w);
}

/* What the helper has sent to @a last: the code of REFUSED or BYE; 0: neither. */
static uint16_t crowd_read(FakeAgent *a, SessionEventType *ret_type) {
        uint16_t code = 0;

        while (buffer_length(&a->inbox) > 0) {
                SessionEvent event = SESSION_EVENT_NULL;
                Buffer out = BUFFER_NULL;
                size_t n = 0;

                ck_assert_int_eq(agent_session_receive(a->session, buffer_bytes(&a->inbox),
                                                       buffer_length(&a->inbox), w.host.now_usec,
                                                       &out, &n, &event),
                                 0);
                buffer_consume(&a->inbox, n);
                *ret_type = event.type;
                code = event.type == SESSION_EVENT_REFUSED || event.type == SESSION_EVENT_BYE
                               ? event.notice.code
                               : 0;
                if (buffer_length(&out) > 0)
                        controller_receive(a->connection, buffer_bytes(&out), buffer_length(&out),
                                           w.host.now_usec);
                buffer_done(&out);
                session_event_done(&event);
        }
        return code;
}

static void expect(FakeAgent *a, SessionEventType type, uint16_t code) {
        SessionEventType found = SESSION_EVENT_NONE;
        uint16_t read = crowd_read(a, &found);

        ck_assert_int_eq(found, type);
        ck_assert_uint_eq(read, code);
        ck_assert(a->closed == (code != 0));
}

static void expect_busy(FakeAgent *a) {
        expect(a, SESSION_EVENT_REFUSED, WIRE_REFUSAL_BUSY);
}

static void crowd_join(unsigned i) {
        agent_dial(&crowd[i]);
        agent_hello(&crowd[i]);
        expect(&crowd[i], SESSION_EVENT_ESTABLISHED, 0);
}

/* All places are taken by agents without a key. */
static void fill(void) {
        for (unsigned i = 0; i < CONTROLLER_GUESTS_MAX; i++)
                crowd_join(i);
}

static void crowd_asks(FakeAgent *a) {
        WireState state;

        world_parse(&state, "172.20.0.2", "web=0.0.0.0:80");
        agent_push(a, &state);
        wire_state_done(&state);
}

/* A second session of @of, which is not answering, waits for its place. */
static void crowd_waits(unsigned i, unsigned of) {
        crowd[i].distro = crowd[of].distro;
        crowd[i].id = crowd[of].id;
        crowd[i].peer.vm = crowd[of].peer.vm;
        agent_dial(&crowd[i]);
        agent_hello(&crowd[i]);
        (void) crowd_read(&crowd[i], &(SessionEventType){0});
        ck_assert(!crowd[i].closed);
}

START_TEST(test_the_oldest_silent_peer_of_a_vm_is_refused) {
        for (unsigned i = 0; i <= CONTROLLER_HANDSHAKES_PER_VM; i++) {
                crowd[i].peer.vm = vm1;
                agent_dial(&crowd[i]);
        }
        expect_busy(&crowd[0]);
        ck_assert(!crowd[1].closed);
        w.agents[0].peer.vm = vm2; /* another VM has a quota of its own */
        w.agents[0].key = NULL;
        agent_connect(&w.agents[0]);
        ck_assert(agent_ready(&w.agents[0]));
        ck_assert(!crowd[1].closed);
        world_wait(&w, WIRE_HANDSHAKE_MS);
        expect(&crowd[1], SESSION_EVENT_BYE, WIRE_BYE_TIMEOUT);
}
END_TEST

/* A new id for each connection gives no new places, because no list vouches for it. */
START_TEST(test_ids_that_no_list_has_count_as_one_vm) {
        for (unsigned i = 0; i <= CONTROLLER_HANDSHAKES_PER_VM; i++) {
                crowd[i].peer = (Peer){.vm = {{(uint8_t) (1 + i)}}, .any = true};
                agent_dial(&crowd[i]);
        }
        expect_busy(&crowd[0]);
}
END_TEST

START_TEST(test_the_vm_with_most_silent_peers_makes_room) {
        unsigned last = CONTROLLER_HANDSHAKES_MAX;

        for (unsigned i = 0; i < last; i++) { /* two VMs take all, one of them one more */
                crowd[i].peer.vm = i < CONTROLLER_HANDSHAKES_PER_VM ? vm1 : vm2;
                agent_dial(&crowd[i]);
        }
        crowd_gone(&crowd[0]);
        crowd[last].peer.vm = (VmId){{3}};
        agent_dial(&crowd[last]);
        ck_assert(!crowd[1].closed);
        crowd[last + 1].peer.vm = (VmId){{3}};
        agent_dial(&crowd[last + 1]);
        ck_assert(!crowd[1].closed);
        expect_busy(&crowd[CONTROLLER_HANDSHAKES_PER_VM]);
}
END_TEST

/* Older than the one that goes: a peer of another VM, a session, and one that has proven who it is
 * and waits for a session to answer. */
START_TEST(test_only_silent_peers_make_room) {
        unsigned last = CONTROLLER_HANDSHAKES_PER_VM + 1;

        for (unsigned i = 0; i <= last; i++)
                crowd[i].peer.vm = vm1;
        agent_dial(&crowd[CROWD - 1]);
        crowd_join(0);
        crowd_waits(1, 0);
        for (unsigned i = 2; i <= last; i++) {
                ck_assert(!crowd[2].closed);
                agent_dial(&crowd[i]);
        }
        expect_busy(&crowd[2]);
        ck_assert(!crowd[CROWD - 1].closed && !crowd[0].closed && !crowd[1].closed);
        ck_assert(!crowd[last].closed);
}
END_TEST

START_TEST(test_no_peer_makes_room) {
        unsigned n = CONTROLLER_HANDSHAKES_PER_VM;

        for (unsigned i = 0; i < n; i++) {
                crowd[i].peer.vm = vm1;
                crowd_join(i);
        }
        for (unsigned i = 0; i < n; i++)
                crowd_waits(n + i, i);
        crowd[2 * n].peer.vm = vm1;
        agent_dial(&crowd[2 * n]);
        expect_busy(&crowd[2 * n]);
        for (unsigned i = 0; i < 2 * n; i++)
                ck_assert(!crowd[i].closed);
}
END_TEST

START_TEST(test_a_newcomer_is_told_that_there_is_no_place) {
        fill();
        crowd[CROWD - 1].peer.vm = vm2;
        agent_dial(&crowd[CROWD - 1]);
        agent_hello(&crowd[CROWD - 1]);
        expect_busy(&crowd[CROWD - 1]);
        ck_assert_ptr_nonnull(strstr(w.log, "no place for another agent"));
}
END_TEST

START_TEST(test_a_key_displaces_those_without) {
        w.agents[0].peer.vm = vm2;
        fill();
        crowd_waits(CROWD - 1, CONTROLLER_GUESTS_MAX - 1); /* for a place that goes */
        w.host.key = world_key; /* for everybody, but the crowd has not proven it … */
        controller_set_policy(w.controller, &w.options.policy, w.host.now_usec);
        agent_connect(&w.agents[0]);
        ck_assert(agent_ready(&w.agents[0]));
        expect(&crowd[CONTROLLER_GUESTS_MAX - 1], SESSION_EVENT_BYE, WIRE_BYE_NOT_ADMITTED);
        expect_busy(&crowd[CROWD - 1]);
        ck_assert(!crowd[0].closed);
        world_wait(&w, WIRE_SLOT_PROBE_MS);
}
END_TEST

START_TEST(test_a_claim_without_a_session_does_not_keep_others_out) {
        fill();
        crowd_asks(&crowd[3]);
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.2/80\n");
        crowd_gone(&crowd[3]);
        world_run(&w);
        crowd[CROWD - 1].peer.vm = vm2;
        crowd_join(CROWD - 1); /* at once, not when the grace period is over */
        world_run(&w);
        world_expect_rules(&w, "");
}
END_TEST

/* Those with a key and a session stay. One that has only a claim makes room. */
START_TEST(test_a_key_displaces_a_claim_only) {
        w.host.key = world_key;
        for (unsigned i = 0; i < CROWD; i++)
                crowd[i].key = world_key;
        fill();
        agent_connect(&w.agents[0]);
        ck_assert_uint_eq(w.agents[0].notice.code, WIRE_REFUSAL_BUSY);
        for (unsigned i = 0; i < CONTROLLER_GUESTS_MAX; i++)
                ck_assert(!crowd[i].closed);
        crowd_asks(&crowd[0]);
        crowd_gone(&crowd[0]);
        world_run(&w);
        agent_connect(&w.agents[0]);
        ck_assert(agent_ready(&w.agents[0]));
        world_expect_rules(&w, "");
}
END_TEST

START_TEST(test_one_vm_has_only_so_many_agents_without_a_key) {
        for (unsigned i = 0; i <= CONTROLLER_KEYLESS_PER_VM; i++)
                crowd[i].peer.vm = vm1;
        for (unsigned i = 0; i < CONTROLLER_KEYLESS_PER_VM; i++)
                crowd_join(i);
        agent_dial(&crowd[CONTROLLER_KEYLESS_PER_VM]);
        agent_hello(&crowd[CONTROLLER_KEYLESS_PER_VM]);
        expect_busy(&crowd[CONTROLLER_KEYLESS_PER_VM]);
        crowd[CROWD - 1].peer.vm = vm2;
        crowd_join(CROWD - 1);
}
END_TEST

START_TEST(test_the_helpers_end_is_told_in_every_state) {
        agent_dial(&crowd[0]);
        agent_dial(&crowd[1]);
        agent_hello(&crowd[1]);
        crowd_join(2);
        controller_hand_over(w.controller, w.host.now_usec);
        for (unsigned i = 0; i < 3; i++)
                expect(&crowd[i], SESSION_EVENT_BYE, WIRE_BYE_STOPPING);
}
END_TEST

/* Lines are limited for each who causes them, and what is left out is counted. */
START_TEST(test_nobody_silences_another_in_the_log) {
        FakeAgent *paired = &w.agents[0];
        unsigned n = 0;

        w.options.policy.pairing_required = true;
        controller_set_policy(w.controller, &w.options.policy, w.host.now_usec);
        for (unsigned i = 0; i < CROWD; i++) { /* strangers of one VM, each with another name */
                crowd[i].peer.vm = vm1;
                agent_dial(&crowd[i]);
                agent_hello(&crowd[i]);
                (void) crowd_read(&crowd[i], &(SessionEventType){0});
                crowd_gone(&crowd[i]);
        }
        for (const char *p = w.log; (p = strstr(p, "refused")); p++)
                n++;
        ck_assert_uint_ge(n, 5);
        ck_assert_uint_le(n, 15);
        crowd[1].peer.vm = vm2; /* another VM's first refusal is written */
        w.log[0] = '\0';
        agent_dial(&crowd[1]);
        agent_hello(&crowd[1]);
        (void) crowd_read(&crowd[1], &(SessionEventType){0});
        ck_assert_ptr_nonnull(strstr(w.log, "'Crowd1' (01000000): refused"));
        w.host.key = world_key; /* a paired agent that comes and goes without end */
        for (unsigned i = 0; i < 200; i++) {
                w.log[0] = '\0';
                agent_connect(paired);
                agent_vanish(paired);
        }
        ck_assert_str_eq(w.log, "");
        world_wait(&w, 120000);
        agent_connect(paired);
        ck_assert_ptr_nonnull(strstr(w.log, "log lines left out about 'Ubuntu' (a0000000): 3"));
}
END_TEST

static unsigned count(const char *text, const char *what) {
        unsigned n = 0;

        while ((text = strstr(text, what))) {
                text++;
                n++;
        }
        return n;
}

START_TEST(test_refused_peers_do_not_fill_the_log) {
        static const char garbage[] = "GET / HTTP/1.1";
        FakeAgent *ubuntu = &w.agents[0];
        char name[16];

        w.options.policy.pairing_required = true;
        controller_set_policy(w.controller, &w.options.policy, w.host.now_usec);
        ubuntu->distro = name;
        for (unsigned i = 0; i < 30; i++) { /* another name each time, and once without one */
                (void) snprintf(name, sizeof(name), "Distro%u", i);
                agent_connect(ubuntu);
                ck_assert_uint_eq(ubuntu->notice.code, WIRE_REFUSAL_NOT_PAIRED);
                agent_vanish(ubuntu);
                ck_assert_int_eq(controller_connect(w.controller, ubuntu, &(Peer){0},
                                                    w.host.now_usec, &ubuntu->connection),
                                 0);
                controller_receive(ubuntu->connection, (const uint8_t *) garbage, sizeof(garbage),
                                   w.host.now_usec);
                agent_vanish(ubuntu);
        }
        ck_assert_uint_eq(count(w.log, "\n"), 10);
        world_wait(&w, 60000);
        ubuntu->distro = "Ubuntu";
        agent_connect(ubuntu);
        ck_assert_uint_eq(count(w.log, "\n"), 12);
        ck_assert_ptr_nonnull(strstr(w.log, "log lines left out about "));
}
END_TEST

/* A refused agent that tries again and again is one line, and the number of its tries comes with
 * the end of the story. */
START_TEST(test_repetitions_are_counted) {
        w.options.policy.pairing_required = true;
        controller_set_policy(w.controller, &w.options.policy, w.host.now_usec);
        w.agents[0].peer.vm = vm1;
        w.agents[0].key = NULL;
        for (unsigned i = 0; i < 8; i++) {
                agent_connect(&w.agents[0]);
                agent_vanish(&w.agents[0]);
                world_wait(&w, 30000);
        }
        ck_assert_ptr_nonnull(strstr(w.log, "'Ubuntu' (a0000000): refused"));
        ck_assert_ptr_null(strstr(w.log, "left out"));
        w.host.key = w.agents[0].key = world_key;
        agent_connect(&w.agents[0]);
        ck_assert_ptr_nonnull(strstr(w.log, "log lines left out about 'Ubuntu' (a0000000): 7"));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("places");
        TCase *tc = tcase_create("places");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_the_oldest_silent_peer_of_a_vm_is_refused);
        tcase_add_test(tc, test_ids_that_no_list_has_count_as_one_vm);
        tcase_add_test(tc, test_the_vm_with_most_silent_peers_makes_room);
        tcase_add_test(tc, test_only_silent_peers_make_room);
        tcase_add_test(tc, test_no_peer_makes_room);
        tcase_add_test(tc, test_a_newcomer_is_told_that_there_is_no_place);
        tcase_add_test(tc, test_a_key_displaces_those_without);
        tcase_add_test(tc, test_a_claim_without_a_session_does_not_keep_others_out);
        tcase_add_test(tc, test_a_key_displaces_a_claim_only);
        tcase_add_test(tc, test_one_vm_has_only_so_many_agents_without_a_key);
        tcase_add_test(tc, test_the_helpers_end_is_told_in_every_state);
        tcase_add_test(tc, test_nobody_silences_another_in_the_log);
        tcase_add_test(tc, test_refused_peers_do_not_fill_the_log);
        tcase_add_test(tc, test_repetitions_are_counted);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
