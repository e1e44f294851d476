/* SPDX-License-Identifier: MIT */

/*
 * Checks of the guest's doctor about the guest's own firewall. It may keep out connections that the
 * host forwards, and neither the agent nor the helper notices. Only root can ask it what it lets
 * in, so this is a hint, and one for all services.
 */

#include "agent/ctl/doctor/firewall-checks.h"

#include "agent/ctl/doctor/guest-checks-private.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PORTS_SHOWN_MAX 12

typedef struct Ports { /* those of the guest that are needed, each once */
        struct Range {
                unsigned first, count;
                bool udp;
        } items[PORTS_SHOWN_MAX];
        size_t n, n_more;
} Ports;

bool firewall_ufw_is_on(const char *text) {
        static const char key[] = "ENABLED=";
        bool on = false;

        for (const char *line = text; *line; line += strspn(line, "\r\n")) {
                if (strncmp(line, key, strlen(key)) == 0) {
                        const char *value = line + strlen(key);

                        on = strncasecmp(value + strspn(value, "\"'"), "yes", 3) == 0;
                }
                line += strcspn(line, "\r\n");
        }
        return on;
}

static void add_range(Ports *p, const ReportListen *l, bool udp) {
        for (size_t i = 0; i < p->n; i++)
                if (p->items[i].first == l->connect_port && p->items[i].count == l->count &&
                    p->items[i].udp == udp)
                        return;
        if (p->n < PORTS_SHOWN_MAX)
                p->items[p->n++] = (struct Range){l->connect_port, l->count, udp};
        else
                p->n_more++;
}

/* Of services that the host forwards, and that a program serves. */
static void collect(const GuestEvidence *e, Ports *ret) {
        const Report *r = e->report;

        *ret = (Ports){0};
        for (size_t i = 0; i < r->n_services; i++) {
                const ReportService *s = &r->services[i];
                uint16_t port;

                if (!s->enabled || strcmp(s->state, "active") != 0 ||
                    service_ports_judge(e, s, &port) != GUEST_PORT_LISTENING)
                        continue;
                for (size_t k = 0; k < s->n_listens; k++)
                        if (s->listens[k].count > 0)
                                add_range(ret, &s->listens[k], strcmp(s->protocol, "udp") == 0);
        }
}

#define PORT_TEXT_SIZE sizeof("65535-65535")

/* @to: what stands between the two ends of a range */
static const char *port_text(const struct Range *range, char to, char ret_text[PORT_TEXT_SIZE]) {
        if (range->count > 1)
                (void) snprintf(ret_text, PORT_TEXT_SIZE, "%u%c%u", range->first, to,
                                range->first + range->count - 1);
        else
                (void) snprintf(ret_text, PORT_TEXT_SIZE, "%u", range->first);
        return ret_text;
}

static const char *protocol_text(const struct Range *range) {
        return range->udp ? "udp" : "tcp";
}

static void advise_firewalld(const Ports *p, Buffer *advice) {
        char text[PORT_TEXT_SIZE];

        for (size_t i = 0; i < p->n; i++)
                buffer_printf(advice, "\n  sudo firewall-cmd --permanent --add-port=%s/%s",
                              port_text(&p->items[i], '-', text), protocol_text(&p->items[i]));
        buffer_printf(advice, "\n  sudo firewall-cmd --reload");
}

static void advise_ufw(const Ports *p, Buffer *advice) {
        char text[PORT_TEXT_SIZE];

        for (size_t i = 0; i < p->n; i++)
                buffer_printf(advice, "\n  sudo ufw allow %s/%s",
                              port_text(&p->items[i], ':', text), protocol_text(&p->items[i]));
}

static void add_finding(const char *name, const Ports *p,
                        void (*advise)(const Ports *p, Buffer *advice), Findings *f) {
        Finding *x = findings_add(f, FINDING_HINT, "guest-firewall", NULL);
        char text[PORT_TEXT_SIZE];

        buffer_printf(
                &x->seen,
                "A firewall runs in this guest: %s. What it lets in cannot be seen from here. "
                "Services that are active need these ports: ",
                name);
        for (size_t i = 0; i < p->n; i++)
                buffer_printf(&x->seen, "%s%s/%s", i > 0 ? ", " : "",
                              port_text(&p->items[i], '-', text), protocol_text(&p->items[i]));
        if (p->n_more > 0)
                buffer_printf(&x->seen, " and %zu more", p->n_more);
        buffer_printf(&x->advice, "If it does not let connections in to them yet, open them:");
        advise(p, &x->advice);
}

void firewall_checks_run(const GuestEvidence *e, Findings *f) {
        Ports ports;

        if (!e->report || (!e->ufw && unit_state(&e->firewalld) != UNIT_RUNNING))
                return;
        collect(e, &ports);
        if (ports.n == 0)
                return;
        if (unit_state(&e->firewalld) == UNIT_RUNNING)
                add_finding("firewalld", &ports, advise_firewalld, f);
        if (e->ufw)
                add_finding("ufw", &ports, advise_ufw, f);
}
