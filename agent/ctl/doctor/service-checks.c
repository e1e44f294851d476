/* SPDX-License-Identifier: MIT */

/*
 * Conclusions about each service: the host's answer, and the port in this guest.
 */

#include "agent/ctl/doctor/guest-checks-private.h"
#include "common/adoption-text.h"

#include <string.h>

#define SERVICES_SHOWN_MAX 20

static void advise_invalid(const GuestEvidence *e, const ReportService *s, Buffer *advice) {
        if (strcmp(s->reason, "guest-address") == 0) {
                buffer_printf(advice, "The host does not accept this guest's address as one behind "
                                      "its virtual switch. ");
                advise_interface(e, advice);
        } else if (strcmp(s->reason, "connect-port") == 0)
                buffer_printf(advice,
                              "Let the program listen on the same port as the service, and take "
                              "'connect-port' out of %s. Or, to have ports forwarded, set "
                              "networkingMode=nat in .wslconfig on Windows, and run 'wsl "
                              "--shutdown' there.",
                              *s->file ? s->file : "its file");
        else
                buffer_printf(advice, "Correct the request in %s.",
                              *s->file ? s->file : "its file");
}

static void advise_refused(const GuestEvidence *e, const ReportService *s, Buffer *advice) {
        if (strncmp(s->reason, "policy-", strlen("policy-")) == 0)
                buffer_printf(advice,
                              "Ask for something that the policy allows, or ask the administrator "
                              "of the host to change the value that is named above.");
        else
                buffer_printf(advice,
                              "Do what the text above says, or change %s so that it asks "
                              "for nothing that this host cannot do.",
                              *s->file ? s->file : "its file");
}

/* Only the helper knows whether a rule can be taken over, and by which words. Then its text has the
 * command. */
static void advise_foreign(const ReportService *s, Buffer *advice) {
        char endpoint[IP_ENDPOINT_TEXT_MAX];

        buffer_printf(advice, "Choose another port ('wslbridgectl expose' with --name=%s). ",
                      s->name);
        if (adoption_text_endpoint(s->text, endpoint))
                buffer_printf(
                        advice,
                        "Or, if an old script has left the rule, take it over. " HELPER_ON_WINDOWS
                        "  .\\wslbridge-helper adopt %s",
                        endpoint);
        else
                buffer_printf(advice, "Or delete the other rule on Windows, if nobody needs it.");
}

static void advise_conflict(const GuestEvidence *e, const ReportService *s, Buffer *advice) {
        if (strcmp(s->reason, "foreign-rule") == 0)
                advise_foreign(s, advice);
        else if (strcmp(s->reason, "other-agent") == 0)
                buffer_printf(advice, "Choose another port, or remove the service in the other "
                                      "guest; this one then becomes active by itself.");
        else
                buffer_printf(advice,
                              "The text above says what has the port on Windows and what helps "
                              "against it; the service then becomes active by itself. Or choose "
                              "another port.");
}

/* Whether iphlpsvc has to be started, enabled or restarted is in the text, and so is whether there
 * is nothing to do. */
static void advise_blocked(const GuestEvidence *e, const ReportService *s, Buffer *advice) {
        bool forwarder = strcmp(s->reason, "iphlpsvc") == 0;

        if (*s->text && (forwarder || strcmp(s->reason, "not-listening") == 0))
                buffer_printf(advice,
                              "The text above says what helps. The commands in it are for a "
                              "terminal on Windows that was opened with 'Run as "
                              "administrator'.");
        else if (forwarder)
                buffer_printf(advice, ON_WINDOWS "  sc.exe start iphlpsvc");
        else if (strcmp(s->reason, "excluded-range") == 0)
                buffer_printf(advice,
                              "Choose a port outside the ranges that Windows keeps for itself. "
                              "This command on Windows shows them:\n"
                              "  netsh interface ipv4 show excludedportrange protocol=%s",
                              strcmp(s->protocol, "udp") == 0 ? "udp" : "tcp");
        else
                buffer_printf(advice, "On Windows, " NAMES_EVENT_LOG " has more, and so does the "
                                      "helper:\n" NAMES_HELPER_CD "  .\\wslbridge-helper status");
}

static void advise_waiting(const GuestEvidence *e, const ReportService *s, Buffer *advice) {
        buffer_printf(advice, "Wait a moment. If nothing changes, look at the helper on "
                              "Windows:\n" NAMES_HELPER_CD "  .\\wslbridge-helper status");
}

