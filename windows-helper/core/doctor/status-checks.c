/* SPDX-License-Identifier: MIT */

/*
 * Conclusions about agents and their services, from what the helper reports of them.
 */

#include "common/adoption-text.h"
#include "protocol/wire/modes.h"
#include "windows-helper/core/doctor/host-checks-private.h"
#include "windows-helper/core/status/read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Commands stand in the text in quotes, where it is known which ones help. */
#define THE_TEXT "The text above says what helps. "

#define PAIR_DISTRO ELEVATED_HELPER "  .\\wslbridge-helper pair DISTRO"

typedef struct StatusJudge {
        const HostEvidence *evidence;
        Findings *findings;
        Measured measured;
        size_t n_agents, n_services, n_unpaired;
        size_t n_odd_services;     /* that are not as they should be */
        bool hides_bad;            /* one of those that get no finding of their own is not active */
        size_t n_without_listener; /* VMs of WSL that the helper does not listen to */
        bool known[VM_LIST_MAX];   /* of the VMs that run: the helper knows it */
        bool *connected;           /* of the guests of the evidence, as it seems; owned */
        /* of the agent that is being read */
        char owner[LEDGER_OWNER_MAX + 1], distro[WIRE_DISTRO_MAX + 1];
} StatusJudge;

/* What to do about a service, by its reason. Where the text is the one that knows, and where
 * another finding has the commands, this does not say it again in other words. */
static const char *judge_advice(const char *reason, bool active) {
        static const struct {
                WireReason reason;
                const char *advice;
                const char *active; /* instead, for an active service; NULL: the same */
        } advices[] = {
                {WIRE_REASON_FOREIGN_RULE,
                 "It cannot be taken over. Delete it if nobody needs it, or listen elsewhere.",
                 "If nobody gets in on that port, find out who needs that port forwarding."},
                {WIRE_REASON_OTHER_AGENT,
                 "Give one of the two services another port, in its drop-in.", NULL},
                {WIRE_REASON_PORT_IN_USE, THE_TEXT "Or listen on another port.", NULL},
                {WIRE_REASON_POLICY_PORT, "Listen on another port, or change the policy.", NULL},
                {WIRE_REASON_POLICY_ADDRESS, "Listen on another address, or change the policy.",
                 NULL},
                {WIRE_REASON_POLICY_PROFILE, "Open other profiles, or change the policy.", NULL},
                {WIRE_REASON_POLICY_REMOTE, "Let fewer others connect, or change the policy.",
                 NULL},
                {WIRE_REASON_POLICY_SERVICES, "Ask for fewer ports, or change the policy.", NULL},
                {WIRE_REASON_IPHLPSVC, THE_TEXT "It opens by itself after that.", NULL},
                {WIRE_REASON_EXCLUDED_RANGE, "Listen on a port outside that range.", NULL},
                {WIRE_REASON_WRITE_FAILED, "If that does not help, " NAMES_EVENT_LOG " has more.",
                 NULL},
                {WIRE_REASON_FIREWALL, "Ask the administrator of the firewall of this Windows.",
                 "If nobody reaches it, open its port in the product that is named above."},
                {WIRE_REASON_UNREACHABLE,
                 "If other machines should reach it, do what the text "
                 "says. Where that is to make the network private: Settings, Network & internet, "
                 "the "
                 "properties of the network.",
                 NULL},
                {WIRE_REASON_FIREWALL_OFF,
                 "Let Windows Firewall block what no rule allows, unless this is on purpose.",
                 NULL},
                {WIRE_REASON_NOT_LISTENING, THE_TEXT,
                 "If a program in the guest listens on that port, update WSL: an older one listens "
                 "for IPv4 only."},
                {WIRE_REASON_GUEST_ADDRESS,
                 "In the guest, use the address that WSL or the virtual switch gives it. On an "
                 "external switch without the host, it needs no service.",
                 NULL},
                {WIRE_REASON_DUPLICATE, "In the guest, remove one of the two.", NULL},
                {WIRE_REASON_NO_ADDRESS, "In the guest, look at its network:\n  ip address", NULL},
                {WIRE_REASON_CONNECT_PORT,
                 "In the guest, let the program listen on that port, and take connect-port out of "
                 "the drop-in.",
                 NULL},
                {WIRE_REASON_DIRECT, THE_TEXT, NULL},
                {WIRE_REASON_NETWORKING_MODE,
                 "If the text asks for an update, do it. Otherwise what is said about the "
                 "networking mode of the guest holds for it, too.",
                 NULL},
        };

        for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++)
                if (strcmp(reason, wire_reason_name(advices[i].reason)) == 0)
                        return active && advices[i].active ? advices[i].active : advices[i].advice;
        return NULL;
}

