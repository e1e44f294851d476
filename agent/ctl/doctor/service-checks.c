/* SPDX-License-Identifier: MIT */

/* Conclusions about the helper and the services; see ctl-diagnose.h. */

#include "agent/ctl/doctor/guest-checks.h"

#include <stdio.h>
#include <string.h>

void diagnose_pair(const Report *r, bool wsl, Buffer *todo) {
        if (wsl)
                buffer_printf(todo,
                              "On Windows, in a terminal of an administrator:\n"
                              "  wslbridge-helper pair %s",
                              r->distro);
        else
                buffer_printf(
                        todo,
                        "On Windows, in a terminal of an administrator, the first command; it "
                        "prints a line that goes to the second one, here:\n"
                        "  wslbridge-helper pair --print %s/%s\n"
                        "  sudo wslbridgectl pair",
                        r->agent_id, r->distro);
}

static void diagnose_refused(const DiagnoseFacts *facts, const char *since, Findings *f) {
        const Report *r = facts->report;
        bool not_paired = strcmp(r->error_code, "not-paired") == 0;
        bool bad_proof = strcmp(r->error_code, "bad-proof") == 0;
        Finding *x = findings_add(f, not_paired  ? FINDING_NOT_PAIRED
                                     : bad_proof ? FINDING_BAD_KEY
                                                 : FINDING_NOT_ADMITTED);

        buffer_printf(&x->seen, "the helper refuses it since %s: %s%s%s", since, r->error_code,
                      *r->error_text ? ": " : "", r->error_text);
        if (not_paired || bad_proof)
                diagnose_pair(r, facts->wsl, &x->todo);
        else if (strcmp(r->error_code, "version") == 0)
                buffer_printf(&x->todo, "Install the same version of wslbridge on both sides.");
        else if (strcmp(r->error_code, "busy") == 0)
                buffer_printf(&x->todo,
                              "A copy of this guest is connected already, or too many guests "
                              "are. Give a copy a machine id of its own, then pair it:\n"
                              "  sudo rm /etc/machine-id\n"
                              "  sudo systemd-machine-id-setup\n"
                              "  sudo systemctl restart wslbridge-agent");
        else if (strcmp(r->error_code, "policy") == 0)
                buffer_printf(&x->todo,
                              "Ask the administrator of the host for the policy value that "
                              "is named above.");
        else
                buffer_printf(&x->todo,
                              "Look into the Event Log of Windows (source wslbridge-helper).");
}

static void diagnose_silent(const Report *r, const char *since, Findings *f) {
        Finding *x = findings_add(f, FINDING_HELPER_SILENT);

        buffer_printf(&x->seen, "%s is not connected since %s", r->helper, since);
        if (*r->error_cause)
                buffer_printf(&x->seen, ": %s%s%s", r->error_cause, *r->error_text ? ": " : "",
                              r->error_text);
        buffer_printf(&x->todo,
                      "On Windows, in a terminal of an administrator; the second is for the "
                      "case that it was never installed:\n"
                      "  wslbridge-helper status\n"
                      "  wslbridge-helper install");
}

void diagnose_helper(const DiagnoseFacts *facts, Findings *f) {
        const Report *r = facts->report;
        char since[REPORT_TIME_TEXT_SIZE];

        if (!r)
                return;
        if (*r->key_problem) {
                Finding *x = findings_add(f, FINDING_KEY_PROBLEM);

                buffer_printf(&x->seen, "%s", r->key_problem);
                diagnose_pair(r, facts->wsl, &x->todo);
        }
        if (r->connected || strcmp(r->error_cause, "no-vsock") == 0)
                return;
        report_time_format(&r->helper_since, facts->now_usec, since);
        if (strcmp(r->helper_state, "refused") == 0) {
                if (!*r->key_problem)
                        diagnose_refused(facts, since, f);
        } else {
                diagnose_silent(r, since, f);
        }
}

static void todo_conflict(const ReportService *s, Buffer *todo) {
        if (strcmp(s->reason, "foreign-rule") == 0)
                buffer_printf(
                        todo,
                        "Choose another port (wslbridgectl expose, --name=%s); or, if the rule is "
                        "left from a script, take it over on Windows, in a terminal of an "
                        "administrator:\n"
                        "  wslbridge-helper adopt %s",
                        s->name, s->n_listens > 0 ? s->listens[0].listen : "ENDPOINT");
        else if (strcmp(s->reason, "other-agent") == 0)
                buffer_printf(todo,
                              "Choose another port, or take the service away in the other guest; "
                              "then it becomes active by itself.");
        else
                buffer_printf(todo,
                              "Choose another port, or stop the program on Windows that has it; "
                              "then it becomes active by itself.");
}

static void todo_blocked(const ReportService *s, Buffer *todo) {
        if (strcmp(s->reason, "iphlpsvc") == 0 || strcmp(s->reason, "not-listening") == 0)
                buffer_printf(todo, "On Windows, in a terminal of an administrator:\n"
                                    "  sc start iphlpsvc");
        else if (strcmp(s->reason, "excluded-range") == 0)
                buffer_printf(todo,
                              "Choose a port outside the ranges that Windows keeps for itself:\n"
                              "  netsh interface ipv4 show excludedportrange protocol=tcp");
        else
                buffer_printf(todo,
                              "Look into the Event Log of Windows (source wslbridge-helper), and "
                              "at 'wslbridge-helper status' there.");
}

