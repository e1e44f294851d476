/* SPDX-License-Identifier: MIT */

/*
 * Claim: the chosen address is the one at which the Windows host reaches the machine, no matter
 * what else runs on it (Docker, VPNs, bridges). When there is none, the reason is right.
 *
 * Machines are written as text, one object per line, in the order of a kernel dump:
 *
 *      link INDEX NAME [up] [loopback] [vmbus] [made] [tunnel] [port-of INDEX]
 *      addr INDEX ADDRESS/PREFIX [host|link] [FLAG…]
 *      route4|route6 INDEX GATEWAY|direct METRIC [other-table]
 */

#include "tests/unit/agent/network/snapshot-cases.h"

#include "agent/network/snapshot.h"
#include "agent/util/cleanup.h"
#include "tests/suite.h"

#include <check.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void load_link(SnapshotLink *l, char **words) {
        char *word;

        l->index = atoi(strtok_r(NULL, " ", words));
        (void) snprintf(l->name, sizeof(l->name), "%s", strtok_r(NULL, " ", words));
        while ((word = strtok_r(NULL, " ", words)))
                if (strcmp(word, "up") == 0)
                        l->up = true;
                else if (strcmp(word, "loopback") == 0)
                        l->loopback = true;
                else if (strcmp(word, "vmbus") == 0)
                        l->vmbus = true;
                else if (strcmp(word, "made") == 0)
                        l->made = true;
                else if (strcmp(word, "tunnel") == 0)
                        l->tunnel = true;
                else if (strcmp(word, "port-of") == 0)
                        l->master = atoi(strtok_r(NULL, " ", words));
                else
                        ck_abort_msg("link: what is '%s'?", word);
}

static void load_address(SnapshotAddress *a, char **words) {
        static const struct {
                const char *name;
                uint32_t flag;
        } flags[] = {
                {"secondary", IFA_F_SECONDARY},   {"temporary", IFA_F_TEMPORARY},
                {"deprecated", IFA_F_DEPRECATED}, {"tentative", IFA_F_TENTATIVE},
                {"dadfailed", IFA_F_DADFAILED},
        };
        char *word, *slash;
        size_t i;

        a->link = atoi(strtok_r(NULL, " ", words));
        word = strtok_r(NULL, " ", words);
        slash = strchr(word, '/');
        *slash = '\0';
        ck_assert_int_eq(ip_parse(word, &a->addr), 0);
        a->prefix = (uint8_t) atoi(slash + 1);
        a->scope = RT_SCOPE_UNIVERSE;
        a->flags = IFA_F_PERMANENT;
        while ((word = strtok_r(NULL, " ", words))) {
                if (strcmp(word, "host") == 0) {
                        a->scope = RT_SCOPE_HOST;
                        continue;
                }
                if (strcmp(word, "link") == 0) {
                        a->scope = RT_SCOPE_LINK;
                        continue;
                }
                for (i = 0; i < ELEMENTSOF(flags) && strcmp(flags[i].name, word) != 0;)
                        i++;
                ck_assert_msg(i < ELEMENTSOF(flags), "addr: what is '%s'?", word);
                a->flags |= flags[i].flag;
        }
}

static void load_route(SnapshotRoute *r, uint8_t family, char **words) {
        const char *gateway;

        r->family = family;
        r->link = atoi(strtok_r(NULL, " ", words));
        gateway = strtok_r(NULL, " ", words);
        if (strcmp(gateway, "direct") != 0)
                ck_assert_int_eq(ip_parse(gateway, &r->gateway), 0);
        r->metric = (uint32_t) atoi(strtok_r(NULL, " ", words));
        r->other_table = strtok_r(NULL, " ", words) != NULL;
}

/* One more element, all zero. There is no room behind it, so that the sanitizer sees a read beyond
 * the end. */
static void *grow(void *array, size_t *n, size_t size) {
        char *grown = reallocarray(array, *n + 1, size);

        ck_assert_ptr_nonnull(grown);
        memset(grown + *n * size, 0, size);
        (*n)++;
        return grown;
}

