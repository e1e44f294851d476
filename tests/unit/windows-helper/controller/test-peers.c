/* SPDX-License-Identifier: MIT */

/* What an agent depends on: its VM, its source port, its key, the policy and the host's network.
 * Any change of these takes effect at once. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"

#include <errno.h>
#include <string.h>

#define RULE "v4tov4 0.0.0.0/80 172.20.0.2/80\n"

static World w;
static FakeAgent *ubuntu, *debian;
static const VmId vm1 = {{1}}, vm2 = {{2}};

static void setup(void) {
        world_init(&w);
        ubuntu = &w.agents[0];
        debian = &w.agents[1];
        ubuntu->peer = (Peer){.vm = vm1, .wsl = true, .source_known = true, .source = 1000};
        world_start(&w);
}

static void teardown(void) {
        world_done(&w);
}

static void list_vm(const VmId *id) {
        VmList vms = {.n = 1, .items = {{.id = *id, .wsl = true, .name = "WSL"}}};

        controller_set_vms(w.controller, &vms, w.host.now_usec);
}

static void serve(void) {
        agent_connect(ubuntu);
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web active");
        world_expect_rules(&w, RULE);
}

START_TEST(test_vm_stops) {
        list_vm(&vm1);
        serve();
        agent_connect(debian); /* through the listener for any VM */
        agent_ask(debian, "172.20.0.9", "www=0.0.0.0:81");
        list_vm(&vm1);
        world_run(&w);
        ck_assert(agent_ready(ubuntu));
        list_vm(&vm2);
        world_run(&w);
        world_expect_rules(&w, "v4tov4 0.0.0.0/81 172.20.0.9/81\n"); /* at once */
        ck_assert(!agent_ready(ubuntu));
        ck_assert(agent_ready(debian));
}
END_TEST

START_TEST(test_recovery_knows_the_vm) {
        serve();
        world_kill(&w);
        world_start(&w);
        world_expect_rules(&w, RULE); /* it is not known yet which VMs run */
        list_vm(&vm1);
        world_run(&w);
        world_expect_rules(&w, RULE);
        world_kill(&w);
        world_start(&w);
        list_vm(&vm2);
        world_run(&w);
        world_expect_rules(&w, "");
        world_expect_ledger(&w, "");
}
END_TEST

START_TEST(test_hand_over) {
        uint64_t changes;

        serve();
        changes = world_changes(&w);
        controller_hand_over(w.controller, w.host.now_usec);
        world_kill(&w);
        world_expect_rules(&w, RULE);
        world_start(&w);
        ck_assert_uint_eq(world_changes(&w), changes + 1); /* one more activation */
        agent_connect(ubuntu);
        agent_ask_again(ubuntu);
        agent_expect(ubuntu, "web active");
        world_wait(&w, CONTROLLER_RECOVERY_MS);
        world_expect_rules(&w, RULE);
}
END_TEST

START_TEST(test_privileged_source_port) {
        Policy policy = w.options.policy;

        policy.privileged_source = true;
        controller_set_policy(w.controller, &policy, w.host.now_usec);
        serve();
        ck_assert_ptr_nonnull(strstr(w.log, "'Ubuntu' (a0000000): connected, fake agent, VM "
                                            "01000000-0000-0000-0000-000000000000, source port "
                                            "1000 (privileged)\n"));
        agent_vanish(ubuntu);
        ubuntu->peer.source = 1024;
        agent_connect(ubuntu);
        ck_assert_uint_eq(ubuntu->notice.code, WIRE_REFUSAL_POLICY);
        ck_assert_ptr_nonnull(strstr(ubuntu->notice.text, "RequirePrivilegedSourcePort"));
        ubuntu->peer = (Peer){0}; /* an unknown port is refused, too */
        agent_connect(ubuntu);
        ck_assert_uint_eq(ubuntu->notice.code, WIRE_REFUSAL_POLICY);
}
END_TEST

START_TEST(test_policy_changes_under_an_agent) {
        Policy policy = w.options.policy;
        char problem[WIRE_TEXT_MAX + 1];

        serve();
        ck_assert_int_eq(
                policy_set(&policy, "DeniedListenPorts", POLICY_IS_STRING, "80", 0, problem), 0);
        controller_set_policy(w.controller, &policy, w.host.now_usec);
        world_run(&w);
        agent_expect(ubuntu, "web refused policy-port");
        world_expect_rules(&w, "");
        controller_set_policy(w.controller, &w.options.policy, w.host.now_usec);
        world_run(&w);
        agent_expect(ubuntu, "web active");
        world_expect_rules(&w, RULE);
}
END_TEST

