/* SPDX-License-Identifier: MIT */

/*
 * What the import writes into the guest, and what it shows before.
 */

#include "windows-helper/core/setup/import.h"

#include "windows-helper/core/rules/adoption.h"
#include "windows-helper/core/rules/conflict-text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void import_listen_text(const WireListen *l, Buffer *out) {
        char address[IP_TEXT_MAX];
        bool v6 = l->addr.family == IP_FAMILY_V6;

        ip_format(&l->addr, address);
        buffer_printf(out, "%s%s%s:%u", v6 ? "[" : "", address, v6 ? "]" : "", (unsigned) l->port);
        if (l->count > 1)
                buffer_printf(out, "-%u", (unsigned) l->port + l->count - 1);
}

static void connect_text(const WireListen *l, Buffer *out) {
        buffer_printf(out, "%u", (unsigned) l->connect_port);
        if (l->count > 1)
                buffer_printf(out, "-%u", (unsigned) l->connect_port + l->count - 1);
}

int import_parse_listen(const char *text, WireListen *ret_listen) {
        IpEndpoint first[ADOPTION_ENDPOINTS_MAX];
        char single[IP_ENDPOINT_TEXT_MAX];
        const char *dash = strrchr(text, '-');
        size_t n = dash ? (size_t) (dash - text) : strlen(text);
        unsigned long last = 0;

        if (n >= sizeof(single))
                return -EINVAL;
        memcpy(single, text, n);
        single[n] = '\0';
        if (adoption_parse(single, first) != 1 || first[0].udp)
                return -EINVAL;
        if (dash && dash[1 + strspn(dash + 1, "0123456789")]) /* strtoul() takes signs and spaces */
                return -EINVAL;
        last = dash ? strtoul(dash + 1, NULL, 10) : first[0].port;
        if (last < first[0].port || last > UINT16_MAX)
                return -EINVAL;
        *ret_listen = (WireListen){.addr = first[0].addr,
                                   .port = first[0].port,
                                   .count = (uint16_t) (last - first[0].port + 1)};
        return 0;
}

void import_drop_in(const ImportService *s, Buffer *out) {
        bool other_port = false;

        buffer_printf(out, "# Made by wslbridge's setup from a port forwarding of Windows.\n"
                           "[service]\n"
                           "description = Imported\n");
        for (size_t i = 0; i < s->n_listens; i++) {
                other_port |= s->listens[i].port != s->listens[i].connect_port;
                buffer_printf(out, "listen = ");
                import_listen_text(&s->listens[i], out);
                buffer_printf(out, "\n");
        }
        if (other_port) {
                buffer_printf(out, "connect-port = ");
                connect_text(&s->listens[0], out);
                buffer_printf(out, "\n");
        }
        buffer_printf(out,
                      "# Windows Firewall stays as it was. Remove the next line to let wslbridge "
                      "open it, too.\n"
                      "firewall = none\n");
}

static void show_service(const ImportService *s, Buffer *out) {
        static const char *const fits[_IMPORT_FIT_END] = {
                [IMPORT_PRESENT] = "",
                [IMPORT_STALE] = ", an old address in WSL's network",
                [IMPORT_SHARED] = ", perhaps another user's",
                [IMPORT_GUESS] = ", perhaps an old address of WSL: nothing has it now",
        };
        char target[IP_TEXT_MAX];

        ip_format(&s->target, target);
        buffer_printf(out, "  %s: ", s->name);
        for (size_t i = 0; i < s->n_listens; i++) {
                buffer_printf(out, "%s", i > 0 ? ", " : "");
                import_listen_text(&s->listens[i], out);
        }
        buffer_printf(out, " to port%s ", s->listens[0].count > 1 ? "s" : "");
        connect_text(&s->listens[0], out);
        buffer_printf(out, " of the guest (now to %s%s)\n", target, fits[s->fit]);
}

void import_show(const ImportPlan *p, Buffer *out) {
        char value[WIRE_TEXT_MAX + 1];
        size_t n_known = 0;

        if (p->n_services > 0)
                buffer_printf(out, "These port forwardings become services of the guest:\n");
        for (size_t i = 0; i < p->n_services; i++)
                show_service(&p->services[i], out);
        for (size_t i = 0; i < p->n_taken; i++) {
                if (!p->taken[i].known)
                        continue;
                if (n_known++ == 0)
                        buffer_printf(out,
                                      "These have a service already, which takes them over:\n");
                conflict_value_text(p->taken[i].value, value);
                buffer_printf(out, "  %s\n", value);
        }
        if (p->n_left > 0)
                buffer_printf(out, "These stay as they are:\n");
        for (size_t i = 0; i < p->n_left; i++) {
                conflict_value_text(p->left[i].value, value);
                buffer_printf(out, "  %s: it %s\n", value, p->left[i].why);
        }
}
