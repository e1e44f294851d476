/* SPDX-License-Identifier: MIT */

/* Something of the host does not work: what is open stays checked, what has to close closes, and
 * nothing is tried without a pause. world_wait() asserts that each deadline is in the future. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define UBUNTU_RULE "v4tov4 0.0.0.0/80 172.20.0.2/80\n"

static World w;
static FakeAgent *ubuntu, *debian;

static void setup(void) {
        world_start_two(&w);
        w.host.listeners = true;
        ubuntu = &w.agents[0];
        debian = &w.agents[1];
}

static void teardown(void) {
        world_done(&w);
}

static int no_iphlpsvc(MemoryHost *m, MemoryCall call) {
        return call == MEMORY_ACTIVATE ? -ESRCH : 0;
}

static int no_reading(MemoryHost *m, MemoryCall call) {
        return call == MEMORY_RULES_READ || call == MEMORY_RULES_STAMP ? -EIO : 0;
}

static int activation_error(void) {
        ControllerSummary summary;

        controller_summary(w.controller, &summary);
        return summary.activation_error;
}

static void stop_iphlpsvc(void) {
        w.host.fault = no_iphlpsvc;
        controller_forwarder_changed(w.controller);
        world_run(&w);
}

/* Without iphlpsvc, a program of Windows at the port of a guest that is reached directly is seen.
 */
START_TEST(test_direct_ports_are_checked_without_iphlpsvc) {
        agent_ask(debian, "172.20.0.3", "www=0.0.0.0:81");
        stop_iphlpsvc();
        agent_expect(debian, "www blocked iphlpsvc");
        w.host.taken_port = 80;
        agent_ask(ubuntu, "mirrored", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web conflict port-in-use");
        world_expect_open(&w, "");
        world_wait(&w, 60000);
        agent_expect(ubuntu, "web conflict port-in-use");
        world_expect_open(&w, "");
        w.host.taken_port = 0;
        world_wait(&w, 3000);
        agent_expect(ubuntu, "web active direct");
        world_expect_open(&w, "80");
}
END_TEST

static unsigned n_lines(const char *text) {
        unsigned n = 0;

        for (const char *p = w.log; (p = strstr(p, text)); p++)
                n += p == w.log || p[-1] == '\n';
        return n;
}

/* It is logged when it begins and when it ends, not each time that it is so. */
START_TEST(test_what_iphlpsvc_says_is_logged_once) {
        static const char problem[] = "the service IP Helper (iphlpsvc) is not running; start it";
        static const char well[] = "iphlpsvc accepts our settings again\n";

        agent_ask(debian, "172.20.0.3", "www=0.0.0.0:81");
        ck_assert_uint_eq(n_lines("iphlpsvc"), 0);
        stop_iphlpsvc();
        agent_ask(debian, "172.20.0.4", "www=0.0.0.0:81");
        world_wait(&w, CONTROLLER_RETRY_MS);
        ck_assert_uint_eq(n_lines(problem), 1);
        ck_assert_uint_eq(n_lines(well), 0);
        w.host.fault = NULL;
        world_wait(&w, CONTROLLER_RETRY_MS);
        agent_expect(debian, "www active");
        agent_ask(debian, "172.20.0.5", "www=0.0.0.0:81");
        ck_assert_uint_eq(n_lines(problem), 1);
        ck_assert_uint_eq(n_lines(well), 1);
}
END_TEST

/* Nobody needs it then, so nobody is told that it does not run. */
START_TEST(test_iphlpsvc_stops_and_has_nothing_of_ours) {
        agent_ask(ubuntu, "mirrored", "web=0.0.0.0:80");
        stop_iphlpsvc();
        ck_assert_int_eq(activation_error(), 0);
        ck_assert_ptr_null(strstr(w.log, "iphlpsvc"));
        agent_ask(debian, "172.20.0.3", "www=0.0.0.0:81");
        agent_expect(debian, "www blocked iphlpsvc");
        ck_assert_int_eq(activation_error(), -ESRCH);
        agent_ask(debian, "", ""); /* its rule goes, and so does the need */
        controller_forwarder_changed(w.controller);
        world_run(&w);
        ck_assert_int_eq(activation_error(), 0);
        w.host.fault = NULL;
        agent_ask(debian, "172.20.0.3", "www=0.0.0.0:81");
        agent_expect(debian, "www active");
}
END_TEST

/* A check is due when iphlpsvc stops. */
START_TEST(test_iphlpsvc_stops_while_a_port_is_taken) {
        w.host.taken_port = 80;
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        world_wait(&w, 4000);
        agent_expect(ubuntu, "web conflict port-in-use");
        stop_iphlpsvc();
        world_wait(&w, 10000);
        agent_expect(ubuntu, "web blocked iphlpsvc");
        w.host.taken_port = 0;
        w.host.fault = NULL;
        controller_forwarder_changed(w.controller);
        world_wait(&w, 10000);
        agent_expect(ubuntu, "web active");
}
END_TEST

/* A check and a run for all are due when the values cannot be read any more. */
START_TEST(test_values_that_cannot_be_read) {
        w.host.taken_port = 81;
        agent_ask(debian, "172.20.0.3", "www=0.0.0.0:81");
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        w.host.fault = no_reading;
        controller_rules_changed(w.controller);
        world_wait(&w, 90000);
        agent_expect(ubuntu, "web blocked write-failed");
        agent_expect(debian, "www blocked write-failed");
        ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0), "reading the port forwardings failed"));
        w.host.fault = NULL;
        w.host.taken_port = 0;
        world_wait(&w, 40000);
        agent_expect(ubuntu, "web active");
        agent_expect(debian, "www active");
}
END_TEST