/* The networking mode is a reason for a guest without a network, which has a finding of its own;
 * for a service that is to be carried to the loopback, where nothing can do that (mode-state.h);
 * and when the helper is too old for the mode. */
static void advise_withdrawn(const GuestEvidence *e, const ReportService *s, Buffer *advice) {
        if (strcmp(s->reason, "networking-mode") != 0)
                advise_waiting(e, s, advice);
        else if (strcmp(s->connect, "loopback") == 0)
                buffer_printf(advice, "Change %s as the text above says.",
                              *s->file ? s->file : "its file");
        else
                buffer_printf(advice, "Install the present version of wslbridge on Windows and in "
                                      "this guest, so that both know what this networking mode "
                                      "needs.");
}

static void check_state(const GuestEvidence *e, const ReportService *s, Findings *f) {
        static const struct {
                const char *state, *id, *seen;
                void (*advise)(const GuestEvidence *e, const ReportService *s, Buffer *advice);
        } states[] = {
                {"invalid", "service-invalid",
                 "is invalid, because the host cannot do what it asks for", advise_invalid},
                {"refused", "service-refused", "is refused by the host", advise_refused},
                {"conflict", "service-conflict",
                 "is in conflict, because its port on the host is taken", advise_conflict},
                {"blocked", "service-blocked", "is blocked by Windows", advise_blocked},
                {"withdrawn", "service-withdrawn",
                 "is withdrawn, so the host forwards nothing to it", advise_withdrawn},
                {"pending", "service-pending", "is pending, because the host has not answered yet",
                 advise_waiting},
        };

        for (size_t i = 0; i < ELEMENTSOF(states); i++) {
                Finding *x;

                if (strcmp(s->state, states[i].state) != 0)
                        continue;
                x = findings_add(f, FINDING_PROBLEM, states[i].id, s->name);
                buffer_printf(&x->seen, "Service '%s' %s", s->name, states[i].seen);
                if (*s->text)
                        buffer_printf(&x->seen, ": %s", s->text);
                else if (*s->reason)
                        buffer_printf(&x->seen, " (%s)", s->reason);
                states[i].advise(e, s, &x->advice);
        }
}

/* The helper has done what it can, and yet it depends on the host who gets in. */
static void check_reach(const ReportService *s, Findings *f) {
        static const struct {
                const char *reason, *id, *seen, *advice;
        } reasons[] = {
                {"unreachable", "service-unreachable", "is active, but no other machine reaches it",
                 "Look at the network of the host. If it is one that you trust, make it private: "
                 "in Windows, Settings, Network & internet, the properties of the network. These "
                 "commands on Windows show what else is in the way:\n" NAMES_HELPER_CD
                 "  .\\wslbridge-helper doctor"},
                {"not-listening", "service-unreachable", "is active, but no connection arrives",
                 "Start the program that serves it, and let it listen on 0.0.0.0. If it does, and "
                 "the text above names an address of IPv6, update WSL on Windows: an older one "
                 "listens for IPv4 only.\n  wsl --update"},
                {"firewall-off", "service-firewall", "is active, and everybody reaches it",
                 "Turn Windows Firewall on, unless it is off on purpose."},
                {"firewall", "service-firewall", "is active, but something else filters as well",
                 "If nobody reaches it, open its port in the product that is named above."},
                {"foreign-rule", "service-conflict",
                 "is active, but another rule may be in its way",
                 "If nobody reaches it, delete the rule that is named above on Windows."},
        };

        for (size_t i = 0; i < ELEMENTSOF(reasons); i++) {
                Finding *x;

                if (strcmp(s->state, "active") != 0 || strcmp(s->reason, reasons[i].reason) != 0)
                        continue;
                x = findings_add(f, FINDING_HINT, reasons[i].id, s->name);
                buffer_printf(&x->seen, "Service '%s' %s", s->name, reasons[i].seen);
                if (*s->text)
                        buffer_printf(&x->seen, ": %s", s->text);
                buffer_printf(&x->advice, "%s", reasons[i].advice);
        }
}

