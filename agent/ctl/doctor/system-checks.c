/* SPDX-License-Identifier: MIT */

/* Conclusions about the guest itself: kernel, systemd, agent, address; see ctl-diagnose.h. */

#include "agent/ctl/doctor/guest-checks.h"

#include <string.h>

static bool helper_is_vsock(const DiagnoseFacts *facts) {
        if (facts->report && *facts->report->helper)
                return strncmp(facts->report->helper, "vsock:", strlen("vsock:")) == 0;
        return facts->config->helper.kind == CONFIG_HELPER_VSOCK;
}

static void diagnose_kernel(const DiagnoseFacts *facts, Findings *f) {
        bool tried = facts->report && strcmp(facts->report->error_cause, "no-vsock") == 0;
        Finding *x;

        if (!helper_is_vsock(facts) || (facts->report && facts->report->connected))
                return;
        if (!facts->vmbus) {
                x = findings_add(f, FINDING_NO_HYPERV);
                buffer_printf(&x->seen, "there is no VMBus (/sys/bus/vmbus/devices is missing or "
                                        "empty)");
                buffer_printf(&x->todo, "Use WSL 2, not WSL 1, or a guest of Hyper-V. Under other "
                                        "hypervisors there is no helper to talk to.");
        } else if (!facts->vsock || tried) {
                x = findings_add(f, FINDING_NO_VSOCK);
                buffer_printf(&x->seen, facts->vsock ? "the agent could not make a vsock socket"
                                                     : "there is no /dev/vsock");
                buffer_printf(&x->todo, "Load the module, and see that the kernel has it "
                                        "(CONFIG_HYPERV_VSOCKETS):\n  sudo modprobe hv_sock");
        }
}

static void diagnose_no_systemd(const DiagnoseFacts *facts, Findings *f) {
        Finding *x = findings_add(f, FINDING_NO_SYSTEMD);

        buffer_printf(&x->seen, "process 1 is '%s'; %s", *facts->pid1 ? facts->pid1 : "unknown",
                      facts->status_problem);
        if (facts->wsl)
                buffer_printf(&x->todo,
                              "Add these lines to /etc/wsl.conf, then run 'wsl --shutdown' on "
                              "Windows, and start the distribution again:\n"
                              "  [boot]\n"
                              "  systemd=true");
        else
                buffer_printf(&x->todo, "Let the init system that is there start "
                                        "/usr/sbin/wslbridge-agent as root.");
}

static void diagnose_agent(const DiagnoseFacts *facts, Findings *f) {
        Finding *x;

        if (facts->report)
                return;
        if (facts->status_bad) {
                x = findings_add(f, FINDING_STATUS_BAD);
                buffer_printf(&x->seen, "%s", facts->status_problem);
                buffer_printf(&x->todo,
                              "Install agent and wslbridgectl of the same version, then:\n"
                              "  sudo systemctl restart wslbridge-agent");
                return;
        }
        if (!facts->systemd) {
                diagnose_no_systemd(facts, f);
                return;
        }
        switch (facts->unit) {
        case UNIT_ABSENT:
                x = findings_add(f, FINDING_AGENT_ABSENT);
                buffer_printf(&x->seen, "systemd knows no wslbridge-agent.service");
                buffer_printf(&x->todo, "Install the agent with its unit, then:\n"
                                        "  sudo systemctl daemon-reload\n"
                                        "  sudo systemctl enable --now wslbridge-agent");
                return;
        case UNIT_FAILED:
                x = findings_add(f, FINDING_AGENT_FAILED);
                buffer_printf(&x->seen, "systemd says that wslbridge-agent.service has failed (%s)",
                              facts->unit_result);
                buffer_printf(&x->todo,
                              "Look for the reason in its log, correct that, and start it:\n"
                              "  journalctl -xeu wslbridge-agent\n"
                              "  sudo systemctl restart wslbridge-agent");
                return;
        case UNIT_UNKNOWN:
        case UNIT_ACTIVE:
        case UNIT_INACTIVE:
                x = findings_add(f, FINDING_AGENT_STOPPED);
                buffer_printf(&x->seen, "%s", facts->status_problem);
                buffer_printf(&x->todo, "Start it, now and at each boot:\n"
                                        "  sudo systemctl enable --now wslbridge-agent");
                return;
        }
}

#define PROBLEMS_SHOWN_MAX 8 /* 'wslbridgectl check' has them all */

static void add_problem(Buffer *seen, size_t i, const char *file, unsigned line, const char *key,
                        const char *message) {
        if (i > PROBLEMS_SHOWN_MAX)
                return;
        if (i == PROBLEMS_SHOWN_MAX) {
                buffer_printf(seen, "\n... and more");
                return;
        }
        buffer_printf(seen, "%s%s:", i > 0 ? "\n" : "", file);
        if (line > 0)
                buffer_printf(seen, "%u:", line);
        buffer_printf(seen, " %s%s%s", key, *key ? ": " : "", message);
}

/* The agent's problems are those of the set it has read; it may not know yet what the files have
 * now. */
static void diagnose_config(const DiagnoseFacts *facts, Findings *f) {
        const Report *r = facts->report;
        const Config *c = facts->config;
        bool reported = r && r->n_problems > 0;
        Finding *x;

        if (!reported && c->n_problems == 0)
                return;
        x = findings_add(f, r && (r->stale || !reported) ? FINDING_CONFIG_STALE
                                                         : FINDING_CONFIG_PROBLEM);
        for (size_t i = 0; reported && i < r->n_problems; i++)
                add_problem(&x->seen, i, r->problems[i].file, r->problems[i].line,
                            r->problems[i].key, r->problems[i].message);
        for (size_t i = 0; !reported && i < c->n_problems; i++)
                add_problem(&x->seen, i, c->problems[i].file, c->problems[i].line,
                            c->problems[i].key ? c->problems[i].key : "", c->problems[i].message);
        buffer_printf(&x->todo,
                      "Correct what is named above; saving a file is enough. 'wslbridgectl "
                      "check' tells all that is left.");
}

