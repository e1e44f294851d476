/* SPDX-License-Identifier: MIT */

/*
 * 'adopt': allow wslbridge to take over a port forwarding that another program made.
 */

#include "windows-helper/commands/commands.h"
#include "windows-helper/commands/elevation.h"
#include "windows-helper/store/adoption-store.h"
#include "windows-helper/store/ledger-store.h"
#include "windows-helper/store/portproxy-store.h"
#include "windows-helper/win/console.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "192.168.1.5:80", "[::]:80", or only a port, which stands for 0.0.0.0. Return: 0 or -EINVAL. */
static int adopt_parse(const char *text, IpEndpoint *ret) {
        char copy[IP_ENDPOINT_TEXT_MAX];
        char *colon, *end, *address = copy;
        unsigned long port;

        if (strlen(text) >= sizeof(copy))
                return -EINVAL;
        memcpy(copy, text, strlen(text) + 1);
        colon = strrchr(copy, ':');
        port = strtoul(colon ? colon + 1 : copy, &end, 10);
        if (*end != '\0' || end == (colon ? colon + 1 : copy) || port < 1 || port > UINT16_MAX)
                return -EINVAL;
        *ret = (IpEndpoint){ip_v4(0, 0, 0, 0), (uint16_t) port};
        if (!colon)
                return 0;
        *colon = '\0';
        if (*address == '[' && colon[-1] == ']') {
                colon[-1] = '\0';
                address++;
        }
        return ip_parse(address, &ret->addr);
}

/* Request the adoption of each value for the endpoint, whichever way it is spelled. Return: their
 * number, or negative errno. */
static int adopt_values(const RuleTable *rules, const Ledger *ledger, const IpEndpoint *listen) {
        const LedgerEntry *entry = ledger_find(ledger, listen);
        AdoptionStore adoptions;
        int r = 0, n = 0;

        adoption_store_init(&adoptions);
        for (size_t i = 0; r == 0 && i < rules->n_values; i++) {
                const RuleValue *v = &rules->values[i];

                if (!v->parsed || !v->data || ip_endpoint_compare(&v->listen, listen) != 0 ||
                    (entry &&
                     (rule_value_is(v, &entry->current) || rule_value_is(v, &entry->next))))
                        continue;
                r = adoption_store_add(&adoptions, v->family, v->name, v->data);
                if (r == 0) {
                        (void) console_printf(
                                "%s %s = %s: will be taken over when a guest's service asks for "
                                "it\n",
                                rule_family_name(v->family), v->name, v->data);
                        n++;
                }
        }
        adoption_store_done(&adoptions);
        return r < 0 ? r : n;
}

int command_adopt(int argc, char **argv) {
        LedgerStore store = LEDGER_STORE_INIT;
        RuleTable rules = RULE_TABLE_NULL;
        Ledger ledger = LEDGER_NULL;
        PortproxyStore portproxy;
        IpEndpoint listen;
        int r;

        if (argc != 1 || adopt_parse(argv[0], &listen) < 0) {
                log_write(LOG_LEVEL_ERROR,
                          "Usage: wslbridge-helper adopt ADDRESS:PORT, for example "
                          "0.0.0.0:2222 or [::]:80");
                return EXIT_FAILURE;
        }
        if (!elevation_check("adopt"))
                return EXIT_FAILURE;
        portproxy_store_init(&portproxy);
        r = portproxy_store_read(&portproxy, &rules);
        if (r == 0)
                r = ledger_store_load(&store, &ledger);
        if (r == 0)
                r = adopt_values(&rules, &ledger, &listen);
        if (r == 0)
                log_write(LOG_LEVEL_ERROR,
                          "There is no port forwarding at %s that another program made", argv[0]);
        ledger_done(&ledger);
        ledger_store_done(&store);
        rule_table_done(&rules);
        portproxy_store_done(&portproxy);
        return r > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