static void add_service_advice(const char *state, const char *reason, const char *text,
                               Buffer *advice) {
        bool foreign = strcmp(reason, wire_reason_name(WIRE_REASON_FOREIGN_RULE)) == 0;
        char endpoint[IP_ENDPOINT_TEXT_MAX];
        const char *usual;

        if (strcmp(state, wire_service_state_name(WIRE_SERVICE_PENDING)) == 0) {
                buffer_printf(advice, "Look again in a few seconds.");
        } else if (foreign && adoption_text_endpoint(text, endpoint)) {
                buffer_printf(advice,
                              "If an old script left it, take it over. " ELEVATED_HELPER
                              "  .\\wslbridge-helper adopt %s",
                              endpoint);
        } else {
                usual = judge_advice(
                        reason, strcmp(state, wire_service_state_name(WIRE_SERVICE_ACTIVE)) == 0);
                buffer_printf(advice, "%s", usual ? usual : "");
        }
}

static void judge_service(StatusJudge *j, const StatusRecord *r) {
        const char *state = status_field(r, "state"), *reason = status_field(r, "reason");
        const char *name = status_field(r, "name"), *text = status_field(r, "text");
        char subject[LEDGER_OWNER_MAX + WIRE_SERVICE_NAME_MAX + 2];
        Finding *x;
        bool active = strcmp(state, wire_service_state_name(WIRE_SERVICE_ACTIVE)) == 0;
        bool conflict = strcmp(state, wire_service_state_name(WIRE_SERVICE_CONFLICT)) == 0;
        bool soft = active || strcmp(state, wire_service_state_name(WIRE_SERVICE_PENDING)) == 0 ||
                    strcmp(reason, wire_reason_name(WIRE_REASON_NETWORKING_MODE)) == 0;

        (void) snprintf(subject, sizeof(subject), "%s/%.*s", j->owner, WIRE_SERVICE_NAME_MAX, name);
        j->n_services++;
        j->measured.n_active += active;
        if (active && (!reason[0] || strcmp(reason, wire_reason_name(WIRE_REASON_DIRECT)) == 0))
                return;
        if (j->n_odd_services++ >= HOST_FINDINGS_EACH_MAX) {
                j->hides_bad |= !soft;
                return;
        }
        x = host_finding(j->findings, soft ? FINDING_HINT : FINDING_PROBLEM, "guest-service",
                         subject, NULL, "Service '%s' of %s is %s%s", name, j->distro,
                         conflict ? "in " : "", state);
        if (text[0]) /* it may be as long as a finding of ours */
                buffer_printf(&x->seen, ": %s", text);
        add_service_advice(state, reason, text, &x->advice);
}

/* On an external switch (fact 8.2.1). */
static void judge_outside(const StatusJudge *j, const StatusRecord *r) {
        host_finding(j->findings, FINDING_GOOD, "networking-mode", j->owner,
                     "If they do not reach it there, look at which virtual switch its VM is "
                     "connected to. On the Default Switch, let the guest get its address by DHCP.",
                     "%s is on a network of other machines, as on an external switch, and needs "
                     "no forwarding: they reach it at its own address, %s",
                     j->distro, status_field(r, "address"));
}

/* In modes without forwarding (facts 6.2.4, 6.2.11, 6.2.12). */
static void judge_mode(StatusJudge *j, const char *mode) {
        const char *means = NULL;

        if (strcmp(mode, wire_mode_name(WIRE_MODE_MIRRORED)) == 0) {
                j->measured.n_mirrored++;
                means = "it has the addresses of this host, and the helper only opens its ports in "
                        "Windows Firewall; the Hyper-V firewall decides, too";
        } else if (strcmp(mode, wire_mode_name(WIRE_MODE_VIRTIOPROXY)) == 0) {
                means = "WSL listens on this host for it, and the helper only opens its ports in "
                        "Windows Firewall";
        } else if (strcmp(mode, wire_mode_name(WIRE_MODE_BRIDGED)) == 0) {
                means = "other machines reach it at its own address";
        }
        if (means)
                host_finding(j->findings, FINDING_GOOD, "networking-mode", j->owner, NULL,
                             "%s is in networking mode %s and needs no forwarding: %s", j->distro,
                             mode, means);
        else if (strcmp(mode, wire_mode_name(WIRE_MODE_NONE)) == 0)
                host_finding(j->findings, FINDING_HINT, "networking-mode", j->owner,
                             "To give it a network, set networkingMode=NAT in .wslconfig, then:\n"
                             "  wsl --shutdown\n"
                             "If nobody asked for none, WSL says why when it starts.",
                             "%s is in networking mode none and has no network to forward to",
                             j->distro);
}

