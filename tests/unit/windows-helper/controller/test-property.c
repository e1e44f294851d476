/* SPDX-License-Identifier: MIT */

/*
 * Random lives of the helper, and deaths at every possible point of one life, while the judge
 * checks the helper's promises. Everything is deterministic: a failure prints its seed, and
 * WSLBRIDGE_SEED runs that life alone. WSLBRIDGE_SEQUENCES sets how many lives there are.
 */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SEQUENCES  500
#define OPERATIONS 40

static uint64_t randomness;
static uint64_t *current_seed; /* shared with the parent, which survives a failed test */

static unsigned below(unsigned n) {
        MemoryHost m = {.random = randomness};
        unsigned value = (unsigned) (memory_host_random(&m) % n);

        randomness = m.random;
        return value;
}

static const char *pick(const char *const *list, unsigned n) {
        return list[below(n)];
}

static void random_services(char *text, size_t size) {
        static const char *const addresses[] = {"0.0.0.0", "0.0.0.0", "10.1.1.1", "[::]"};
        static const char *const ways[] = {"", "", "", "+udp", "+relay", "+proxy-v2"};
        size_t n = 0;

        text[0] = '\0';
        for (unsigned i = below(5); i > 0; i--) {
                unsigned port = 80 + below(6);

                n += (size_t) snprintf(text + n, size - n, "%ss%u=%s:%u-%u>%u%s", n ? " " : "", i,
                                       pick(addresses, 4), port, port + below(3), 8000 + below(3),
                                       pick(ways, 6));
        }
}

static void random_ask(Judge *j) {
        static const char *const addresses[] = {"172.20.0.2", "172.20.0.3", "172.20.0.4",
                                                "fd00::2",    "fd00::3",    ""};
        FakeAgent *a = &j->w.agents[below(WORLD_AGENTS)];
        char services[256];

        if (!agent_ready(a))
                agent_connect(a);
        if (agent_ready(a)) {
                random_services(services, sizeof(services));
                agent_ask(a, pick(addresses, 6), services);
        }
}

/* Mostly on endpoints that a guest may want. */
static void random_foreign(Judge *j) {
        static const char *const rules[] = {"v4tov4 0.0.0.0",
                                            "v4tov6 0.0.0.0",
                                            "v4tov4 10.1.1.1",
                                            "v6tov4 ::",
                                            "v6tov6 ::",
                                            "v4tov4 *",
                                            "v6tov6 *",
                                            "relay-tcp-v4tov4 0.0.0.0",
                                            "relay-udp-v4tov4 0.0.0.0"};
        const TextMapEntry **list = text_map_list(&j->w.host.rules);
        char rule[64], data[64];

        if (below(2) && j->w.host.rules.n > 0) { /* change or delete any value, ours or not */
                (void) snprintf(rule, sizeof(rule), "%s",
                                list[below((unsigned) j->w.host.rules.n)]->key);
        } else {
                (void) snprintf(rule, sizeof(rule), "%s/%u", pick(rules, 9), 80 + below(8));
        }
        free(list);
        (void) snprintf(data, sizeof(data), "10.9.9.9/%u", 1 + below(3));
        judge_foreign(j, rule, below(3) ? data : NULL);
}

/* One of the guests' VMs stops and comes back with another id. */
static void random_vm(Judge *j) {
        FakeAgent *a = &j->w.agents[below(WORLD_AGENTS)];
        VmList vms = {.n = 0};

        a->peer.vm.bytes[1]++;
        for (unsigned i = 0; i < WORLD_AGENTS; i++) {
                j->w.agents[i].peer.vm.bytes[0] = (uint8_t) (1 + i);
                vm_list_add(&vms, &(Vm){.id = j->w.agents[i].peer.vm});
        }
        controller_set_vms(j->w.controller, &vms, j->w.host.now_usec);
        world_run(&j->w);
}

static void random_surroundings(Judge *j) {
        const TextMapEntry **list;

        switch (below(5)) {
        case 0:
                judge_deny(j, below(2) ? (uint16_t) (80 + below(6)) : 0);
                break;
        case 1:
                judge_network(j, !j->bad_network);
                break;
        case 2:
                random_vm(j);
                break;
        case 3:
        case 4:
                list = text_map_list(&j->foreign);
                if (list && j->foreign.n > 0) {
                        char rule[96];

                        (void) snprintf(rule, sizeof(rule), "%s",
                                        list[below((unsigned) j->foreign.n)]->key);
                        judge_adopt(j, rule);
                }
                free(list);
                break;
        }
}

static void random_step(Judge *j) {
        FakeAgent *a = &j->w.agents[below(WORLD_AGENTS)];

        switch (below(11)) {
        case 9:
        case 10:
                random_surroundings(j);
                break;
        case 0:
        case 1:
        case 2:
                random_ask(j);
                break;
        case 3:
                agent_connect(a);
                break;
        case 4:
                if (agent_ready(a))
                        agent_leave(a);
                break;
        case 5:
                agent_vanish(a);
                break;
        case 6:
        case 7:
                random_foreign(j);
                break;
        case 8:
                world_wait(&j->w, below(45000));
                break;
        }
}

static void random_operation(Judge *j) {
        switch (below(8)) {
        case 0:
                judge_restart(j, below(2));
                break;
        case 1: /* it dies in the middle of the next step */
                j->kill_at = 1 + below(12);
                random_step(j);
                j->kill_at = 0;
                break;
        case 2:
                j->fail_at = 1 + below(8);
                random_step(j);
                j->fail_at = 0;
                break;
        case 3:
                j->no_iphlpsvc = !j->no_iphlpsvc;
                if (!j->no_iphlpsvc)
                        j->w.host.iphlpsvc_behind = false; /* it starts, and reads everything */
                controller_forwarder_changed(j->w.controller);
                world_run(&j->w);
                break;
        default:
                random_step(j);
                break;
        }
}