/* Release with snapshot_done(). */
static Snapshot load(const char *text) {
        _cleanup_free_ char *copy = strdup(text);
        Snapshot s = SNAPSHOT_NULL;
        char *lines, *line;

        for (line = strtok_r(copy, "\n", &lines); line; line = strtok_r(NULL, "\n", &lines)) {
                char *words, *kind = strtok_r(line, " ", &words);

                if (strcmp(kind, "link") == 0) {
                        s.links = grow(s.links, &s.n_links, sizeof(*s.links));
                        load_link(&s.links[s.n_links - 1], &words);
                } else if (strcmp(kind, "addr") == 0) {
                        s.addresses = grow(s.addresses, &s.n_addresses, sizeof(*s.addresses));
                        load_address(&s.addresses[s.n_addresses - 1], &words);
                } else {
                        ck_assert(strcmp(kind, "route4") == 0 || strcmp(kind, "route6") == 0);
                        s.routes = grow(s.routes, &s.n_routes, sizeof(*s.routes));
                        load_route(&s.routes[s.n_routes - 1],
                                   kind[5] == '4' ? IP_FAMILY_V4 : IP_FAMILY_V6, &words);
                }
        }
        return s;
}

static void format_address(const WireAddress *a, char text[128]) {
        char addr[IP_TEXT_MAX], gateway[IP_TEXT_MAX];

        text[0] = '\0';
        if (a->addr.family == IP_FAMILY_NONE) {
                ck_assert_int_eq(a->gateway.family, IP_FAMILY_NONE);
                return;
        }
        ip_format(&a->addr, addr);
        ip_format(&a->gateway, gateway);
        (void) snprintf(text, 128, "%s/%u%s%s", addr, a->prefix,
                        a->gateway.family == IP_FAMILY_NONE ? "" : " ",
                        a->gateway.family == IP_FAMILY_NONE ? "" : gateway);
}

START_TEST(test_choice) {
        const Case *c = &cases[_i];
        char v4[128], v6[128];
        Snapshot m = load(c->machine);
        Choice choice;

        memset(&choice, 0xa5, sizeof(choice)); /* everything must be written */
        snapshot_choose(&m, c->interface, &choice);
        snapshot_done(&m);
        ck_assert_mem_eq(&m, &SNAPSHOT_NULL, sizeof(m));
        format_address(&choice.v4, v4);
        format_address(&choice.v6, v6);
        ck_assert_msg(strcmp(choice.interface, c->chosen) == 0 && strcmp(v4, c->v4) == 0 &&
                              strcmp(v6, c->v6) == 0 && choice.problem == c->problem &&
                              choice.vmbus_preferred == c->vmbus_preferred,
                      "%s: chosen '%s' v4 '%s' v6 '%s', %s%s", c->name, choice.interface, v4, v6,
                      choice_problem_text(choice.problem),
                      choice.vmbus_preferred ? ", VMBus preferred" : "");
}
END_TEST

/* The kernel decides the order of a dump. Reversed tables give the same choice, except where the
 * choice is "the first of several equal ones". */
START_TEST(test_order) {
        const Case *c = &cases[_i];
        Snapshot m, reversed;
        Choice a, b;

        if (strstr(c->name, "the first"))
                return;
        m = load(c->machine);
        reversed = load(c->machine);
        for (size_t i = 0; i < m.n_links; i++)
                reversed.links[i] = m.links[m.n_links - 1 - i];
        for (size_t i = 0; i < m.n_addresses; i++)
                reversed.addresses[i] = m.addresses[m.n_addresses - 1 - i];
        for (size_t i = 0; i < m.n_routes; i++)
                reversed.routes[i] = m.routes[m.n_routes - 1 - i];
        snapshot_choose(&m, c->interface, &a);
        snapshot_choose(&reversed, c->interface, &b);
        snapshot_done(&m);
        snapshot_done(&reversed);
        ck_assert_msg(choice_equal(&a, &b), "%s: depends on the order", c->name);
}
END_TEST

