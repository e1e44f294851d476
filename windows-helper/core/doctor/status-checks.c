/* SPDX-License-Identifier: MIT */

/* See diagnose.h. This file: agents and their services, as the helper tells of them. */

#include "windows-helper/core/doctor/host-checks.h"
#include "windows-helper/core/status/read.h"

#include <stdio.h>
#include <string.h>

#define PAIRING "in a terminal opened with 'Run as administrator': wslbridge-helper pair "

typedef struct StatusJudge {
        const DiagnoseFacts *facts;
        Findings *findings;
        size_t n_agents, n_connected, n_services, n_active, n_told;
        size_t n_deaf;           /* VMs of WSL that are not listened to */
        bool known[VM_LIST_MAX]; /* of facts->vms: the helper knows it */
        char distro[WIRE_DISTRO_MAX + 1];
} StatusJudge;

/* What to do about a service, where its own text has not said it. */
static const char *judge_advice(const char *reason) {
        static const struct {
                WireReason reason;
                const char *advice;
        } advices[] = {
                {WIRE_REASON_FOREIGN_RULE, "if an old script left it, as administrator: "
                                           "wslbridge-helper adopt ADDRESS:PORT takes it over"},
                {WIRE_REASON_OTHER_AGENT, "give one of the two another port, in its drop-in"},
                {WIRE_REASON_PORT_IN_USE, "end that program, or listen on another port"},
                {WIRE_REASON_POLICY_PORT, "listen on another port, or change the policy"},
                {WIRE_REASON_POLICY_ADDRESS, "listen on another address, or change the policy"},
                {WIRE_REASON_POLICY_PROFILE, "open other profiles, or change the policy"},
                {WIRE_REASON_POLICY_REMOTE, "let in fewer, or change the policy"},
                {WIRE_REASON_POLICY_SERVICES, "ask for fewer services, or change the policy"},
                {WIRE_REASON_IPHLPSVC, "as administrator: sc start iphlpsvc"},
                {WIRE_REASON_EXCLUDED_RANGE, "listen on a port outside of that range"},
                {WIRE_REASON_WRITE_FAILED, "the log Application, source wslbridge, has more"},
                {WIRE_REASON_FIREWALL, "ask who administers the firewall of this Windows"},
                {WIRE_REASON_NOT_LISTENING,
                 "as administrator: sc stop iphlpsvc, then sc start iphlpsvc"},
                {WIRE_REASON_GUEST_ADDRESS,
                 "in the guest, use the address that WSL or the virtual switch gives it"},
                {WIRE_REASON_DUPLICATE, "in the guest, remove one of the two"},
                {WIRE_REASON_NO_ADDRESS, "in the guest, look at its network: ip address"},
                {WIRE_REASON_NETWORKING_MODE,
                 "nothing: such a guest is reached without forwarding; see the agent"},
        };

        for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++)
                if (strcmp(reason, wire_reason_name(advices[i].reason)) == 0)
                        return advices[i].advice;
        return NULL;
}

static void judge_service(StatusJudge *j, const StatusRecord *r) {
        const char *state = status_field(r, "state"), *reason = status_field(r, "reason");
        bool active = strcmp(state, wire_service_state_name(WIRE_SERVICE_ACTIVE)) == 0;
        bool soft = active || strcmp(state, wire_service_state_name(WIRE_SERVICE_PENDING)) == 0 ||
                    strcmp(reason, wire_reason_name(WIRE_REASON_NETWORKING_MODE)) == 0;

        j->n_services++;
        j->n_active += active;
        if ((active && !reason[0]) || j->n_told++ >= DIAGNOSE_EACH_MAX)
                return;
        findings_add(j->findings, soft ? FINDING_HINT : FINDING_PROBLEM, "guest-service",
                     judge_advice(reason), "Service '%s' of %s is %s: %s", status_field(r, "name"),
                     j->distro, state, status_field(r, "text"));
}

/* Guests that share the host's addresses (fact 6.2). */
static void judge_mode(StatusJudge *j, const char *mode) {
        const char *advice = NULL;

        if (strcmp(mode, wire_mode_name(WIRE_MODE_MIRRORED)) == 0)
                advice = "to reach it from other machines, as administrator: "
                         "New-NetFirewallHyperVRule -Name x -DisplayName x -Direction Inbound "
                         "-VMCreatorId '{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}' -Protocol TCP "
                         "-LocalPorts PORT"; /* fact 5.2 */
        else if (strcmp(mode, wire_mode_name(WIRE_MODE_VIRTIOPROXY)) == 0)
                advice = "nothing: WSL publishes its ports on this host by itself";
        else if (strcmp(mode, wire_mode_name(WIRE_MODE_BRIDGED)) == 0)
                advice = "nothing: other machines reach it at its own address";
        else if (strcmp(mode, wire_mode_name(WIRE_MODE_NONE)) == 0)
                advice = "if it should have a network: networkingMode=NAT in .wslconfig, then wsl "
                         "--shutdown";
        if (advice)
                findings_add(j->findings, FINDING_HINT, "networking-mode", advice,
                             "%s is in networking mode %s and needs no forwarding", j->distro,
                             mode);
}

static void judge_agent(StatusJudge *j, const StatusRecord *r) {
        const char *owner = status_field(r, "agent"), *slash = strchr(owner, '/');
        const char *state = status_field(r, "state");

        (void) snprintf(j->distro, sizeof(j->distro), "%.*s", WIRE_DISTRO_MAX,
                        slash ? slash + 1 : owner);
        j->n_agents++;
        if (strcmp(state, "connected") == 0)
                j->n_connected++;
        else
                findings_add(j->findings, FINDING_HINT, "agent",
                             "if it should run, in the guest: systemctl status wslbridge-agent",
                             "The agent of %s is %s", j->distro, state);
        judge_mode(j, status_field(r, "mode"));
}

