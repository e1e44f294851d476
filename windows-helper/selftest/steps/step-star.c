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
#define STAR_CONNECT_MS 3000
#define STAR_ARRIVES_MS 20   /* at the target, if it does */
#define STAR_KNOCK_MS   1500 /* for iphlpsvc to follow a change */

static const IpAddr any = {IP_FAMILY_V4, {0, 0, 0, 0}};
static const IpAddr loopback = {IP_FAMILY_V4, {127, 0, 0, 1}};

typedef struct Star {
        uint16_t port, first, second;                  /* the one of the rule, and its targets */
        SOCKET listeners[2];                           /* owned; of the targets */
        char star[RULE_TEXT_MAX], zero[RULE_TEXT_MAX]; /* names */
        char to_first[RULE_TEXT_MAX], to_second[RULE_TEXT_MAX];
} Star;

static bool star_open(Star *r) {
        r->port = tcp_free_port();
        if (r->port == 0 ||
            tcp_listen(&loopback, 0, SO_EXCLUSIVEADDRUSE, &r->listeners[0], &r->first) != 0 ||
            tcp_listen(&loopback, 0, SO_EXCLUSIVEADDRUSE, &r->listeners[1], &r->second) != 0)
                return false;
        (void) snprintf(r->star, sizeof(r->star), "*/%u", (unsigned) r->port);
        (void) snprintf(r->zero, sizeof(r->zero), "0.0.0.0/%u", (unsigned) r->port);
        (void) snprintf(r->to_first, sizeof(r->to_first), "127.0.0.1/%u", (unsigned) r->first);
        (void) snprintf(r->to_second, sizeof(r->to_second), "127.0.0.1/%u", (unsigned) r->second);
        return true;
}

/* Connections that are made in a thread of its own, one after the other, while something changes.
 */
typedef struct Knocks {
        const Step *step; /* borrowed, as the next two */
        const Star *star;
        HANDLE stop;
        volatile LONG n;
        unsigned n_refused;
        uint64_t without; /* the longest time without one that worked */
        bool arrived;     /* one has reached the second target */
        bool tries_again; /* Windows may hide that nobody listens for a moment */
        HANDLE thread;
} Knocks;

/* The next one comes when iphlpsvc has led this one on. So it never has more than one to accept. */
static bool star_knock(Knocks *k) {
        SOCKET client, server;
        size_t which = 0;

        if (tcp_knock(&loopback, k->star->port, STAR_CONNECT_MS, &k->tries_again, &client) != 0)
                return false;
        server = tcp_accept_either(k->star->listeners, STAR_ARRIVES_MS, &which);
        k->arrived |= server != INVALID_SOCKET && which == 1;
        tcp_reset(&server);
        tcp_reset(&client);
        return true;
}

static DWORD WINAPI star_thread(void *parameter) {
        Knocks *k = parameter;
        uint64_t last = step_clock(), now;

        while (WaitForSingleObject(k->stop, 0) != WAIT_OBJECT_0 && step_is_open(k->step)) {
                bool works = star_knock(k);

                now = step_clock();
                if (now - last > k->without)
                        k->without = now - last;
                if (works)
                        last = now;
                else
                        k->n_refused++;
                (void) InterlockedIncrement(&k->n);
        }
        return 0;
}

/* It knocks when this returns. */
static bool star_begin(const Step *s, const Star *r, Knocks *ret_knocks) {
        *ret_knocks = (Knocks){.step = s, .star = r, .stop = CreateEventW(NULL, TRUE, FALSE, NULL)};
        if (ret_knocks->stop)
                ret_knocks->thread = CreateThread(NULL, 0, star_thread, ret_knocks, 0, NULL);
        while (ret_knocks->thread && ret_knocks->n == 0 && step_pause(s, 1))
                continue;
        if (!ret_knocks->thread && ret_knocks->stop)
                (void) CloseHandle(ret_knocks->stop);
        return ret_knocks->thread != NULL;
}

/* Something has @changed: give iphlpsvc time to follow. */
static void star_end(const Step *s, Knocks *k, bool changed) {
        if (changed)
                (void) step_pause(s, step_limit(STAR_KNOCK_MS));
        (void) SetEvent(k->stop);
        (void) WaitForSingleObject(k->thread, INFINITE);
        (void) CloseHandle(k->thread);
        (void) CloseHandle(k->stop);
}

/* @what: "the port stays open …"; @listens: in the end */
static void star_line(Step *s, const char *key, const char *what, const Knocks *k, bool listens,
                      uint64_t began) {
        bool good = k->n_refused == 0 && listens;

        step_line(s, key, "connect", !good, began,
                  "%s: %s (%ld knocks, %u refused, at most %lu ms without one that worked%s%s)",
                  what, good ? "yes" : "no", k->n, k->n_refused,
                  (unsigned long) (k->without / 1000),
                  k->tries_again ? ", but sockets try again here, so a gap may be hidden" : "",
                  listens ? "" : ", nobody listens in the end");
}

/* The value is written over, as the helper does it. */
static void star_lead_elsewhere(Step *s, const Star *r) {
        uint64_t began = step_clock();
        Knocks k;
        bool put;

        if (!star_begin(s, r, &k))
                return;
        put = forward_put(s, r->star, r->to_second);
        star_end(s, &k, put);
        if (!put)
                return;
        star_line(s, "portproxy.retarget", "the port stays open while its target changes", &k, true,
                  began);
        step_line(s, "portproxy.retargeted", "accept", !k.arrived, began,
                  "connections reach the new target: %s", k.arrived ? "yes" : "no");
}

/* Another value for the same endpoint comes, and the first one goes. */
static void star_other_name(Step *s, const Star *r) {
        uint64_t began = step_clock();
        bool put, listens;
        uint32_t pid;
        Knocks k;

        if (!star_begin(s, r, &k))
                return;
        put = forward_put(s, r->zero, r->to_second);
        star_end(s, &k, put);
        if (!put)
                return;
        star_line(s, "portproxy.both", "the port stays open with '*' and 0.0.0.0", &k, true, began);
        began = step_clock();
        if (star_begin(s, r, &k)) {
                forward_take(s, r->star, r->to_second);
                star_end(s, &k, true);
                listens = forward_wait(s, &any, r->port, 0, STAR_LISTENS_MS, &pid);
                star_line(s, "portproxy.renamed", "0.0.0.0 goes on without a break when '*' goes",
                          &k, listens, began);
        }
        forward_take(s, r->zero, r->to_second);
}

void step_star(Step *s) {
        Star r = {.listeners = {INVALID_SOCKET, INVALID_SOCKET}};
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
        tcp_close(&r.listeners[0]);
        tcp_close(&r.listeners[1]);
}