/* Half of the lives go in small slices and read the values in small portions, and in half of them
 * the helper sees who listens. */
static void judge_cut(Judge *j, uint64_t seed) {
        if (seed % 2) {
                j->w.options.slice_changes = 2 + seed / 2 % 4;
                j->w.options.view_portion = 1 + seed / 8 % 4;
        }
        j->w.host.listeners = seed / 2 % 2;
}

static void one_life(uint64_t seed) {
        static Judge j;

        randomness = seed;
        judge_init(&j);
        j.w.host.random = seed;
        judge_cut(&j, seed);
        world_start(&j.w);
        judge_network(&j, false);
        for (unsigned i = 0; i < OPERATIONS; i++) {
                random_operation(&j);
                if (j.dead) {
                        world_kill(&j.w);
                        if (below(3) == 0) /* others do not wait for us */
                                random_foreign(&j);
                        judge_restart(&j, below(2));
                }
                judge_rest(&j);
        }
        j.no_iphlpsvc = false;
        j.w.host.iphlpsvc_behind = false;
        for (unsigned i = 0; i < WORLD_AGENTS; i++)
                agent_vanish(&j.w.agents[i]);
        world_wait(&j.w, 3 * WORLD_HEARTBEAT + CONTROLLER_RECOVERY_MS + CONTROLLER_RETRY_MS);
        judge_nothing_left(&j);
        judge_done(&j);
}

START_TEST(test_random_lives) {
        const char *seed = getenv("WSLBRIDGE_SEED"), *n = getenv("WSLBRIDGE_SEQUENCES");
        uint64_t first = seed ? strtoull(seed, NULL, 10) : 1;
        uint64_t last = seed ? first : n ? strtoull(n, NULL, 10) : SEQUENCES;

        for (uint64_t s = first; s <= last; s++) {
                *current_seed = s;
                one_life(s);
        }
}
END_TEST

/* Everything that can happen to a rule: it is made, changed, moved to the other family and back,
 * handed over and removed. */
static void full_life(Judge *j) {
        FakeAgent *a = &j->w.agents[0], *b = &j->w.agents[1];
        static const struct {
                unsigned agent;
                const char *address, *services;
        } steps[] = {
                {0, "172.20.0.2", "web=0.0.0.0:80,[::]:80 dev=0.0.0.0:8000-8002>3000"},
                {1, "172.20.0.8", "www=0.0.0.0:80 ssh=0.0.0.0:2222>22"},
                {0, "172.20.0.3", "web=0.0.0.0:80,[::]:80 dev=0.0.0.0:8000-8002>3000"},
                {0, "fd00::3", "web=0.0.0.0:80,[::]:80 dev=0.0.0.0:8000-8002>3000"},
                {0, "172.20.0.3", "web2=0.0.0.0:80 dev=0.0.0.0:8001-8003>3000"},
                {0, "172.20.0.3", "dev=0.0.0.0:8001-8003>3000"},
                {0, "172.20.0.3", ""},
                {1, "", "www=0.0.0.0:80 ssh=0.0.0.0:2222>22"},
        };

        for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && !j->dead; i++) {
                FakeAgent *who = steps[i].agent ? b : a;

                if (!agent_ready(who))
                        agent_connect(who);
                agent_ask(who, steps[i].address, steps[i].services);
        }
}

/* @cut: see judge_cut() */
static void killed_at_every_call(uint64_t cut) {
        static Judge j;
        unsigned n_calls, n_deaths = 0;

        judge_init(&j);
        judge_cut(&j, cut);
        world_start(&j.w);
        full_life(&j);
        ck_assert(!j.dead);
        n_calls = j.n_calls;
        judge_done(&j);
        ck_assert_uint_gt(n_calls, 60);

        for (unsigned at = 1; at <= n_calls; at++) {
                for (unsigned loss = 0; loss < 4;
                     loss++) { /* without a power cut, and with three different ones */
                        judge_init(&j);
                        judge_cut(&j, cut);
                        j.w.host.random = at * 4 + loss;
                        judge_foreign(&j, "v4tov4 0.0.0.0/22", "10.9.9.9/22");
                        world_start(&j.w);
                        j.kill_at = at;
                        full_life(&j);
                        ck_assert(j.dead);
                        n_deaths++;
                        judge_restart(&j, loss > 0);
                        judge_rest(&j);
                        full_life(&j);
                        judge_rest(&j);
                        world_stop(&j.w);
                        judge_nothing_left(&j);
                        judge_done(&j);
                }
        }
        ck_assert_uint_eq(n_deaths, 4 * n_calls);
}

START_TEST(test_killed_at_every_call) {
        killed_at_every_call(0);
}
END_TEST

START_TEST(test_killed_at_every_call_in_slices) {
        killed_at_every_call(1); /* two changes and one value at a time */
}
END_TEST

int main(void) {
        Suite *suite = suite_create("property");
        TCase *tc = tcase_create("property");
        int status;

        current_seed = mmap(NULL, sizeof(*current_seed), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (current_seed == MAP_FAILED)
                return EXIT_FAILURE;
        tcase_set_timeout(tc, 0); /* meson has a timeout, and longer runs are started by hand */
        tcase_add_test(tc, test_random_lives);
        tcase_add_test(tc, test_killed_at_every_call);
        tcase_add_test(tc, test_killed_at_every_call_in_slices);
        suite_add_tcase(suite, tc);
        status = suite_run(suite);
        if (status != EXIT_SUCCESS) {
                (void) fprintf(stderr, "last: WSLBRIDGE_SEED=%llu\n",
                               (unsigned long long) *current_seed);
        }
        return status;
}
