/* SPDX-License-Identifier: MIT */

/*
 * 'rules': list the port forwardings of wslbridge, as the ledger has them.
 */

#include "windows-helper/commands/commands.h"
#include "windows-helper/core/rules/rule.h"
#include "windows-helper/store/ledger-store.h"
#include "windows-helper/win/console.h"
#include "windows-helper/win/log.h"

#include "common/json-write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef enum RulesForm { RULES_TABLE, RULES_NETSH, RULES_JSON } RulesForm;

/* Where an endpoint leads; "direct" when nothing is between it and the guest. */
static void rules_connect(const LedgerEntry *e, char ret_text[IP_ENDPOINT_TEXT_MAX]) {
        const IpEndpoint connect = {e->next.addr, e->next.port, e->listen.udp};

        if (e->direct)
                strcpy(ret_text, "direct");
        else
                ip_endpoint_format(&connect, ret_text);
}

static const char *rules_forwarder(const LedgerEntry *e) {
        return wire_forwarder_name(e->direct                        ? WIRE_FORWARDER_DIRECT
                                   : rule_target_is_relay(&e->next) ? WIRE_FORWARDER_RELAY
                                                                    : WIRE_FORWARDER_PORTPROXY);
}

static void rules_netsh(const LedgerEntry *e, Buffer *out) {
        char listen[IP_TEXT_MAX], connect[IP_TEXT_MAX];

        if (e->direct || rule_target_is_relay(&e->next)) /* netsh does not know them */
                return;
        if (e->star)
                (void) strcpy(listen, "*"); /* its own name, or netsh would make a second one */
        else
                ip_format(&e->listen.addr, listen);
        ip_format(&e->next.addr, connect);
        buffer_printf(out,
                      "netsh interface portproxy set %s listenaddress=%s listenport=%u "
                      "connectaddress=%s connectport=%u\n",
                      rule_family_name(rule_family(&e->listen, &e->next)), listen,
                      (unsigned) e->listen.port, connect, (unsigned) e->next.port);
}

static void rules_line(const LedgerEntry *e, Buffer *out) {
        char from[IP_ENDPOINT_TEXT_MAX], to[IP_ENDPOINT_TEXT_MAX];
        const char *distro = strchr(e->owner, '/');

        if (buffer_length(out) == 0)
                buffer_printf(out, "%-28s %-28s %-10s %-20s %s\n", "LISTEN", "CONNECT", "BY",
                              "SERVICE", "GUEST");
        ip_endpoint_format(&e->listen, from);
        rules_connect(e, to);
        buffer_printf(out, "%-28s %-28s %-10s %-20s %s\n", from, to, rules_forwarder(e), e->service,
                      distro ? distro + 1 : e->owner);
}

static void rules_member(const LedgerEntry *e, JsonWriter *w) {
        char from[IP_ENDPOINT_TEXT_MAX], to[IP_ENDPOINT_TEXT_MAX];

        ip_endpoint_format(&e->listen, from);
        rules_connect(e, to);
        json_open(w, NULL, '{');
        json_string_member(w, "listen", from);
        json_string_member(w, "connect", to);
        json_string_member(w, "forwarder", rules_forwarder(e));
        json_string_member(w, "service", e->service);
        json_string_member(w, "agent", e->owner);
        json_close(w, '}');
}

/* Return: 0 or -ENOMEM. */
static int rules_format(const Ledger *ledger, RulesForm form, Buffer *out) {
        JsonWriter w = JSON_WRITER(out);

        if (form == RULES_JSON) {
                json_open(&w, NULL, '{');
                json_open(&w, "rules", '[');
        }
        for (size_t i = 0; i < ledger->n_entries; i++) {
                const LedgerEntry *e = &ledger->entries[i];

                if (!rule_target_is_set(&e->next) && !e->direct)
                        continue; /* being removed */
                if (form == RULES_JSON)
                        rules_member(e, &w);
                else if (form == RULES_NETSH)
                        rules_netsh(e, out);
                else
                        rules_line(e, out);
        }
        if (form == RULES_JSON) {
                json_close(&w, ']');
                json_close(&w, '}');
        } else if (form == RULES_TABLE && buffer_length(out) == 0) {
                buffer_printf(out, "There are no port forwardings of wslbridge.\n");
        }
        return out->oom || w.error ? -ENOMEM : 0;
}

int command_rules(int argc, char **argv) {
        LedgerStore store = LEDGER_STORE_INIT;
        Ledger ledger = LEDGER_NULL;
        RulesForm form = RULES_TABLE;
        Buffer out = BUFFER_NULL;
        int r;

        if (argc == 1 && strcmp(argv[0], "--netsh") == 0)
                form = RULES_NETSH;
        else if (argc == 1 && strcmp(argv[0], "--json") == 0)
                form = RULES_JSON;
        else if (argc > 0)
                return command_usage("rules");
        r = ledger_store_load(&store, &ledger);
        ledger_store_done(&store);
        if (r == 0)
                r = rules_format(&ledger, form, &out);
        if (r == 0)
                r = console_write(CONSOLE_OUTPUT, buffer_text(&out), buffer_length(&out));
        buffer_done(&out);
        ledger_done(&ledger);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