/* What follows from an agent that is connected. */
static void measure_agent(StatusJudge *j, const StatusRecord *r) {
        const HostEvidence *e = j->evidence;
        VmId id;

        j->measured.n_connected++;
        for (size_t i = 0; i < e->n_guests; i++)
                j->connected[i] |= strcmp(e->guests[i].owner, j->owner) == 0;
        if (vm_id_parse(status_field(r, "vm"), &id) < 0)
                return;
        for (size_t i = 0; e->vms && i < e->vms->n; i++)
                if (vm_id_equal(&e->vms->items[i].id, &id) && !e->vms->items[i].wsl)
                        j->measured.other_connected = true;
}

static void judge_agent(StatusJudge *j, const StatusRecord *r) {
        const char *owner = status_field(r, "agent"), *slash = strchr(owner, '/');
        const char *state = status_field(r, "state");

        (void) snprintf(j->owner, sizeof(j->owner), "%.*s", LEDGER_OWNER_MAX, owner);
        (void) snprintf(j->distro, sizeof(j->distro), "%.*s", WIRE_DISTRO_MAX,
                        slash ? slash + 1 : owner);
        j->n_agents++;
        if (strcmp(state, "connected") == 0)
                measure_agent(j, r);
        else
                host_finding(j->findings, FINDING_HINT, "agent", j->owner,
                             "If it should run, look at it in the guest:\n"
                             "  systemctl status wslbridge-agent",
                             "The agent of %s is %s", j->distro, state);
        if (strcmp(status_field(r, "mode"), wire_mode_name(WIRE_MODE_UNKNOWN)) == 0 &&
            strcmp(status_field(r, "reach"), wire_reach_name(WIRE_REACH_OWN)) == 0)
                judge_outside(j, r);
        else
                judge_mode(j, status_field(r, "mode"));
}

static void judge_vm(StatusJudge *j, const StatusRecord *r) {
        const VmList *vms = j->evidence->vms;
        bool wsl = strcmp(status_field(r, "wsl"), "true") == 0, runs = !vms;
        const char *listening = status_field(r, "listening"); /* "": nobody knows */
        VmId id;

        if (vm_id_parse(status_field(r, "id"), &id) < 0)
                return;
        for (size_t i = 0; vms && i < vms->n; i++) {
                if (!vm_id_equal(&vms->items[i].id, &id))
                        continue;
                j->known[i] = runs = true;
                wsl |= vms->items[i].wsl; /* which the helper may not know */
        }
        j->measured.wsl |= wsl;
        j->measured.listens |= strcmp(listening, "true") == 0;
        j->n_without_listener += wsl && runs && strcmp(listening, "false") == 0;
}

static void judge_member(StatusJudge *j, const StatusRecord *r) {
        const char *version = status_field(r, "version");

        if (version[0] && strcmp(version, j->evidence->version) != 0)
                host_finding(j->findings, FINDING_HINT, "version", NULL,
                             "If this program is the newer one, install it. " INSTALL,
                             "The running helper has version %s, this program has version %s",
                             version, j->evidence->version);
}

/* Problems of the policy are judged from the policy itself. One without a text, which another
 * version's file may have, says nothing. */
static void judge_problem(StatusJudge *j, const char *text) {
        const PolicyOrigin *policy = j->evidence->policy;

        if (!text[0])
                return;
        for (size_t i = 0; policy && i < policy->n_problems; i++)
                if (strcmp(policy->problems[i], text) == 0)
                        return;
        host_finding(j->findings, FINDING_PROBLEM, "firewall", NULL, NULL, "%s", text);
}

/* The advice is a command to be copied. The name comes from a guest that nobody trusts yet, so a
 * name with characters that mean something to a shell is left out of it. */
static void judge_unpaired(StatusJudge *j, const char *owner) {
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789._-/";
        bool copied = owner[strspn(owner, plain)] == '\0';
        const HostEvidence *e = j->evidence;
        Finding *x;

        j->n_unpaired++;
        for (size_t i = 0; i < e->n_guests; i++)
                if (e->guests[i].paired && strcmp(e->guests[i].owner, owner) == 0)
                        return; /* it has been paired since */
        x = host_finding(j->findings, FINDING_PROBLEM, "not-paired", owner, NULL,
                         "A guest that is not paired has asked to be admitted: %s", owner);

        buffer_printf(&x->advice,
                      "The first command is for a WSL distribution, the second one for any other "
                      "guest. " PAIR_DISTRO "\n"
                      "  .\\wslbridge-helper pair --print %.*s",
                      LEDGER_OWNER_MAX, copied ? owner : "ID/NAME");
}

