/* SPDX-License-Identifier: MIT */

/* What the lists of running VMs do to the guests in them: which guest is gone, and which one only
 * nobody has heard of. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"

#include <string.h>

#define RULE    "v4tov4 0.0.0.0/80 172.20.0.2/80\n"
#define SILENCE (WIRE_SILENCE_FACTOR * WORLD_HEARTBEAT)

static World w;
static FakeAgent *guest;
static const VmId own = {{1}}, other = {{2}};

static void setup(void) {
        world_init(&w);
        guest = &w.agents[0];
        world_start(&w);
}

static void teardown(void) {
        world_done(&w);
}

/* Each of @letters is a VM: 'g' the guest's, 'w' the same as one of WSL, 'o' another one; '+' means
 * that there were more VMs than the list takes. */
static void list(const char *letters) {
        VmList vms = {.n = 0};

        for (; *letters; letters++) {
                if (*letters == '+')
                        vms.n_left_out = 1;
                else
                        vm_list_add(&vms, &(Vm){.id = *letters == 'o' ? other : own,
                                                .wsl = *letters == 'w'});
        }
        controller_set_vms(w.controller, &vms, w.host.now_usec);
        world_run(&w);
}

static void serve(void) {
        agent_connect(guest);
        agent_ask(guest, "172.20.0.2", "web=0.0.0.0:80");
        agent_expect(guest, "web active");
}

typedef struct Case {
        const char *what;
        bool any;           /* the guest comes through the listener for any VM */
        const char *before; /* the lists before it connects, separated by blanks … */
        const char *after;  /* … and after that */
        bool gone;
} Case;

static const Case cases[] = {
        {"the list has it", false, "g", "g", false},
        {"it was on a list, and is gone", false, "g", "o", true},
        {"the same, known only later", false, "o", "g o", true},
        {"no list ever had it", false, "o", "o o o", false},
        {"no list at all", false, "", "", false},
        {"a list without it is the first", false, "", "o", false},
        {"an empty list", false, "g", "-", true},
        {"a list that has left VMs out", false, "g", "o+", false},
        {"the address shows an id that the list has", true, "g", "g", false},
        {"that one is gone", true, "g", "o", true},
        {"it is known only later", true, "o", "g", false},
        {"known later, and then gone", true, "o", "g o", true},
        {"the address shows an id that no list has", true, "o", "o o o", false},
        {"the same, and the list is empty", true, "", "-", false},
};

static void lists(const char *text) {
        char copy[64], *save = NULL;

        (void) strncpy(copy, text, sizeof(copy) - 1);
        copy[sizeof(copy) - 1] = '\0';
        for (char *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save))
                list(strcmp(p, "-") == 0 ? "" : p);
}

/* The session is live. */
START_TEST(test_live) {
        const Case *c = &cases[_i];

        guest->peer = (Peer){.vm = own, .any = c->any};
        lists(c->before);
        serve();
        lists(c->after);
        ck_assert_msg(agent_ready(guest) == !c->gone, "%s", c->what);
        ck_assert_msg(strcmp(world_rules(&w), c->gone ? "" : RULE) == 0, "%s", c->what);
}
END_TEST

/* The session has ended. Rules that no list takes away end by silence. */
START_TEST(test_grace) {
        const Case *c = &cases[_i];

        guest->peer = (Peer){.vm = own, .any = c->any};
        lists(c->before);
        serve();
        agent_vanish(guest);
        lists(c->after);
        ck_assert_msg(strcmp(world_rules(&w), c->gone ? "" : RULE) == 0, "%s", c->what);
        world_wait(&w, SILENCE);
        world_expect_rules(&w, "");
}
END_TEST

/* A helper that was killed has its guests back only with a VM that was known for sure. */
START_TEST(test_recovery) {
        guest->peer = (Peer){.vm = own, .any = true};
        serve();
        world_kill(&w);
        world_start(&w);
        list("o");
        world_expect_rules(&w, RULE); /* the recorded id must not be one that nobody vouches for */
        agent_connect(guest);
        agent_ask_again(guest);
        list("go");
        world_kill(&w);
        world_start(&w);
        list("o");
        world_expect_rules(&w, "");
}
END_TEST

static void view_vm(void *userdata, const GuestView *view) {
        *(VmId *) userdata = view->vm;
}