/* The one port of a service that 'wslbridgectl expose' would write in the same way, or NULL. */
static const WireListen *plain_listen(const GuestEvidence *e, const ReportService *s) {
        const ConfigService *service = config_find(e->config, s->name);
        const IpAddr any = ip_v4(0, 0, 0, 0);
        const WireService *wire;
        const WireListen *l;

        if (!service || !service->enabled)
                return NULL;
        wire = &e->config->wire.services[service->wire];
        l = &e->config->wire.listens[wire->first_listen];
        if (wire->n_listens != 1 || l->count != 1 || wire->remote != WIRE_REMOTE_LOCAL_SUBNET ||
            wire->profiles != (WIRE_PROFILE_DOMAIN | WIRE_PROFILE_PRIVATE) ||
            wire->options[WIRE_OPTION_CLIENT_ADDRESS] || wire->options[WIRE_OPTION_FORWARDER] ||
            ip_compare(&l->addr, &any) != 0)
                return NULL;
        return l;
}

/* How to have it carried, where that is possible: the line for its file, and the command for one
 * that was made by that command. */
static void advise_loopback(const GuestEvidence *e, const ReportService *s, Buffer *advice) {
        const WireListen *l = plain_listen(e, s);

        if (report_reach(e->report) != WIRE_REACH_FORWARDED)
                return;
        buffer_printf(
                advice, " Or have connections carried to it: add 'connect = loopback' to %s%s",
                s->file,
                l ? "; if 'wslbridgectl expose' has made that file, this command does it\n" : ".");
        if (l && strcmp(s->protocol, "udp") == 0)
                buffer_printf(advice, "  sudo wslbridgectl expose %u:%u/udp --name=%s --loopback",
                              (unsigned) l->port, (unsigned) l->connect_port, s->name);
        else if (l)
                buffer_printf(advice, "  sudo wslbridgectl expose %u:%u --name=%s --loopback",
                              (unsigned) l->port, (unsigned) l->connect_port, s->name);
}

#define DYNAMIC_FIRST 49152 /* of the dynamic range, unless somebody has set another one */

/* In this mode a program of Windows may be in the way of the guest's own bind() (fact 6.2.10). */
static void advise_mirrored(const GuestEvidence *e, uint16_t port, Buffer *advice) {
        if (strcmp(e->report->mode, wire_mode_name(WIRE_MODE_MIRRORED)) != 0)
                return;
        buffer_printf(advice, "\nIf the program says that the address is in use: in networking "
                              "mode mirrored, Windows must lend the port, and does not while a "
                              "program of Windows has it.");
        if (port >= DYNAMIC_FIRST)
                buffer_printf(advice,
                              " WSL 2.8.7 to 2.9.4 refuses nearly all ports from %u on: take a "
                              "lower one, or another version of WSL.",
                              DYNAMIC_FIRST);
}

static void add_port_finding(const GuestEvidence *e, const ReportService *s, GuestPort state,
                             uint16_t port, Findings *f) {
        const ReportAddress *address = *e->report->v4.address ? &e->report->v4 : &e->report->v6;
        bool loopback = state == GUEST_PORT_LOOPBACK_ONLY;
        const char *ss = strcmp(s->protocol, "udp") == 0 ? "'ss -lunp'" : "'ss -ltnp'";
        Finding *x = findings_add(f, FINDING_PROBLEM, loopback ? "port-loopback" : "port-silent",
                                  s->name);

        buffer_printf(&x->seen, "Service '%s' leads to port %u, ", s->name, port);
        if (loopback) {
                buffer_printf(&x->seen, "which is open on 127.0.0.1 or ::1 only");
                buffer_printf(&x->advice,
                              "Let the program listen on 0.0.0.0 or %s; %s shows which "
                              "program it is.",
                              *address->address ? address->address : "the guest's address", ss);
                advise_loopback(e, s, &x->advice);
        } else {
                buffer_printf(&x->seen,
                              "on which no program listens%s%s; it works only if a rule of the "
                              "kernel (DNAT) leads it elsewhere",
                              *address->address ? " at " : "", address->address);
                buffer_printf(&x->advice,
                              "Start the program, or correct 'connect-port' in %s; %s shows "
                              "which ports are open. If you have made such a rule, no action is "
                              "needed.",
                              s->file, ss);
                advise_mirrored(e, port, &x->advice);
        }
}

/* A port that a container publishes needs no socket: the kernel's rules lead to the container. An
 * ordinary user cannot read the rules, so the networks of containers are all that is known. */