static void todo_invalid(const ReportService *s, Buffer *todo) {
        if (strcmp(s->reason, "guest-address") == 0)
                buffer_printf(todo,
                              "The host does not take this guest's address for one behind its "
                              "virtual switch. If the agent has chosen the wrong interface, name "
                              "the right one in /etc/wslbridge/agent.conf:\n"
                              "  [agent]\n"
                              "  interface = eth0");
        else
                buffer_printf(todo, "Correct what it asks for in %s.",
                              *s->file ? s->file : "its file");
}

/* @ret_id: _FINDING_END when the state is good. */
static FindingId state_finding(const char *state) {
        static const struct {
                const char *state;
                FindingId id;
        } states[] = {
                {"invalid", FINDING_SERVICE_INVALID},   {"refused", FINDING_SERVICE_REFUSED},
                {"conflict", FINDING_SERVICE_CONFLICT}, {"blocked", FINDING_SERVICE_BLOCKED},
                {"pending", FINDING_SERVICE_PENDING},   {"withdrawn", FINDING_SERVICE_WITHDRAWN},
        };

        for (size_t i = 0; i < ELEMENTSOF(states); i++)
                if (strcmp(state, states[i].state) == 0)
                        return states[i].id;
        return _FINDING_END;
}

static void diagnose_state(const ReportService *s, Findings *f) {
        FindingId id = state_finding(s->state);
        Finding *x;

        if (id == _FINDING_END)
                return;
        x = findings_add(f, id);
        (void) snprintf(x->subject, sizeof(x->subject), "%s", s->name);
        buffer_printf(&x->seen, "%s%s%s%s", s->state,
                      *s->text     ? ": "
                      : *s->reason ? " ("
                                   : "",
                      *s->text ? s->text : s->reason, !*s->text && *s->reason ? ")" : "");
        if (id == FINDING_SERVICE_CONFLICT)
                todo_conflict(s, &x->todo);
        else if (id == FINDING_SERVICE_BLOCKED)
                todo_blocked(s, &x->todo);
        else if (id == FINDING_SERVICE_INVALID)
                todo_invalid(s, &x->todo);
        else if (id == FINDING_SERVICE_REFUSED)
                buffer_printf(&x->todo,
                              "Ask for what the policy allows, or ask the administrator of "
                              "the host for the value that is named above.");
        else
                buffer_printf(&x->todo, "Wait a moment; if it stays so, look at 'wslbridge-helper "
                                        "status' on Windows.");
}

static void add_port_finding(const ReportService *s, GuestPort state, uint16_t port,
                             const ReportAddress *address, Findings *f) {
        bool loopback = state == GUEST_PORT_LOOPBACK_ONLY;
        Finding *x = findings_add(f, loopback ? FINDING_PORT_LOOPBACK : FINDING_PORT_SILENT);

        (void) snprintf(x->subject, sizeof(x->subject), "%s", s->name);
        if (loopback) {
                buffer_printf(&x->seen, "port %u is open on 127.0.0.1 or ::1 only", port);
                buffer_printf(
                        &x->todo,
                        "Let the program listen on 0.0.0.0 or %s; 'ss -ltnp' shows which one it "
                        "is.",
                        *address->address ? address->address : "the guest's address");
        } else {
                buffer_printf(&x->seen, "port %u is not listened on%s%s", port,
                              *address->address ? " at " : "", address->address);
                buffer_printf(&x->todo,
                              "Start the program, or correct 'connect-port' in %s; 'ss "
                              "-ltnp' shows what listens.",
                              s->file);
        }
}

static void diagnose_ports(const DiagnoseFacts *facts, const ReportService *s, Findings *f) {
        const Report *r = facts->report;
        GuestPort worst = GUEST_PORT_LISTENING;
        uint16_t worst_port = 0;

        for (size_t i = 0; i < s->n_listens; i++) {
                const ReportListen *l = &s->listens[i];
                uint16_t port = 0;
                GuestPort state;

                if (l->count == 0 || l->connect_port + l->count > PORT_MAP_PORTS)
                        continue;
                state = port_map_judge_range(facts->ports, (uint16_t) l->connect_port,
                                             (uint16_t) l->count, &port);
                if (state != GUEST_PORT_UNKNOWN && state > worst) {
                        worst = state;
                        worst_port = port;
                }
        }
        if (worst != GUEST_PORT_LISTENING)
                add_port_finding(s, worst, worst_port, *r->v4.address ? &r->v4 : &r->v6, f);
}

void diagnose_services(const DiagnoseFacts *facts, Findings *f) {
        const Report *r = facts->report;

        if (!r || diagnose_mode_is_pointless(r))
                return;
        for (size_t i = 0; i < r->n_services; i++) {
                const ReportService *s = &r->services[i];
                bool no_address =
                        strcmp(s->state, "withdrawn") == 0 && !*r->v4.address && !*r->v6.address;

                if (!s->enabled)
                        continue;
                /* Without a connection or an address, that is the finding, not each service. */
                if (r->connected && !no_address)
                        diagnose_state(s, f);
                diagnose_ports(facts, s, f);
        }
}