static VmId shown_vm(void) {
        VmId id = other;

        controller_guests(w.controller, view_vm, &id);
        return id;
}

START_TEST(test_an_id_is_shown_when_it_is_known) {
        VmId id;

        guest->peer = (Peer){.vm = own, .any = true, .source_known = true, .source = 9};
        serve();
        id = shown_vm();
        ck_assert(vm_id_is_null(&id));
        ck_assert_ptr_nonnull(strstr(w.log, "VM 01000000-0000-0000-0000-000000000000 (not on the "
                                            "list of running VMs)"));
        list("g");
        id = shown_vm();
        ck_assert(vm_id_equal(&id, &own));
}
END_TEST

/* … and noted, also without a key, as long as it is there. */
START_TEST(test_an_id_is_noted_when_it_is_known) {
        static const char owner[] = "a0000000000000000000000000000000/Ubuntu";

        world_kill(&w);
        w.options.policy.pairing_required = false;
        w.host.key = guest->key = NULL;
        world_start(&w);
        guest->peer = (Peer){.vm = own, .any = true};
        serve();
        list("g");
        ck_assert_ptr_nonnull(text_map_get(&w.host.guests, owner));
        ck_assert_ptr_nonnull(strstr(text_map_get(&w.host.guests, owner), "01000000-"));
}
END_TEST

/* The registry does not tell which VMs are WSL's. The service does, and then WSL's network counts,
 * also for a session that is live already. */
START_TEST(test_a_vm_turns_out_to_be_of_wsl) {
        Hostnet net = {.n_addresses = 1,
                       .addresses = {{.addr = ip_v4(172, 20, 0, 1),
                                      .prefix = 20,
                                      .virtual_switch = true,
                                      .adapter = "vEthernet (nat)"}},
                       .has_nat = true,
                       .nat = {.addr = ip_v4(172, 28, 0, 0), .length = 20}};

        guest->peer = (Peer){.vm = own};
        controller_set_hostnet(w.controller, &net);
        serve();
        list("w");
        agent_expect(guest, "web invalid guest-address");
        world_expect_rules(&w, "");
        list("g");
        agent_expect(guest, "web active");
        agent_vanish(guest);
        world_expect_rules(&w, RULE);
        list("w");
        world_expect_rules(&w, "");
}
END_TEST

/* Who has no key may have any name. So the lines that the agents of a VM cause are limited
 * together, also where policy lets them in. */
START_TEST(test_lines_about_guests_without_a_key) {
        world_kill(&w);
        w.options.policy.pairing_required = false;
        w.host.key = guest->key = NULL;
        world_start(&w);
        guest->peer = (Peer){.vm = own};
        for (unsigned i = 0; i < 60; i++) {
                w.log[0] = '\0';
                guest->id = (uint8_t) i;
                agent_connect(guest);
                ck_assert(agent_ready(guest));
                agent_vanish(guest);
                ck_assert(i > 0 || w.log[0]);
        }
        ck_assert_str_eq(w.log, "");
}
END_TEST

START_TEST(test_whose_listener_is_in_use) {
        guest->peer = (Peer){.vm = own, .any = true};
        agent_connect(guest);
        ck_assert(controller_is_connected(w.controller, &VM_ID_NULL));
        ck_assert(!controller_is_connected(w.controller, &own));
        agent_vanish(guest);
        guest->peer.any = false; /* first seen in the registry, so not known as WSL's */
        agent_connect(guest);
        ck_assert(!controller_is_connected(w.controller, &VM_ID_NULL));
        ck_assert(controller_is_connected(w.controller, &own));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("vms");
        TCase *tc = tcase_create("vms");
        int n = (int) (sizeof(cases) / sizeof(cases[0]));

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_loop_test(tc, test_live, 0, n);
        tcase_add_loop_test(tc, test_grace, 0, n);
        tcase_add_test(tc, test_recovery);
        tcase_add_test(tc, test_an_id_is_shown_when_it_is_known);
        tcase_add_test(tc, test_an_id_is_noted_when_it_is_known);
        tcase_add_test(tc, test_a_vm_turns_out_to_be_of_wsl);
        tcase_add_test(tc, test_lines_about_guests_without_a_key);
        tcase_add_test(tc, test_whose_listener_is_in_use);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