bool diagnose_mode_is_pointless(const Report *r) {
        static const char *const modes[] = {"mirrored", "bridged", "virtioproxy", "consomme",
                                            "none"};

        for (size_t i = 0; i < ELEMENTSOF(modes); i++)
                if (strcmp(r->mode, modes[i]) == 0)
                        return true;
        return false;
}

static void diagnose_mode(const Report *r, Findings *f) {
        Finding *x = findings_add(f, FINDING_MODE);

        buffer_printf(&x->seen, "WSL's networking mode is '%s'",
                      *r->mode_word ? r->mode_word : r->mode);
        if (strcmp(r->mode, "none") == 0)
                buffer_printf(&x->todo,
                              "The guest has no network at all. To change that, set this in "
                              ".wslconfig on Windows, and run 'wsl --shutdown' there:\n");
        else
                buffer_printf(&x->todo,
                              "The guest has an address of the host or of its network, and "
                              "its ports are reachable without wslbridge (if the firewall of "
                              "Windows lets them). Disable the agent; or, to forward ports, "
                              "set this in .wslconfig on Windows, and run 'wsl --shutdown' "
                              "there:\n");
        buffer_printf(&x->todo, "  [wsl2]\n  networkingMode=nat");
}

static void diagnose_address(const Report *r, Findings *f) {
        const ReportAddress *a = *r->v4.address ? &r->v4 : &r->v6;
        Finding *x;

        if (!*a->address) {
                x = findings_add(f, FINDING_NO_ADDRESS);
                buffer_printf(&x->seen, "%s",
                              *r->address_problem ? r->address_problem
                                                  : "the agent has found none");
                buffer_printf(&x->todo,
                              "Look at 'ip address' and 'ip route'; the virtual switch gives "
                              "an address by DHCP, in WSL at the start. If the interface is "
                              "not found by itself, name it in /etc/wslbridge/agent.conf:\n"
                              "  [agent]\n"
                              "  interface = eth0");
        } else if (*r->address_problem) {
                x = findings_add(f, FINDING_OFF_LINK);
                buffer_printf(&x->seen, "address %s/%u on %s, gateway %s: %s", a->address,
                              a->prefix, r->interface, *a->gateway ? a->gateway : "none",
                              r->address_problem);
                buffer_printf(&x->todo,
                              "Somebody has set a static address. The virtual switch drops "
                              "what is outside its own network: remove the address, and let "
                              "the switch give one (DHCP).");
        }
}

/* One adapter of Hyper-V leaves no doubt, whatever Docker and VPNs have added. */
static void diagnose_candidates(const DiagnoseFacts *facts, Findings *f) {
        const Report *r = facts->report;
        size_t n_vmbus = 0, n_default = 0;
        Finding *x;

        for (size_t i = 0; i < r->n_candidates; i++) {
                n_vmbus += r->candidates[i].vmbus;
                n_default += r->candidates[i].default_route;
        }
        if (r->n_candidates < 2 || *facts->config->interface || n_vmbus == 1 ||
            (n_vmbus == 0 && n_default == 1))
                return;
        x = findings_add(f, FINDING_CANDIDATES);
        for (size_t i = 0; i < r->n_candidates; i++)
                buffer_printf(&x->seen, "%s%s %s%s", i > 0 ? ", " : "", r->candidates[i].interface,
                              r->candidates[i].address,
                              r->candidates[i].default_route ? " (default route)" : "");
        buffer_printf(&x->seen, "; %s was chosen", *r->interface ? r->interface : "none");
        buffer_printf(&x->todo,
                      "If that is not the one of the virtual switch, name the right one in "
                      "/etc/wslbridge/agent.conf:\n"
                      "  [agent]\n"
                      "  interface = %s",
                      r->candidates[0].interface);
}

static void diagnose_idle(const DiagnoseFacts *facts, Findings *f) {
        Finding *x;

        if (!facts->wsl || facts->idle == IDLE_STAYS)
                return;
        x = findings_add(f, FINDING_IDLE_STOP);
        buffer_printf(&x->seen,
                      facts->idle == IDLE_STOPS
                              ? ".wslconfig on Windows does not forbid it; services of "
                                "systemd do not keep WSL running"
                              : "services of systemd do not keep WSL running, and .wslconfig "
                                "on Windows could not be read");
        buffer_printf(&x->todo,
                      "To keep it running, set this in %%USERPROFILE%%\\.wslconfig on Windows, "
                      "and run 'wsl --shutdown' there:\n"
                      "  [general]\n"
                      "  instanceIdleTimeout=-1\n"
                      "  [wsl2]\n"
                      "  vmIdleTimeout=-1");
}

void diagnose_system(const DiagnoseFacts *facts, Findings *f) {
        diagnose_kernel(facts, f);
        diagnose_agent(facts, f);
        diagnose_config(facts, f);
        if (facts->report && diagnose_mode_is_pointless(facts->report)) {
                diagnose_mode(facts->report, f);
        } else if (facts->report) {
                diagnose_address(facts->report, f);
                diagnose_candidates(facts, f);
        }
        diagnose_idle(facts, f);
}