static void judge_vm(StatusJudge *j, const StatusRecord *r) {
        const VmList *vms = j->facts->vms;
        bool wsl = strcmp(status_field(r, "wsl"), "true") == 0;
        VmId id;

        if (vm_id_parse(status_field(r, "id"), &id) < 0)
                return;
        for (size_t i = 0; vms && i < vms->n; i++) {
                if (!vm_id_equal(&vms->items[i].id, &id))
                        continue;
                j->known[i] = true;
                wsl |= vms->items[i].wsl; /* which the helper may not have been told */
        }
        if (wsl && strcmp(status_field(r, "listening"), "true") != 0)
                j->n_deaf++;
}

static void judge_member(StatusJudge *j, const StatusRecord *r) {
        const char *version = status_field(r, "version");

        if (version[0] && strcmp(version, j->facts->version) != 0)
                findings_add(j->findings, FINDING_HINT, "version",
                             "as administrator: 'wslbridge-helper install' of the newer one",
                             "The helper that runs is version %s, this program is %s", version,
                             j->facts->version);
}

/* Those of the policy are judged from the policy itself. */
static void judge_problem(StatusJudge *j, const char *text) {
        const PolicyOrigin *policy = j->facts->policy;

        for (size_t i = 0; policy && i < policy->n_problems; i++)
                if (strcmp(policy->problems[i], text) == 0)
                        return;
        findings_add(j->findings, FINDING_PROBLEM, "firewall", NULL, "%s", text);
}

static void judge_record(void *userdata, StatusKind kind, const StatusRecord *r) {
        StatusJudge *j = userdata;
        char advice[WIRE_TEXT_MAX + 1];

        switch (kind) {
        case STATUS_MEMBER:
                judge_member(j, r);
                break;
        case STATUS_VM:
                judge_vm(j, r);
                break;
        case STATUS_AGENT:
                judge_agent(j, r);
                break;
        case STATUS_SERVICE:
                judge_service(j, r);
                break;
        case STATUS_STRANGER:
                (void) snprintf(advice, sizeof(advice),
                                PAIRING "DISTRO, or for what is no distro: pair --print %.*s",
                                LEDGER_OWNER_MAX, status_field(r, ""));
                findings_add(j->findings, FINDING_PROBLEM, "not-paired", advice,
                             "An agent wanted in and is not paired: %s", status_field(r, ""));
                break;
        case STATUS_PROBLEM:
                judge_problem(j, status_field(r, ""));
                break;
        case STATUS_FORWARDER:
        case STATUS_POLICY:
                break; /* looked at first hand */
        }
}

static void judge_summary(StatusJudge *j) {
        const VmList *vms = j->facts->vms;

        for (size_t i = 0; vms && i < vms->n; i++)
                j->n_deaf += vms->items[i].wsl && !j->known[i];
        if (j->n_deaf > 0)
                findings_add(j->findings, FINDING_PROBLEM, "vms",
                             "the log Application, source wslbridge, says why; it is tried again "
                             "every minute",
                             "VMs of WSL that run and are not listened to: %zu", j->n_deaf);
        if (j->n_told > DIAGNOSE_EACH_MAX)
                findings_add(j->findings, FINDING_PROBLEM, "guest-service",
                             "'wslbridge-helper status' has all",
                             "Services that are not as they should be, besides these: %zu",
                             j->n_told - DIAGNOSE_EACH_MAX);
        if (j->n_connected == 0)
                findings_add(j->findings, FINDING_HINT, "agent",
                             "in the guest: sudo systemctl enable --now wslbridge-agent",
                             "No agent is connected");
        else
                findings_add(j->findings, FINDING_GOOD, "agent", NULL,
                             "Agents connected: %zu of %zu; services active: %zu of %zu",
                             j->n_connected, j->n_agents, j->n_active, j->n_services);
}

static void judge_pairing(const DiagnoseFacts *facts, Findings *f) {
        size_t n = 0;

        for (size_t i = 0; i < facts->n_agents; i++) {
                const DiagnoseAgent *a = &facts->agents[i];

                n += a->paired;
                if (a->paired && !a->met)
                        findings_add(f, FINDING_HINT, "pairing",
                                     "in the guest: sudo systemctl enable --now wslbridge-agent, "
                                     "then systemctl status wslbridge-agent",
                                     "%s is paired and has never been here", a->owner);
        }
        if (!facts->keys_seen)
                findings_add(f, FINDING_UNSEEN, "pairing",
                             "run 'wslbridge-helper doctor' in a terminal opened with 'Run as "
                             "administrator'",
                             "Who is paired is told to administrators only");
        else if (n == 0)
                findings_add(f, FINDING_HINT, "pairing", PAIRING "DISTRO", "Nobody is paired");
        else
                findings_add(f, FINDING_GOOD, "pairing", NULL, "Agents paired: %zu", n);
}

void diagnose_status(const DiagnoseFacts *facts, Findings *f) {
        StatusJudge j = {.facts = facts, .findings = f};

        judge_pairing(facts, f);
        if (!facts->status || facts->serves != SEEN_YES)
                return;
        if (status_read(facts->status, facts->n_status, judge_record, &j) < 0)
                findings_add(f, FINDING_PROBLEM, "status",
                             "use the doctor of the version that is installed",
                             "status.json is not one of this version");
        else
                judge_summary(&j);
}
