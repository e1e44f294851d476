/* SPDX-License-Identifier: MIT */

/*
 * Conclusions about agents and their services, from what the helper reports of them.
 */

#include "windows-helper/core/doctor/host-checks-private.h"
#include "windows-helper/core/status/read.h"

#include <stdio.h>
#include <string.h>

#define PAIR_DISTRO ELEVATED_HELPER "  .\\wslbridge-helper pair DISTRO"

typedef struct StatusJudge {
        const HostEvidence *evidence;
        Findings *findings;
        size_t n_agents, n_connected, n_services, n_active;
        size_t n_odd_services;     /* that are not as they should be */
        bool hides_bad;            /* one of those that get no finding of their own is not active */
        size_t n_without_listener; /* VMs of WSL that the helper does not listen to */
        bool known[VM_LIST_MAX];   /* of the VMs that run: the helper knows it */
        /* of the agent that is being read */
        char owner[LEDGER_OWNER_MAX + 1], distro[WIRE_DISTRO_MAX + 1];
} StatusJudge;

/* What to do about a service, where its own text has not said it. */
static const char *judge_advice(const char *reason) {
        static const struct {
                WireReason reason;
                const char *advice;
        } advices[] = {
                {WIRE_REASON_FOREIGN_RULE,
                 "If an old script left it, take it over. " ELEVATED_HELPER
                 "  .\\wslbridge-helper adopt ADDRESS:PORT"},
                {WIRE_REASON_OTHER_AGENT,
                 "Give one of the two services another port, in its drop-in."},
                {WIRE_REASON_PORT_IN_USE, "The text above says what helps against what has the "
                                          "port. Or listen on another port."},
                {WIRE_REASON_POLICY_PORT, "Listen on another port, or change the policy."},
                {WIRE_REASON_POLICY_ADDRESS, "Listen on another address, or change the policy."},
                {WIRE_REASON_POLICY_PROFILE, "Open other profiles, or change the policy."},
                {WIRE_REASON_POLICY_REMOTE, "Let fewer others connect, or change the policy."},
                {WIRE_REASON_POLICY_SERVICES, "Ask for fewer ports, or change the policy."},
                {WIRE_REASON_IPHLPSVC, ELEVATED "  sc.exe start iphlpsvc"},
                {WIRE_REASON_EXCLUDED_RANGE, "Listen on a port outside that range."},
                {WIRE_REASON_WRITE_FAILED,
                 "The Event Log has more (log Application, source wslbridge)."},
                {WIRE_REASON_FIREWALL, "Ask the administrator of the firewall of this Windows."},
                {WIRE_REASON_UNREACHABLE,
                 "If other machines should reach it, do what the text says. For a network that you "
                 "trust: Settings, Network & internet, the properties of the network, Private."},
                {WIRE_REASON_FIREWALL_OFF, "Turn Windows Firewall on, unless this is on purpose."},
                {WIRE_REASON_NOT_LISTENING,
                 ELEVATED "  net.exe stop iphlpsvc\n  net.exe start iphlpsvc"},
                {WIRE_REASON_GUEST_ADDRESS,
                 "In the guest, use the address that WSL or the virtual switch gives it."},
                {WIRE_REASON_DUPLICATE, "In the guest, remove one of the two."},
                {WIRE_REASON_NO_ADDRESS, "In the guest, look at its network:\n  ip address"},
                {WIRE_REASON_NETWORKING_MODE, "No action is needed: such a guest is reached "
                                              "without forwarding."},
        };

        for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++)
                if (strcmp(reason, wire_reason_name(advices[i].reason)) == 0)
                        return advices[i].advice;
        return NULL;
}

static void judge_service(StatusJudge *j, const StatusRecord *r) {
        const char *state = status_field(r, "state"), *reason = status_field(r, "reason");
        const char *name = status_field(r, "name"), *text = status_field(r, "text");
        char subject[LEDGER_OWNER_MAX + WIRE_SERVICE_NAME_MAX + 2];
        bool active = strcmp(state, wire_service_state_name(WIRE_SERVICE_ACTIVE)) == 0;
        bool conflict = strcmp(state, wire_service_state_name(WIRE_SERVICE_CONFLICT)) == 0;
        bool soft = active || strcmp(state, wire_service_state_name(WIRE_SERVICE_PENDING)) == 0 ||
                    strcmp(reason, wire_reason_name(WIRE_REASON_NETWORKING_MODE)) == 0;

        (void) snprintf(subject, sizeof(subject), "%s/%.*s", j->owner, WIRE_SERVICE_NAME_MAX, name);
        j->n_services++;
        j->n_active += active;
        if (active && !reason[0])
                return;
        if (j->n_odd_services++ >= HOST_FINDINGS_EACH_MAX) {
                j->hides_bad |= !soft;
                return;
        }
        host_finding(j->findings, soft ? FINDING_HINT : FINDING_PROBLEM, "guest-service", subject,
                     judge_advice(reason), "Service '%s' of %s is %s%s%s%s", name, j->distro,
                     conflict ? "in " : "", state, text[0] ? ": " : "", text);
}