static void judge_record(void *userdata, StatusKind kind, const StatusRecord *r) {
        StatusJudge *j = userdata;

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
        case STATUS_UNPAIRED:
                judge_unpaired(j, status_field(r, ""));
                break;
        case STATUS_PROBLEM:
                judge_problem(j, status_field(r, ""));
                break;
        case STATUS_FORWARDER:
        case STATUS_FIREWALL:
        case STATUS_POLICY:
                break; /* looked at first hand */
        }
}

static void judge_summary(StatusJudge *j) {
        const VmList *vms = j->evidence->vms;

        for (size_t i = 0; vms && i < vms->n; i++)
                j->n_without_listener += vms->items[i].wsl && !j->known[i];
        if (j->n_without_listener > 0)
                host_finding(j->findings, FINDING_PROBLEM, "vms", NULL,
                             "The helper tries again every five seconds; " EVENT_LOG ".",
                             "Running virtual machines of WSL that the helper does not listen to: "
                             "%zu",
                             j->n_without_listener);
        if (j->n_odd_services > HOST_FINDINGS_EACH_MAX)
                host_finding(j->findings, j->hides_bad ? FINDING_PROBLEM : FINDING_HINT,
                             "guest-service", NULL, "'wslbridge-helper status' shows all.",
                             "More services that are not as they should be: %zu",
                             j->n_odd_services - HOST_FINDINGS_EACH_MAX);
        /* One that asks to be admitted needs a key, not a start. */
        if (j->measured.n_connected == 0)
                host_finding(j->findings, FINDING_HINT, "agent", NULL,
                             j->n_unpaired > 0 ? NULL
                                               : "In the guest:\n"
                                                 "  sudo systemctl enable --now wslbridge-agent",
                             "No agent is connected");
        else if (service_is_at_rest(j->evidence->forwarder)) /* "active" is over */
                host_finding(j->findings, FINDING_GOOD, "agent", NULL, NULL,
                             "Agents connected: %zu of %zu", j->measured.n_connected, j->n_agents);
        else
                host_finding(j->findings, FINDING_GOOD, "agent", NULL, NULL,
                             "Agents connected: %zu of %zu; services active: %zu of %zu",
                             j->measured.n_connected, j->n_agents, j->measured.n_active,
                             j->n_services);
}

static void judge_pairing(const StatusJudge *j) {
        const HostEvidence *e = j->evidence;
        Findings *f = j->findings;
        size_t n = 0;

        for (size_t i = 0; i < e->n_guests; i++) {
                const EvidenceGuest *guest = &e->guests[i];

                n += guest->paired;
                if (guest->paired && !guest->met && !j->connected[i])
                        host_finding(f, FINDING_HINT, "pairing", guest->owner,
                                     "In the guest:\n"
                                     "  sudo systemctl enable --now wslbridge-agent\n"
                                     "  systemctl status wslbridge-agent",
                                     "%s is paired and has never connected", guest->owner);
        }
        if (!e->keys_seen)
                host_finding(f, FINDING_UNSEEN, "pairing", NULL, ASK_AS_ADMINISTRATOR,
                             "Only administrators may see which guests are paired");
        else if (n > 0)
                host_finding(f, FINDING_GOOD, "pairing", NULL, NULL, "Guests paired: %zu", n);
        else if (j->measured.n_connected == 0) /* otherwise its key was deleted just now */
                host_finding(f, FINDING_HINT, "pairing", NULL,
                             USERS_HELPER "  .\\wslbridge-helper setup", "No guest is paired");
}

void status_checks_run(const HostEvidence *e, Measured *m, Findings *f) {
        StatusJudge j = {.evidence = e, .findings = f};

        for (size_t i = 0; e->vms && i < e->vms->n; i++)
                j.measured.wsl |= e->vms->items[i].wsl;
        j.connected = calloc(e->n_guests + 1, sizeof(*j.connected));
        if (!j.connected) {
                f->oom = true;
                return;
        }
        if (e->status && e->serves == SEEN_YES) {
                if (status_read(e->status, e->n_status, judge_record, &j) < 0)
                        host_finding(f, FINDING_PROBLEM, "status", NULL,
                                     "Use the doctor of the version that is installed.",
                                     "status.json is not one of this version");
                else
                        judge_summary(&j);
        }
        judge_pairing(&j);
        *m = j.measured;
        free(j.connected);
}