START_TEST(test_network_of_the_host_changes) {
        Hostnet net = {.n_addresses = 1,
                       .addresses = {{.addr = ip_v4(172, 20, 0, 1),
                                      .prefix = 20,
                                      .virtual_switch = true,
                                      .adapter = "vEthernet (WSL)"}}};

        serve();
        controller_set_hostnet(w.controller, &net);
        world_run(&w);
        agent_expect(ubuntu, "web active");
        net.addresses[0].addr = ip_v4(172, 20, 0, 2); /* mirrored mode */
        controller_set_hostnet(w.controller, &net);
        world_run(&w);
        agent_expect(ubuntu, "web invalid guest-address");
        ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0), "host itself (vEthernet (WSL))"));
        ck_assert_ptr_nonnull(strstr(w.log, "nothing is forwarded to it"));
        world_expect_rules(&w, "");
        net.n_addresses = 0; /* the switch has gone */
        controller_set_hostnet(w.controller, &net);
        world_run(&w);
        ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0), "virtual switch"));
}
END_TEST

START_TEST(test_unpaired_while_connected) {
        serve();
        controller_keys_changed(w.controller, w.host.now_usec); /* another guest's key changed */
        world_run(&w);
        ck_assert(agent_ready(ubuntu));
        w.host.key = NULL;
        controller_keys_changed(w.controller, w.host.now_usec);
        world_run(&w);
        ck_assert(!agent_ready(ubuntu));
        world_expect_rules(&w, "");
        agent_connect(ubuntu);
        ck_assert_uint_eq(ubuntu->notice.code, WIRE_REFUSAL_NOT_PAIRED);
}
END_TEST

START_TEST(test_paired_again_while_connected) {
        static const uint8_t other[WIRE_KEY_SIZE] = {9};

        serve();
        w.host.key = other;
        controller_keys_changed(w.controller, w.host.now_usec);
        world_run(&w);
        ck_assert(!agent_ready(ubuntu));
        agent_connect(ubuntu);
        ck_assert_uint_eq(ubuntu->notice.code, WIRE_REFUSAL_BAD_PROOF);
        ubuntu->key = other;
        serve();
}
END_TEST

/* Keys that cannot be read for now are no other keys. */
START_TEST(test_keys_that_cannot_be_read) {
        static const int errors[] = {-EIO, -ENOMEM, -EACCES};

        serve();
        for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
                w.host.key_error = errors[i];
                controller_keys_changed(w.controller, w.host.now_usec);
                world_run(&w);
                ck_assert(agent_ready(ubuntu));
                world_expect_rules(&w, RULE);
        }
        /* It went at the same time. Nothing else tells of that. */
        w.host.key = NULL;
        world_wait(&w, CONTROLLER_RETRY_MS);
        ck_assert(agent_ready(ubuntu));
        w.host.key_error = 0;
        world_wait(&w, CONTROLLER_RETRY_MS);
        ck_assert(!agent_ready(ubuntu));
        world_expect_rules(&w, "");
}
END_TEST

START_TEST(test_keys_that_cannot_be_read_in_the_grace_period) {
        serve();
        agent_vanish(ubuntu);
        w.host.key_error = -EIO;
        controller_keys_changed(w.controller, w.host.now_usec);
        w.host.key = NULL;
        w.host.key_error = 0;
        world_run(&w);
        world_expect_rules(&w, RULE);
        world_wait(&w, CONTROLLER_RETRY_MS);
        world_expect_rules(&w, "");
}
END_TEST

START_TEST(test_a_key_that_is_none) {
        serve();
        w.host.key_error = -EINVAL; /* somebody wrote something else there */
        controller_keys_changed(w.controller, w.host.now_usec);
        world_run(&w);
        ck_assert(!agent_ready(ubuntu));
        world_expect_rules(&w, "");
}
END_TEST

/* Without keys, anybody in a guest may come under one name after the other, as often as he likes.
 * Only of those who are there is a note kept. */
START_TEST(test_notes_of_guests_without_a_key) {
        const char *owner = "a0000000000000000000000000000000/Ubuntu";

        serve();
        ck_assert_ptr_nonnull(text_map_get(&w.host.guests, owner));
        agent_vanish(ubuntu);
        ck_assert_ptr_nonnull(text_map_get(&w.host.guests, owner)); /* it has a key */
        world_kill(&w);
        w.options.policy.pairing_required = false;
        w.host.key = NULL;
        ubuntu->key = NULL;
        world_start(&w);
        serve();
        ck_assert_ptr_nonnull(text_map_get(&w.host.guests, owner));
        controller_keys_changed(w.controller, w.host.now_usec); /* it has none, as before */
        world_run(&w);
        ck_assert(agent_ready(ubuntu));
        agent_leave(ubuntu);
        ck_assert_ptr_null(text_map_get(&w.host.guests, owner));
}
END_TEST

