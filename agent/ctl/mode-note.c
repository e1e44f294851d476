/* SPDX-License-Identifier: MIT */

/*
 * The note about the networking mode, for 'check' and 'expose'.
 */

#include "agent/ctl/mode-note.h"

#include "agent/guest/mode-state.h"

#include <stdio.h>

/* A file that cannot work in this mode may work in the next one, so it has no problem. */
static void note_service(WireReach reach, const Config *config, const ConfigService *service) {
        const WireService *w = &config->wire.services[service->wire];

        if (w->options[WIRE_OPTION_CONNECT] == WIRE_CONNECT_LOOPBACK) {
                (void) printf("%s: not in this mode, in which nothing can carry connections to "
                              "127.0.0.1; let the program listen on 0.0.0.0, and take "
                              "'connect = loopback' out\n",
                              service->file);
                return;
        }
        for (uint32_t i = 0; wire_reach_opens(reach) && i < w->n_listens; i++) {
                const WireListen *l = &config->wire.listens[w->first_listen + i];

                if (l->port == l->connect_port)
                        continue;
                (void) printf("%s: not in this mode, in which port %u of the host is port %u of "
                              "this guest and cannot lead to port %u\n",
                              service->file, (unsigned) l->port, (unsigned) l->port,
                              (unsigned) l->connect_port);
                return;
        }
}

void ctl_mode_note(const Report *report, const Config *config) {
        WireReach reach = report_reach(report);

        if (reach == WIRE_REACH_FORWARDED)
                return;
        if (report_is_outside(report))
                (void) printf("On a network of other machines, %s.\n", reach_meaning(reach));
        else
                (void) printf("In networking mode %s, %s.\n",
                              *report->mode_word ? report->mode_word : report->mode,
                              reach_meaning(reach));
        if (!config || !wire_reach_is_direct(reach))
                return;
        for (size_t i = 0; i < config->n_services; i++)
                if (config->services[i].enabled)
                        note_service(reach, config, &config->services[i]);
}