/* Each published field counts as a difference, and no other does. */
START_TEST(test_equal) {
        Snapshot m = load(WSL_NAT);
        Choice a, b;

        snapshot_choose(&m, "", &a);
        snapshot_choose(&m, "", &b);
        snapshot_done(&m);
        ck_assert(choice_equal(&a, &b));
        b.v4.addr = ip_v4(172, 29, 144, 6);
        ck_assert(!choice_equal(&a, &b));
        b = a;
        b.v4.prefix--;
        ck_assert(!choice_equal(&a, &b));
        b = a;
        b.v4.gateway = (IpAddr){0};
        ck_assert(!choice_equal(&a, &b));
        b = a;
        b.v6.addr = (IpAddr){.family = IP_FAMILY_V6, .bytes = {0x20, 0x01}};
        ck_assert(!choice_equal(&a, &b));
        b = a;
        b.interface[0] = 'x';
        ck_assert(!choice_equal(&a, &b));
        b = a;
        b.problem = CHOICE_OFF_LINK;
        ck_assert(!choice_equal(&a, &b));
        b = a;
        b.vmbus_preferred = true;
        ck_assert(!choice_equal(&a, &b));
}
END_TEST

/* As "eth0 172.20.0.5 route vmbus; docker0 172.17.0.1". */
static const struct {
        const char *machine, *candidates;
} candidate_cases[] = {
        {"", ""},
        {LO DNS, ""},
        {LO "addr 1 10.4.0.1/24\n", ""},
        {WSL_NAT, "eth0 172.29.144.5 route vmbus; "},
        {WSL_NAT DOCKER0, "eth0 172.29.144.5 route vmbus; docker0 172.17.0.1; "},
        {LO DOCKER0 ETH0, "docker0 172.17.0.1; "},
        {ETH0 "addr 2 172.20.0.5/20\n" TUN0 "route4 5 10.8.0.1 50\n",
         "eth0 172.20.0.5 vmbus; tun0 10.8.0.6 route; "},
        /* one for each interface: the one with the gateway on-link */
        {ETH0 "addr 2 10.0.0.1/8\naddr 2 172.20.0.5/20\nroute4 2 172.20.0.1 0\n",
         "eth0 172.20.0.5 route vmbus; "},
        {ETH0 "addr 2 172.20.0.5/20 secondary\n", "eth0 172.20.0.5 vmbus; "},
        {ETH0 "addr 2 172.20.0.5/20 tentative\naddr 2 172.20.0.6/20 deprecated\n",
         "eth0 172.20.0.6 vmbus; "},
        {ETH0 "addr 2 172.20.0.5/20 tentative\naddr 2 172.20.0.6/20 dadfailed\n", ""},
        {ETH0 "addr 2 169.254.7.7/16 link\naddr 2 2001:db8::5/64\n", ""},
};

START_TEST(test_candidates) {
        for (size_t i = 0; i < ELEMENTSOF(candidate_cases); i++) {
                Candidate found[SNAPSHOT_CANDIDATES_MAX];
                char text[1024] = "";
                Snapshot m = load(candidate_cases[i].machine);
                size_t n;

                memset(found, 0xa5, sizeof(found)); /* everything must be written */
                n = snapshot_candidates(&m, found);
                snapshot_done(&m);
                for (size_t k = 0; k < SNAPSHOT_CANDIDATES_MAX; k++) {
                        char address[IP_TEXT_MAX];
                        size_t used = strlen(text);

                        ip_format(&found[k].addr, address);
                        if (k >= n) {
                                ck_assert_mem_eq(&found[k], &(Candidate){0}, sizeof(Candidate));
                                continue;
                        }
                        (void) snprintf(text + used, sizeof(text) - used, "%s %s%s%s; ",
                                        found[k].interface, address,
                                        found[k].default_route ? " route" : "",
                                        found[k].vmbus ? " vmbus" : "");
                }
                ck_assert_str_eq(text, candidate_cases[i].candidates);
        }
}
END_TEST

