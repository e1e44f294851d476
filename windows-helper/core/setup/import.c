/* SPDX-License-Identifier: MIT */

/*
 * First each rule alone: where does it listen, and where does it lead? Then the rules that were
 * taken are sorted, so that those that make a range follow each other.
 */

#include "windows-helper/core/setup/import.h"

#include "windows-helper/core/base/result.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* WSL takes its network from 172.16.0.0/12 unless something else is there (fact 6.1.5). */
#define USUAL_NET    ip_v4(172, 16, 0, 0)
#define USUAL_PREFIX 12

#define IMPORT_SAME_NAMES 1000 /* files that differ only in the number behind their name */

RESULT_PRINTF(2, 3) static void leave(ImportLeft *ret_left, const char *format, ...) {
        va_list args;

        va_start(args, format);
        result_text_v(ret_left->why, format, args);
        va_end(args);
}

/* Ends a function that takes rules. */
#define LEAVE(...) (leave(__VA_ARGS__), false)

/* The host's address with the smallest network around @address, or NULL. */
static const HostnetAddress *network_of(const Hostnet *net, const IpAddr *address) {
        const HostnetAddress *best = NULL;

        for (size_t i = 0; i < net->n_addresses; i++) {
                const HostnetAddress *a = &net->addresses[i];

                if (ip_in_prefix(address, &a->addr, a->prefix) &&
                    (!best || a->prefix > best->prefix))
                        best = a;
        }
        return best;
}

static bool is_of_wsl(const ImportInput *in, const HostnetAddress *network, const IpAddr *address) {
        if (in->net->has_nat && ip_in_prefix(address, &in->net->nat.addr, in->net->nat.length))
                return true;
        return network && (hostnet_is_of_wsl(network) ||
                           ip_in_prefix(&in->guest, &network->addr, network->prefix));
}

static bool judge_target(const ImportInput *in, const IpAddr *to, ImportFit *ret_fit,
                         ImportLeft *ret_left) {
        const HostnetAddress *network = network_of(in->net, to), *own = hostnet_own(in->net, to);
        const char *problem = ip_guest_problem(to);
        char text[IP_TEXT_MAX];
        const IpAddr usual = USUAL_NET;

        ip_format(to, text);
        if (to->family != IP_FAMILY_V4)
                return LEAVE(ret_left, "leads to an IPv6 address (%s)", text);
        if (ip_compare(to, &in->guest) == 0)
                *ret_fit = IMPORT_PRESENT;
        else if (problem)
                return LEAVE(ret_left, "leads to %s, which %s", text, problem);
        else if (own)
                return LEAVE(ret_left, "leads to this host itself (%s)", own->adapter);
        else if (is_of_wsl(in, network, to))
                *ret_fit = in->shared ? IMPORT_SHARED : IMPORT_STALE;
        else if (network)
                return LEAVE(ret_left, "leads to another machine (%s, behind %s)", text,
                             network->adapter);
        else if (ip_in_prefix(to, &usual, USUAL_PREFIX))
                *ret_fit = IMPORT_GUESS;
        else
                return LEAVE(ret_left, "leads to %s, which is not in a network of WSL", text);
        return true;
}

static bool judge(const ImportInput *in, ImportFit worst, const RuleValue *v,
                  ImportTaken *ret_taken, ImportLeft *ret_left) {
        char text[IP_TEXT_MAX];

        if (!v->data)
                return LEAVE(ret_left, "is not a plain string (REG_SZ)");
        if (!v->parsed)
                return LEAVE(ret_left, "does not name an address and a port");
        ip_format(&v->listen.addr, text);
        if (!ip_is_any(&v->listen.addr) && !ip_is_loopback(&v->listen.addr) &&
            !hostnet_own(in->net, &v->listen.addr))
                return LEAVE(ret_left, "listens on %s, which this host does not have now", text);
        if (rule_endpoint_parse(v->data, IP_FAMILY_NONE, &ret_taken->connect) < 0)
                return LEAVE(ret_left, "leads to '%.60s', which is no address and port", v->data);
        if (!judge_target(in, &ret_taken->connect.addr, &ret_taken->fit, ret_left))
                return false;
        if (ret_taken->fit > worst) {
                ip_format(&ret_taken->connect.addr, text);
                return LEAVE(ret_left,
                             "leads to %s, which may be somebody else's; without --yes, setup "
                             "asks",
                             text);
        }
        ret_taken->value = v;
        return true;
}

static bool is_known(const ImportInput *in, const ImportTaken *t) {
        const IpEndpoint *listen = &t->value->listen;

        for (size_t i = 0; i < in->n_known; i++) {
                const WireListen *k = &in->known[i];

                if (ip_compare(&k->addr, &listen->addr) == 0 && listen->port >= k->port &&
                    listen->port - k->port < k->count)
                        return true;
        }
        return false;
}

static bool is_ours(const ImportInput *in, const RuleValue *v) {
        const LedgerEntry *e = v->parsed ? ledger_find(in->ledger, &v->listen) : NULL;

        return e && ledger_entry_proves(e, v);
}

/* Two values can mean one endpoint, with '*' in one of them. The rules are sorted, so they follow
 * each other. Both are adopted, unless they lead to different ports. */