static int no_note(void *userdata, const char *owner, const VmId *vm, bool connected) {
        return -EIO;
}

START_TEST(test_notes_that_fail) {
        serve();
        ck_assert_ptr_null(strstr(w.log, "cannot record"));
        world_kill(&w);
        w.controller_host.identities.guest_note = no_note;
        world_start(&w);
        serve();
        ck_assert_ptr_nonnull(strstr(w.log, "cannot record when a guest was seen ("));
}
END_TEST

/* Keys that could be read are not read again by themselves. */
START_TEST(test_keys_are_read_when_they_change) {
        serve();
        agent_dial(debian); /* nobody knows yet whose key it will have */
        controller_keys_changed(w.controller, w.host.now_usec);
        w.host.key = NULL;
        world_wait(&w, CONTROLLER_RETRY_MS);
        ck_assert(agent_ready(ubuntu));
}
END_TEST

START_TEST(test_unpaired_in_the_grace_period) {
        serve();
        agent_vanish(ubuntu);
        world_expect_rules(&w, RULE);
        w.host.key = NULL;
        controller_keys_changed(w.controller, w.host.now_usec);
        world_run(&w);
        world_expect_rules(&w, "");
}
END_TEST

/* A new policy shows out who has no key, and an administrator sees whom to pair. Who has not said
 * anything yet is judged when it does. */
START_TEST(test_pairing_is_required_from_now_on) {
        FakeAgent *alpine = &w.agents[2];
        Policy policy = w.options.policy;
        ControllerSummary summary;

        world_kill(&w);
        w.options.policy.pairing_required = false;
        w.host.key = ubuntu->key = debian->key = alpine->key = NULL;
        world_start(&w);
        serve();
        agent_connect(alpine); /* no key would help it, because its port is not one of root's */
        agent_dial(debian);
        policy.privileged_source = true;
        controller_set_policy(w.controller, &policy, w.host.now_usec);
        ck_assert(ubuntu->closed && alpine->closed && !debian->closed);
        controller_summary(w.controller, &summary);
        ck_assert_uint_eq(summary.n_unpaired, 1);
        ck_assert_str_eq(summary.unpaired[0], "a0000000000000000000000000000000/Ubuntu");
        world_run(&w);
        ck_assert_uint_eq(ubuntu->notice.code, WIRE_BYE_NOT_ADMITTED);
        world_expect_rules(&w, "");
        policy.privileged_source = false;
        controller_set_policy(w.controller, &policy, w.host.now_usec);
        agent_hello(debian);
        ck_assert_uint_eq(debian->notice.code, WIRE_REFUSAL_NOT_PAIRED);
        controller_summary(w.controller, &summary);
        ck_assert_uint_eq(summary.n_unpaired, 2);
        policy.pairing_required = false; /* nobody needs to be paired any more */
        controller_set_policy(w.controller, &policy, w.host.now_usec);
        controller_summary(w.controller, &summary);
        ck_assert_uint_eq(summary.n_unpaired, 0);
}
END_TEST

/* A claim outlives its connection if the port was one of root's, and a restart of the helper, after
 * which nobody knows yet what the port will be. */
START_TEST(test_privileged_source_port_in_the_grace_period) {
        serve();
        agent_vanish(ubuntu);
        w.options.policy.privileged_source = true;
        controller_set_policy(w.controller, &w.options.policy, w.host.now_usec);
        world_run(&w);
        world_expect_rules(&w, RULE);
        world_kill(&w);
        world_start(&w);
        world_expect_rules(&w, RULE);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("peers");
        TCase *tc = tcase_create("peers");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_vm_stops);
        tcase_add_test(tc, test_recovery_knows_the_vm);
        tcase_add_test(tc, test_hand_over);
        tcase_add_test(tc, test_privileged_source_port);
        tcase_add_test(tc, test_policy_changes_under_an_agent);
        tcase_add_test(tc, test_network_of_the_host_changes);
        tcase_add_test(tc, test_unpaired_while_connected);
        tcase_add_test(tc, test_paired_again_while_connected);
        tcase_add_test(tc, test_keys_that_cannot_be_read);
        tcase_add_test(tc, test_keys_that_cannot_be_read_in_the_grace_period);
        tcase_add_test(tc, test_a_key_that_is_none);
        tcase_add_test(tc, test_notes_of_guests_without_a_key);
        tcase_add_test(tc, test_notes_that_fail);
        tcase_add_test(tc, test_keys_are_read_when_they_change);
        tcase_add_test(tc, test_unpaired_in_the_grace_period);
        tcase_add_test(tc, test_pairing_is_required_from_now_on);
        tcase_add_test(tc, test_privileged_source_port_in_the_grace_period);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