/* There are never more candidates than room for them. */
START_TEST(test_many_candidates) {
        SnapshotLink links[2 * SNAPSHOT_CANDIDATES_MAX] = {0};
        SnapshotAddress addresses[2 * SNAPSHOT_CANDIDATES_MAX] = {0};
        Candidate found[SNAPSHOT_CANDIDATES_MAX];
        const Snapshot s = {.links = links,
                            .addresses = addresses,
                            .n_links = ELEMENTSOF(links),
                            .n_addresses = ELEMENTSOF(addresses)};

        for (size_t i = 0; i < ELEMENTSOF(links); i++) {
                links[i] = (SnapshotLink){.index = (int) i + 1, .name = "br", .up = true};
                addresses[i] = (SnapshotAddress){.link = (int) i + 1,
                                                 .addr = ip_v4(10, 0, 0, (uint8_t) (i + 1)),
                                                 .prefix = 24,
                                                 .scope = RT_SCOPE_UNIVERSE};
        }
        ck_assert_uint_eq(snapshot_candidates(&s, found), SNAPSHOT_CANDIDATES_MAX);
        ck_assert_uint_eq(found[SNAPSHOT_CANDIDATES_MAX - 1].addr.bytes[3],
                          SNAPSHOT_CANDIDATES_MAX);
}
END_TEST

static void load_choice(const char *text, Choice *ret) {
        Snapshot m = load(text);

        snapshot_choose(&m, "", ret);
        snapshot_done(&m);
}

/* Two changes are reported only when they last: the loss of the address in use, and another
 * interface. */
START_TEST(test_may_pass) {
        static const char *const none = ETH0;
        static const char *const v4 = ETH0 "addr 2 172.20.0.5/20\nroute4 2 172.20.0.1 0\n";
        static const char *const other_v4 = ETH0 "addr 2 172.20.0.6/20\nroute4 2 172.20.0.1 0\n";
        static const char *const v6 = ETH0 "addr 2 2001:db8::5/64\n";
        static const char *const both = ETH0 "addr 2 2001:db8::5/64\naddr 2 172.20.0.5/20\n";
        static const char *const old_v4 =
                ETH0 "addr 2 172.20.0.9/20 deprecated\nroute4 2 172.20.0.1 0\n";
        static const char *const other_link = ETH0 "link 3 eth1 up vmbus\naddr 3 10.1.0.5/24\n"
                                                   "route4 3 10.1.0.1 0\n";
        static const struct {
                const char *const *was, *const *is;
                bool may_pass;
        } pairs[] = {
                {&v4, &v4, false},         {&v4, &other_v4, false},     {&v4, &none, true},
                {&v4, &v6, true},          {&v4, &both, false},         {&both, &v6, true},
                {&both, &v4, false},       {&both, &none, true},        {&v6, &none, true},
                {&v6, &v4, false},         {&v4, &other_link, true},    {&other_link, &v4, true},
                {&none, &v4, false},       {&none, &other_link, false}, {&none, &none, false},
                {&v4, &old_v4, true},      {&old_v4, &v4, false},       {&none, &old_v4, false},
                {&old_v4, &old_v4, false},
        };

        for (size_t i = 0; i < ELEMENTSOF(pairs); i++) {
                Choice was, is;

                load_choice(*pairs[i].was, &was);
                load_choice(*pairs[i].is, &is);
                ck_assert_msg(choice_may_pass(&was, &is) == pairs[i].may_pass, "from:\n%sto:\n%s",
                              *pairs[i].was, *pairs[i].is);
        }
}
END_TEST

START_TEST(test_texts) {
        for (int i = 0; i < _CHOICE_PROBLEM_END; i++) {
                for (int j = 0; j < i; j++)
                        ck_assert(strcmp(choice_problem_text((ChoiceProblem) i),
                                         choice_problem_text((ChoiceProblem) j)) != 0 &&
                                  strcmp(choice_problem_name((ChoiceProblem) i),
                                         choice_problem_name((ChoiceProblem) j)) != 0);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("snapshot");
        TCase *tcase = tcase_create("choice");

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, test_choice, 0, (int) ELEMENTSOF(cases));
        tcase_add_loop_test(tcase, test_order, 0, (int) ELEMENTSOF(cases));
        tcase_add_test(tcase, test_equal);
        tcase_add_test(tcase, test_candidates);
        tcase_add_test(tcase, test_many_candidates);
        tcase_add_test(tcase, test_may_pass);
        tcase_add_test(tcase, test_texts);
        return suite_run(suite);
}