static bool fits_before(const ImportPlan *p, ImportTaken *t, ImportLeft *ret_left) {
        const ImportTaken *before = p->n_taken > 0 ? &p->taken[p->n_taken - 1] : NULL;
        const RuleValue *first = before ? before->value : NULL;

        if (!first || ip_endpoint_compare(&first->listen, &t->value->listen) != 0)
                return true;
        if (before->connect.port != t->connect.port)
                return LEAVE(ret_left,
                             "is for the same endpoint as '%s', and leads to another port",
                             first->name);
        t->twice = true;
        return true;
}

static int take_rules(const ImportInput *in, ImportFit worst, ImportPlan *p) {
        size_t n = in->rules->n_values;

        p->taken = calloc(n + 1, sizeof(*p->taken));
        p->left = calloc(n + 1, sizeof(*p->left));
        if (!p->taken || !p->left)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                const RuleValue *v = &in->rules->values[i];
                ImportLeft why = {.value = v};
                ImportTaken taken = {0};

                if (is_ours(in, v))
                        continue;
                if (judge(in, worst, v, &taken, &why) && fits_before(p, &taken, &why)) {
                        taken.known = is_known(in, &taken);
                        p->taken[p->n_taken++] = taken;
                } else {
                        p->left[p->n_left++] = why;
                }
        }
        return 0;
}

/* Rules of a range follow each other: the same address and fit, the same distance between the
 * ports of both sides, and then in the order of the ports. */
static int compare_taken(const void *a, const void *b) {
        const ImportTaken *x = *(const ImportTaken *const *) a;
        const ImportTaken *y = *(const ImportTaken *const *) b;
        int far_x = x->connect.port - x->value->listen.port;
        int far_y = y->connect.port - y->value->listen.port;
        int r = ip_compare(&x->value->listen.addr, &y->value->listen.addr);

        if (r == 0)
                r = (int) x->fit - (int) y->fit;
        if (r == 0)
                r = far_x - far_y;
        return r != 0 ? r : x->value->listen.port - y->value->listen.port;
}

static bool name_is_taken(const ImportInput *in, const ImportPlan *p, const char *name) {
        for (size_t i = 0; i < in->n_names; i++)
                if (strcmp(in->names[i], name) == 0)
                        return true;
        for (size_t i = 0; i < p->n_services; i++)
                if (strcmp(p->services[i].name, name) == 0)
                        return true;
        return false;
}

static void name_service(const ImportInput *in, const ImportPlan *p, const WireListen *l,
                         char ret_name[IMPORT_NAME_MAX + 1]) {
        char range[8] = "", again[6] = "";

        if (l->count > 1)
                (void) snprintf(range, sizeof(range), "-%u", (unsigned) l->port + l->count - 1);
        for (unsigned i = 2; i < IMPORT_SAME_NAMES; i++) {
                (void) snprintf(ret_name, IMPORT_NAME_MAX + 1, "import-%u%s%s", (unsigned) l->port,
                                range, again);
                if (!name_is_taken(in, p, ret_name))
                        return;
                (void) snprintf(again, sizeof(again), "-%u", i);
        }
}

/* A service that leads to the same ports of the guest and has room, or a new one. */
static void add_listen(const ImportInput *in, ImportPlan *p, const WireListen *l,
                       const ImportTaken *first) {
        ImportService *s = p->services;

        for (; s < p->services + p->n_services; s++)
                if (s->listens[0].connect_port == l->connect_port &&
                    s->listens[0].count == l->count && s->fit == first->fit &&
                    s->n_listens < WIRE_LISTENS_MAX)
                        break;
        if (s == p->services + p->n_services) {
                *s = (ImportService){.fit = first->fit, .target = first->connect.addr};
                name_service(in, p, l, s->name);
                p->n_services++;
        }
        s->listens[s->n_listens++] = *l;
}

static int make_services(const ImportInput *in, ImportPlan *p) {
        const ImportTaken **order = calloc(p->n_taken + 1, sizeof(const ImportTaken *));
        size_t n = 0;

        p->services = calloc(p->n_taken + 1, sizeof(*p->services));
        if (!order || !p->services) {
                free(order);
                return -ENOMEM;
        }
        for (size_t i = 0; i < p->n_taken; i++)
                if (!p->taken[i].known && !p->taken[i].twice)
                        order[n++] = &p->taken[i];
        qsort(order, n, sizeof(order[0]), compare_taken);
        for (size_t i = 0, next; i < n; i = next) {
                const IpEndpoint *from = &order[i]->value->listen;
                int far = order[i]->connect.port - from->port;

                for (next = i + 1; next < n; next++) {
                        const ImportTaken *t = order[next];

                        if (ip_compare(&t->value->listen.addr, &from->addr) != 0 ||
                            t->fit != order[i]->fit ||
                            t->value->listen.port - from->port != (int) (next - i) ||
                            t->connect.port - t->value->listen.port != far)
                                break;
                }
                add_listen(in, p,
                           &(WireListen){from->addr, from->port, (uint16_t) (next - i),
                                         order[i]->connect.port},
                           order[i]);
        }
        free(order);
        return 0;
}

int import_plan(const ImportInput *in, ImportFit worst, ImportPlan *ret_plan) {
        int r;

        *ret_plan = IMPORT_PLAN_NULL;
        r = take_rules(in, worst, ret_plan);
        return r < 0 ? r : make_services(in, ret_plan);
}

void import_done(ImportPlan *p) {
        free(p->services);
        free(p->taken);
        free(p->left);
        *p = IMPORT_PLAN_NULL;
}

bool import_has(const ImportPlan *p, ImportFit fit) {
        for (size_t i = 0; i < p->n_taken; i++)
                if (p->taken[i].fit >= fit)
                        return true;
        return false;
}