static void add_container_finding(const GuestEvidence *e, const ReportService *s, uint16_t port,
                                  Findings *f) {
        Finding *x = findings_add(f, FINDING_HINT, "port-container", s->name);

        buffer_printf(&x->seen,
                      "Service '%s' leads to port %u, on which no program listens. A container may "
                      "serve it all the same: there are networks of containers (%s), and engines "
                      "such as k3s, or Docker without its proxy, publish ports by address "
                      "translation (DNAT), without a listening socket",
                      s->name, port, e->containers);
        buffer_printf(&x->advice,
                      "If a container publishes the port, no action is needed; this command shows "
                      "the rules of the kernel. Otherwise start the program, or correct "
                      "'connect-port' in %s.\n"
                      "  sudo nft list ruleset",
                      s->file);
}

/* The worst of @l's ports, and the first that is that bad. */
static GuestPort judge_listen(const GuestEvidence *e, const ReportService *s, const ReportListen *l,
                              uint16_t *ret_port) {
        const PortMap *map = strcmp(s->protocol, "udp") == 0 ? e->udp_ports : e->ports;
        bool all = strcmp(s->loopback, "carried") == 0, some = strcmp(s->loopback, "direct") == 0;
        GuestPort worst = GUEST_PORT_LISTENING;

        if (strcmp(s->connect, "loopback") != 0)
                return port_map_judge_range(map, (uint16_t) l->connect_port, (uint16_t) l->count,
                                            ret_port);
        *ret_port = 0;
        for (unsigned p = l->connect_port; p < l->connect_port + l->count; p++) {
                GuestPort is = port_map_judge_loopback(map, (uint16_t) p,
                                                       all || (some && p != s->loopback_port));

                if (is <= worst)
                        continue;
                worst = is;
                *ret_port = (uint16_t) p;
        }
        return worst;
}

GuestPort service_ports_judge(const GuestEvidence *e, const ReportService *s, uint16_t *ret_port) {
        GuestPort worst = GUEST_PORT_LISTENING;

        *ret_port = 0;
        for (size_t i = 0; i < s->n_listens; i++) {
                const ReportListen *l = &s->listens[i];
                uint16_t port = 0;
                GuestPort state;

                if (l->count == 0 || l->connect_port + l->count > PORT_MAP_PORTS)
                        continue;
                state = judge_listen(e, s, l, &port);
                if (state != GUEST_PORT_UNKNOWN && state > worst) {
                        worst = state;
                        *ret_port = port;
                }
        }
        return worst;
}

static void check_ports(const GuestEvidence *e, const ReportService *s, Findings *f) {
        uint16_t worst_port;
        GuestPort worst = service_ports_judge(e, s, &worst_port);

        if (worst == GUEST_PORT_NOT_LISTENING && *e->containers)
                add_container_finding(e, s, worst_port, f);
        else if (worst != GUEST_PORT_LISTENING)
                add_port_finding(e, s, worst, worst_port, f);
}

/* The default needs no words, but one service that is otherwise makes people ask about all. */
static void check_forwarders(const Report *r, Findings *f) {
        bool told = false;
        size_t n = 0;
        Finding *x;

        for (size_t i = 0; i < r->n_services && !told; i++)
                told = *r->services[i].why &&
                       strcmp(r->services[i].why, wire_why_name(WIRE_WHY_DEFAULT)) != 0;
        if (!told)
                return;
        x = findings_add(f, FINDING_GOOD, "forwarder", NULL);
        buffer_printf(&x->seen, "What carries each service on the host:");
        for (size_t i = 0; i < r->n_services; i++) {
                const ReportService *s = &r->services[i];

                if (*s->forwarder && n++ < SERVICES_SHOWN_MAX)
                        buffer_printf(&x->seen, "\n%s: %s%s%s", s->name, s->forwarder,
                                      *s->why ? ", " : "", finding_why_text(s->why));
        }
        if (n > SERVICES_SHOWN_MAX)
                buffer_printf(&x->seen, "\nand %zu more; 'wslbridgectl status' shows all",
                              n - SERVICES_SHOWN_MAX);
}

void service_checks_run(const GuestEvidence *e, Findings *f) {
        const Report *r = e->report;

        if (!r || report_reach(r) == WIRE_REACH_NONE)
                return;
        check_forwarders(r, f);
        for (size_t i = 0; i < r->n_services; i++) {
                const ReportService *s = &r->services[i];
                bool no_address =
                        strcmp(s->state, "withdrawn") == 0 && !*r->v4.address && !*r->v6.address;

                if (!s->enabled)
                        continue;
                /* A missing connection or address is one finding, not one for each service. */
                if (r->connected && !no_address) {
                        check_state(e, s, f);
                        check_reach(s, f);
                }
                check_loopback(e, s, f);
                check_ports(e, s, f);
        }
}