/* … from the start, when nobody knows yet what the guests will ask for. */
START_TEST(test_values_that_cannot_be_read_after_a_restart) {
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        world_kill(&w);
        w.host.fault = no_reading;
        world_start(&w);
        world_expect_rules(&w, UBUNTU_RULE);
        agent_connect(ubuntu);
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web blocked write-failed");
        w.host.fault = NULL;
        world_wait(&w, CONTROLLER_RETRY_MS);
        agent_expect(ubuntu, "web active");
}
END_TEST

/* Adoptions only permit more. Whatever closes goes on without them. */
START_TEST(test_adoptions_that_cannot_be_read) {
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        agent_ask(debian, "172.20.0.3", "www=0.0.0.0:81");
        w.host.adoptions_error = -EIO;
        agent_leave(debian);
        world_wait(&w, 60000);
        world_expect_rules(&w, UBUNTU_RULE);
        agent_ask(ubuntu, "172.20.0.4", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web active");
        ck_assert_ptr_nonnull(strstr(w.log, "may be taken over failed"));

        world_foreign(&w, "v4tov4 0.0.0.0/82", "10.1.1.1/80");
        ck_assert_int_eq(text_map_set(&w.host.adoptions, "v4tov4 0.0.0.0/82", "10.1.1.1/80"), 0);
        agent_ask(ubuntu, "172.20.0.4", "web=0.0.0.0:82");
        agent_expect(ubuntu, "web conflict foreign-rule");
        w.host.adoptions_error = 0;
        world_wait(&w, 31000); /* they are read again by themselves */
        agent_expect(ubuntu, "web active");

        w.host.adoptions_error = -EIO;
        world_stop(&w);
        world_expect_rules(&w, "");
}
END_TEST

/* It says nothing about the ports. What was closed stays closed, and what was open stays open. */
START_TEST(test_a_look_that_fails) {
        w.host.taken_port = 80;
        agent_ask(ubuntu, "mirrored", "web=0.0.0.0:80");
        agent_ask(debian, "172.20.0.3", "www=0.0.0.0:81");
        agent_expect(ubuntu, "web conflict port-in-use");
        agent_expect(debian, "www active");
        w.host.look_error = -EIO;
        world_wait(&w, 3000);
        agent_expect(ubuntu, "web pending");
        world_expect_open(&w, "81");
        controller_forwarder_changed(w.controller);
        world_wait(&w, 60000);
        world_expect_open(&w, "81");
        agent_ask(debian, "172.20.0.3", "www=0.0.0.0:81-82");
        world_expect_open(&w, "81");
        agent_ask(debian, "172.20.0.3", "www=0.0.0.0:81");
        w.host.look_error = 0;
        world_wait(&w, 3000);
        agent_expect(ubuntu, "web conflict port-in-use");
        agent_expect(debian, "www active");
        w.host.taken_port = 0;
        world_wait(&w, 3000);
        agent_expect(ubuntu, "web active direct");
        world_expect_open(&w, "80 81");
}
END_TEST

/* A flood of lines is reported in the time of deadlines, whatever another clock says. */
START_TEST(test_clocks_that_differ) {
        static const int64_t ahead[] = {-900000000, 900000000};

        char name[WIRE_DISTRO_MAX];

        w.host.clock_usec = ahead[_i];
        w.host.key = NULL;
        ubuntu->distro = name;
        for (unsigned i = 0; i < 30; i++) {
                (void) snprintf(name, sizeof(name), "Distro%u", i);
                agent_connect(ubuntu);
                agent_vanish(ubuntu);
        }
        ck_assert_ptr_null(strstr(w.log, "left out"));
        world_wait(&w, 60000);
        ck_assert_ptr_nonnull(strstr(w.log, "log lines left out about "));
}
END_TEST

static int no_random(void *userdata, uint8_t *ret_bytes, size_t n) {
        return -EIO;
}

/* Nobody is let in by a nonce that is known, and by a key that is not. */
START_TEST(test_nothing_to_prove_with) {
        w.host.key_error = -EIO;
        agent_connect(ubuntu);
        ck_assert_uint_eq(ubuntu->notice.code, WIRE_REFUSAL_INTERNAL);
        ck_assert_str_eq(ubuntu->notice.text, "the helper cannot read its keys");
        w.host.key_error = 0;
        world_kill(&w);
        w.controller_host.identities.random = no_random;
        world_start(&w);
        agent_connect(ubuntu);
        ck_assert_uint_eq(ubuntu->notice.code, WIRE_REFUSAL_INTERNAL);
        ck_assert_str_eq(ubuntu->notice.text, "the helper has no random numbers");
}
END_TEST

static unsigned mac_left; /* so many work before one that fails */

static int failing_mac(const uint8_t *key, const uint8_t *data, size_t n, uint8_t *ret_mac) {
        return mac_left-- > 0 ? memory_host_mac(key, data, n, ret_mac) : -EIO;
}

/* Whichever it is, the session ends, and the next one is admitted. */
START_TEST(test_a_mac_that_fails) {
        unsigned n = 0;

        world_kill(&w);
        w.options.mac = failing_mac;
        for (bool ready = false; !ready; n++) {
                world_start(&w);
                mac_left = n;
                agent_connect(ubuntu);
                ready = agent_ready(ubuntu);
                ck_assert(ready == (ubuntu->connection != NULL));
                ck_assert(ready || ubuntu->notice.code == WIRE_REFUSAL_INTERNAL ||
                          strstr(w.log, "connection closed: "));
                mac_left = 100;
                agent_connect(ubuntu);
                ck_assert(agent_ready(ubuntu));
                world_kill(&w);
                ck_assert_uint_lt(n, 10);
                w.log[0] = '\0';
        }
        ck_assert_uint_gt(n, 3);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("trouble");
        TCase *tc = tcase_create("trouble");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_direct_ports_are_checked_without_iphlpsvc);
        tcase_add_test(tc, test_what_iphlpsvc_says_is_logged_once);
        tcase_add_test(tc, test_iphlpsvc_stops_and_has_nothing_of_ours);
        tcase_add_test(tc, test_iphlpsvc_stops_while_a_port_is_taken);
        tcase_add_test(tc, test_values_that_cannot_be_read);
        tcase_add_test(tc, test_values_that_cannot_be_read_after_a_restart);
        tcase_add_test(tc, test_adoptions_that_cannot_be_read);
        tcase_add_test(tc, test_a_look_that_fails);
        tcase_add_loop_test(tc, test_clocks_that_differ, 0, 2);
        tcase_add_test(tc, test_nothing_to_prove_with);
        tcase_add_test(tc, test_a_mac_that_fails);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
