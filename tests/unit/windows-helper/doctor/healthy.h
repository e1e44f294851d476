/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The evidence of a healthy machine. Tests change it in one respect.
 */

#include "windows-helper/core/doctor/host-checks.h"

#define ID_A "3b1c2c50-1234-5678-9abc-def012345678"

#define STATUS(version, listening, agents, unpaired, problems)                                 \
        "{\"schema\": 1, \"version\": \"" version "\", \"pid\": 7, \"vms\": [{\"id\": \"" ID_A \
        "\", \"name\": \"WSL\", \"wsl\": true, \"listening\": " listening                      \
        "}], \"agents\": [" agents "], \"unpaired\": [" unpaired "], \"problems\": [" problems \
        "]}"
#define AGENT(state, mode, services)                                             \
        "{\"agent\": \"00/Debian\", \"state\": \"" state "\", \"mode\": \"" mode \
        "\", \"services\": [" services "]}"
#define SERVICE(name, state, reason, text)                                       \
        "{\"name\": \"" name "\", \"state\": \"" state "\", \"reason\": " reason \
        ", \"text\": " text "}"
#define GOOD_SERVICE SERVICE("web", "active", "null", "null")

extern HostEvidence evidence;
extern VmList vms;
extern FirewallSight sight;
extern PolicyOrigin policy;
extern EvidenceGuest guests[2];

void healthy_setup(void); /* also starts again */
void healthy_teardown(void);

/* The same, but the helper says nothing, so only what Windows says counts. */
void unheard_setup(void);

void see_status(const char *text); /* borrowed */
void add_value(RuleFamily family, const char *name, const char *data);
void add_rule(const char *name, const char *data);
void add_ledger(const char *listen, uint16_t port, const char *connect);

/* Expect a finding @id of @rank whose texts have @seen and @advice (NULL: no advice). All others
 * must be good. */
void expect(FindingRank rank, const char *id, const char *seen, const char *advice);

void expect_healthy(void); /* all findings are good */