/* Guests that share the host's addresses (fact 6.2.4). */
static void judge_mode(StatusJudge *j, const char *mode) {
        const char *advice = NULL;

        if (strcmp(mode, wire_mode_name(WIRE_MODE_MIRRORED)) == 0) /* fact 5.2.1 */
                advice = "To reach it from other machines, open the port in the Hyper-V "
                         "firewall. " ELEVATED
                         "  powershell.exe -Command \"New-NetFirewallHyperVRule -Name x "
                         "-DisplayName x -Direction Inbound -VMCreatorId "
                         "'{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}' -Protocol TCP "
                         "-LocalPorts PORT\"";
        else if (strcmp(mode, wire_mode_name(WIRE_MODE_VIRTIOPROXY)) == 0)
                advice = "No action is needed: WSL publishes its ports on this host by itself.";
        else if (strcmp(mode, wire_mode_name(WIRE_MODE_BRIDGED)) == 0)
                advice = "No action is needed: other machines reach it at its own address.";
        else if (strcmp(mode, wire_mode_name(WIRE_MODE_NONE)) == 0)
                advice = "To give it a network, set networkingMode=NAT in .wslconfig, then:\n"
                         "  wsl --shutdown";
        if (advice)
                host_finding(j->findings, FINDING_HINT, "networking-mode", j->owner, advice,
                             "%s is in networking mode %s and needs no forwarding", j->distro,
                             mode);
}

static void judge_agent(StatusJudge *j, const StatusRecord *r) {
        const char *owner = status_field(r, "agent"), *slash = strchr(owner, '/');
        const char *state = status_field(r, "state");

        (void) snprintf(j->owner, sizeof(j->owner), "%.*s", LEDGER_OWNER_MAX, owner);
        (void) snprintf(j->distro, sizeof(j->distro), "%.*s", WIRE_DISTRO_MAX,
                        slash ? slash + 1 : owner);
        j->n_agents++;
        if (strcmp(state, "connected") == 0)
                j->n_connected++;
        else
                host_finding(j->findings, FINDING_HINT, "agent", j->owner,
                             "If it should run, look at it in the guest:\n"
                             "  systemctl status wslbridge-agent",
                             "The agent of %s is %s", j->distro, state);
        judge_mode(j, status_field(r, "mode"));
}

static void judge_vm(StatusJudge *j, const StatusRecord *r) {
        const VmList *vms = j->evidence->vms;
        bool wsl = strcmp(status_field(r, "wsl"), "true") == 0;
        VmId id;

        if (vm_id_parse(status_field(r, "id"), &id) < 0)
                return;
        for (size_t i = 0; vms && i < vms->n; i++) {
                if (!vm_id_equal(&vms->items[i].id, &id))
                        continue;
                j->known[i] = true;
                wsl |= vms->items[i].wsl; /* which the helper may not know */
        }
        if (wsl && strcmp(status_field(r, "listening"), "true") != 0)
                j->n_without_listener++;
}

static void judge_member(StatusJudge *j, const StatusRecord *r) {
        const char *version = status_field(r, "version");

        if (version[0] && strcmp(version, j->evidence->version) != 0)
                host_finding(j->findings, FINDING_HINT, "version", NULL,
                             "Install the newer one. " INSTALL,
                             "The running helper has version %s, this program has version %s",
                             version, j->evidence->version);
}

/* Problems of the policy are judged from the policy itself. */
static void judge_problem(StatusJudge *j, const char *text) {
        const PolicyOrigin *policy = j->evidence->policy;

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
        Finding *x = host_finding(j->findings, FINDING_PROBLEM, "not-paired", owner, NULL,
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
        if (j->n_connected == 0)
                host_finding(j->findings, FINDING_HINT, "agent", NULL,
                             "In the guest:\n  sudo systemctl enable --now wslbridge-agent",
                             "No agent is connected");
        else
                host_finding(j->findings, FINDING_GOOD, "agent", NULL, NULL,
                             "Agents connected: %zu of %zu; services active: %zu of %zu",
                             j->n_connected, j->n_agents, j->n_active, j->n_services);
}

static void judge_pairing(const HostEvidence *e, Findings *f) {
        size_t n = 0;

        for (size_t i = 0; i < e->n_guests; i++) {
                const EvidenceGuest *guest = &e->guests[i];

                n += guest->paired;
                if (guest->paired && !guest->met)
                        host_finding(f, FINDING_HINT, "pairing", guest->owner,
                                     "In the guest:\n"
                                     "  sudo systemctl enable --now wslbridge-agent\n"
                                     "  systemctl status wslbridge-agent",
                                     "%s is paired and has never connected", guest->owner);
        }
        if (!e->keys_seen)
                host_finding(f, FINDING_UNSEEN, "pairing", NULL, ASK_AS_ADMINISTRATOR,
                             "Only administrators may see which guests are paired");
        else if (n == 0)
                host_finding(f, FINDING_HINT, "pairing", NULL, PAIR_DISTRO, "No guest is paired");
        else
                host_finding(f, FINDING_GOOD, "pairing", NULL, NULL, "Guests paired: %zu", n);
}

void status_checks_run(const HostEvidence *e, Findings *f) {
        StatusJudge j = {.evidence = e, .findings = f};

        judge_pairing(e, f);
        if (!e->status || e->serves != SEEN_YES)
                return;
        if (status_read(e->status, e->n_status, judge_record, &j) < 0)
                host_finding(f, FINDING_PROBLEM, "status", NULL,
                             "Use the doctor of the version that is installed.",
                             "status.json is not one of this version");
        else
                judge_summary(&j);
}
