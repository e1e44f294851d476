/* SPDX-License-Identifier: MIT */

/*
 * Step 8, about names and targets: "*" beside 0.0.0.0, and a target that changes while somebody
 * connects all the time. That is what becomes of forwardings that are taken over (fact 4.1.11).
 */

#include "windows-helper/core/rules/rule.h"
#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/selftest/tools/forward.h"

#include <stdio.h>

#define STAR_LISTENS_MS 5000
#define STAR_CONNECT_MS 1000
#define STAR_KNOCK_MS   1500 /* for iphlpsvc to follow a change */

static const IpAddr any = {IP_FAMILY_V4, {0, 0, 0, 0}};
static const IpAddr loopback = {IP_FAMILY_V4, {127, 0, 0, 1}};

typedef struct Star {
        uint16_t port, first, second;                  /* the one of the rule, and its targets */
        SOCKET first_listener, second_listener;        /* owned */
        char star[RULE_TEXT_MAX], zero[RULE_TEXT_MAX]; /* names */
        char to_first[RULE_TEXT_MAX], to_second[RULE_TEXT_MAX];
} Star;

static bool star_open(Star *r) {
        r->port = tcp_free_port();
        if (r->port == 0 ||
            tcp_listen(&loopback, 0, SO_EXCLUSIVEADDRUSE, &r->first_listener, &r->first) != 0 ||
            tcp_listen(&loopback, 0, SO_EXCLUSIVEADDRUSE, &r->second_listener, &r->second) != 0)
                return false;
        (void) snprintf(r->star, sizeof(r->star), "*/%u", (unsigned) r->port);
        (void) snprintf(r->zero, sizeof(r->zero), "0.0.0.0/%u", (unsigned) r->port);
        (void) snprintf(r->to_first, sizeof(r->to_first), "127.0.0.1/%u", (unsigned) r->first);
        (void) snprintf(r->to_second, sizeof(r->to_second), "127.0.0.1/%u", (unsigned) r->second);
        return true;
}

/* Connect again and again. *ret_refused: how often that failed. Return: whether the second target
 * got one of the connections. */
static bool star_knock(Step *s, const Star *r, unsigned *ret_n, unsigned *ret_refused) {
        uint64_t end = step_clock() + step_limit(STAR_KNOCK_MS) * 1000ULL;
        bool arrived = false;

        *ret_n = *ret_refused = 0;
        while (step_clock() < end && step_is_open(s)) {
                SOCKET client, server;

                ++*ret_n;
                if (tcp_connect(NULL, &loopback, r->port, STAR_CONNECT_MS, &client) != 0)
                        ++*ret_refused;
                server = tcp_accept(r->second_listener, 20);
                arrived |= server != INVALID_SOCKET;
                tcp_close(&server);
                server = tcp_accept(r->first_listener, 0);
                tcp_close(&server);
                tcp_close(&client);
        }
        return arrived;
}

/* The value is written over, as the helper does it. */
static void star_lead_elsewhere(Step *s, const Star *r) {
        uint64_t began = step_clock();
        unsigned n, refused;
        bool arrived;

        if (!forward_put(s, r->star, r->to_second))
                return;
        arrived = star_knock(s, r, &n, &refused);
        step_line(s, "portproxy.retarget", "connect", refused > 0, began,
                  "the port stays open while its target changes: %s (%u of %u failed)",
                  refused ? "no" : "yes", refused, n);
        step_line(s, "portproxy.retargeted", "accept", !arrived, began,
                  "connections reach the new target: %s", arrived ? "yes" : "no");
}

/* Another value for the same endpoint comes, and the first one goes. */
static void star_other_name(Step *s, const Star *r) {
        uint64_t began = step_clock();
        unsigned n, refused;
        uint32_t pid;
        bool listens;

        if (!forward_put(s, r->zero, r->to_second))
                return;
        (void) star_knock(s, r, &n, &refused);
        step_line(s, "portproxy.both", "connect", refused > 0, began,
                  "the port stays open with '*' and 0.0.0.0: %s (%u of %u failed)",
                  refused ? "no" : "yes", refused, n);
        began = step_clock();
        forward_take(s, r->star, r->to_second);
        (void) star_knock(s, r, &n, &refused);
        listens = forward_wait(s, &any, r->port, 0, STAR_LISTENS_MS, &pid);
        step_line(s, "portproxy.renamed", "connect", refused > 0 || !listens, began,
                  "0.0.0.0 goes on without a break when '*' goes: %s (%u of %u failed%s)",
                  refused || !listens ? "no" : "yes", refused, n,
                  listens ? "" : ", nobody listens in the end");
        forward_take(s, r->zero, r->to_second);
}

void step_star(Step *s) {
        Star r = {.first_listener = INVALID_SOCKET, .second_listener = INVALID_SOCKET};
        uint64_t began = step_clock();
        uint32_t pid;
        bool listens;

        if (star_open(&r) && forward_put(s, r.star, r.to_first)) {
                listens = forward_wait(s, &any, r.port, 0, STAR_LISTENS_MS, &pid);
                step_line(s, "portproxy.star", "GetExtendedTcpTable", !listens, began,
                          "'*' listens on 0.0.0.0: %s", listens ? "yes" : "no");
                if (listens) {
                        star_lead_elsewhere(s, &r);
                        star_other_name(s, &r);
                }
                forward_take(s, r.star, r.to_first); /* it is there if a step before failed */
        }
        tcp_close(&r.first_listener);
        tcp_close(&r.second_listener);
}
