/* SPDX-License-Identifier: MIT */

/*
 * 'rules': list the port forwardings of wslbridge, as the ledger has them.
 */

#include "windows-helper/commands/commands.h"
#include "windows-helper/core/rules/rule.h"
#include "windows-helper/store/ledger-store.h"
#include "windows-helper/win/console.h"
#include "windows-helper/win/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void rules_print(const LedgerEntry *e, bool netsh) {
        char listen[IP_TEXT_MAX], connect[IP_TEXT_MAX];
        char from[IP_ENDPOINT_TEXT_MAX], to[IP_ENDPOINT_TEXT_MAX];
        const char *distro = strchr(e->owner, '/');

        if (netsh) {
                ip_format(&e->listen.addr, listen);
                ip_format(&e->next.addr, connect);
                (void) console_printf(
                        "netsh interface portproxy set %s listenaddress=%s listenport=%u "
                        "connectaddress=%s connectport=%u\n",
                        rule_family_name(rule_family(&e->listen, &e->next)), listen,
                        (unsigned) e->listen.port, connect, (unsigned) e->next.port);
                return;
        }
        ip_endpoint_format(&e->listen, from);
        ip_endpoint_format(&e->next, to);
        (void) console_printf("%-28s %-28s %-20s %s\n", from, to, e->service,
                              distro ? distro + 1 : e->owner);
}

int command_rules(int argc, char **argv) {
        bool netsh = argc == 1 && strcmp(argv[0], "--netsh") == 0;
        LedgerStore store = LEDGER_STORE_INIT;
        Ledger ledger = LEDGER_NULL;
        int r;

        if (argc > 0 && !netsh) {
                log_write(LOG_LEVEL_ERROR, "Usage: wslbridge-helper rules [--netsh]");
                return EXIT_FAILURE;
        }
        r = ledger_store_load(&store, &ledger);
        ledger_store_done(&store);
        if (r == 0 && ledger.n_entries > 0 && !netsh)
                (void) console_printf("%-28s %-28s %-20s %s\n", "LISTEN", "CONNECT", "SERVICE",
                                      "GUEST");
        for (size_t i = 0; i < ledger.n_entries; i++)
                if (ledger.entries[i].next.addr.family != IP_FAMILY_NONE)
                        rules_print(&ledger.entries[i], netsh);
        if (r == 0 && ledger.n_entries == 0 && !netsh)
                (void) console_printf("There are no port forwardings of wslbridge.\n");
        ledger_done(&ledger);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
