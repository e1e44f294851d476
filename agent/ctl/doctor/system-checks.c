/* SPDX-License-Identifier: MIT */

/*
 * Conclusions about the guest itself: kernel, systemd, agent, configuration, address.
 */

#include "agent/ctl/doctor/guest-checks-private.h"

#include <string.h>

#define PROBLEMS_SHOWN_MAX 8 /* 'wslbridgectl check' shows all */

static bool helper_is_vsock(const GuestEvidence *e) {
        if (e->report && *e->report->helper)
                return strncmp(e->report->helper, "vsock:", strlen("vsock:")) == 0;
        return e->config->helper.kind == CONFIG_HELPER_VSOCK;
}

static void check_kernel(const GuestEvidence *e, Findings *f) {
        bool tried = e->report && strcmp(e->report->error_cause, "no-vsock") == 0;
        Finding *x;

        if (!helper_is_vsock(e) || (e->report && e->report->connected))
                return;
        if (!e->vmbus) {
                x = findings_add(f, FINDING_BROKEN, "no-hyperv", NULL);
                buffer_printf(&x->seen, "This is not a Hyper-V guest: there is no VMBus "
                                        "(/sys/bus/vmbus/devices is missing or empty)");
                buffer_printf(&x->advice, "Use WSL 2 (not WSL 1) or a Hyper-V guest. Other "
                                          "hypervisors have no helper to talk to.");
        } else if (!e->vsock || tried) {
                x = findings_add(f, FINDING_BROKEN, "no-vsock", NULL);
                buffer_printf(&x->seen, "The kernel offers no channel to the host: %s",
                              e->vsock ? "the agent could not make a vsock socket"
                                       : "there is no /dev/vsock");
                buffer_printf(&x->advice, "Load the module, and check that the kernel has it "
                                          "(CONFIG_HYPERV_VSOCKETS):\n  sudo modprobe hv_sock");
        }
}

/* What keeps WSL from starting systemd. */
static void advise_wsl_systemd(const GuestEvidence *e, Buffer *advice) {
        static const char restart[] =
                "Then stop WSL on Windows, and start the distribution again:\n"
                "  wsl --shutdown";

        if (!e->systemd_installed)
                buffer_printf(advice,
                              "Install systemd as the distribution's init first (on Debian and "
                              "Ubuntu, the package 'systemd-sysv'). ");
        switch (e->wsl_systemd) {
        case WSL_SYSTEMD_ON:
                buffer_printf(advice,
                              "WSL reads /etc/wsl.conf only when it starts the distribution. So "
                              "stop WSL on Windows, and start the distribution again. If that does "
                              "not help, WSL is too old: the agent needs 1.1.0 or later. The "
                              "last two commands show its version and update it:\n"
                              "  wsl --shutdown\n"
                              "  wsl --version\n"
                              "  wsl --update");
                return;
        case WSL_SYSTEMD_OFF:
                buffer_printf(advice, "Change that line of /etc/wsl.conf to 'systemd = true'. ");
                break;
        case WSL_SYSTEMD_ODD:
                buffer_printf(advice, "Replace that line of /etc/wsl.conf, so that the file has "
                                      "exactly these two lines in this order:\n"
                                      "  [boot]\n"
                                      "  systemd=true\n");
                break;
        case WSL_SYSTEMD_UNREAD:
                buffer_printf(advice,
                              "Mend line %u of /etc/wsl.conf, so that it is empty, a comment with "
                              "'#', '[section]' or 'key = value', with no byte order mark before "
                              "it. The file has to have these lines:\n"
                              "  [boot]\n"
                              "  systemd=true\n",
                              e->wsl_conf_line);
                break;
        case WSL_SYSTEMD_UNSET:
                buffer_printf(advice, "Add these lines to /etc/wsl.conf:\n"
                                      "  [boot]\n"
                                      "  systemd=true\n");
                break;
        }
        buffer_printf(advice, "%s", restart);
}

static void check_no_systemd(const GuestEvidence *e, Findings *f) {
        static const char *const wsl_conf[] = {
                [WSL_SYSTEMD_UNSET] = "",
                [WSL_SYSTEMD_ON] = " /etc/wsl.conf asks WSL to start it.",
                [WSL_SYSTEMD_OFF] = " /etc/wsl.conf turns it off.",
                [WSL_SYSTEMD_ODD] = " /etc/wsl.conf has a line about it that WSL does not "
                                    "understand.",
                [WSL_SYSTEMD_UNREAD] = " WSL reads /etc/wsl.conf only up to a line that it does "
                                       "not understand.",
        };
        Finding *x = findings_add(f, FINDING_BROKEN, "no-systemd", NULL);

        buffer_printf(&x->seen,
                      "systemd does not run, so nothing starts the agent: process 1 is '%s'.%s %s",
                      *e->pid1 ? e->pid1 : "unknown", e->wsl ? wsl_conf[e->wsl_systemd] : "",
                      e->status_problem);
        if (e->wsl)
                advise_wsl_systemd(e, &x->advice);
        else
                buffer_printf(&x->advice, "Configure the present init system to start "
                                          "/usr/sbin/wslbridge-agent as root.");
}

/* WSL 1 has neither a virtual machine nor systemd (fact 6.2.9). */
static void check_wsl1(const GuestEvidence *e, Findings *f) {
        Finding *x = findings_add(f, FINDING_BROKEN, "wsl-1", NULL);

        buffer_printf(&x->seen, "This is WSL 1. Its programs use the network of Windows, so their "
                                "ports are reachable without wslbridge, if the Windows firewall "
                                "allows it");
        buffer_printf(&x->advice,
                      "wslbridge is of use only in WSL 2. To convert the distribution, run this on "
                      "Windows; 'wsl --list' shows its name:\n"
                      "  wsl --set-version %s 2",
                      e->report && *e->report->distro ? e->report->distro : "NAME");
}

static void check_agent(const GuestEvidence *e, Findings *f) {
        Finding *x;

        if (e->report) {
                if (e->systemd)
                        unit_checks_run(e, f);
                return;
        }
        if (!e->status_bad && e->systemd) {
                unit_checks_run(e, f);
        } else if (!e->status_bad) {
                check_no_systemd(e, f);
        } else {
                x = findings_add(f, FINDING_BROKEN, "status-bad", NULL);
                buffer_printf(&x->seen, "The agent's status cannot be used: %s", e->status_problem);
                buffer_printf(&x->advice, "Install the agent and wslbridgectl in the same version, "
                                          "then:\n"
                                          "  sudo systemctl restart wslbridge-agent");
        }
}

static void add_problem(Buffer *seen, size_t i, const char *file, unsigned line, const char *key,
                        const char *message) {
        if (i > PROBLEMS_SHOWN_MAX)
                return;
        if (i == PROBLEMS_SHOWN_MAX) {
                buffer_printf(seen, "\n... and more");
                return;
        }
        buffer_printf(seen, "\n%s:", file);
        if (line > 0)
                buffer_printf(seen, "%u:", line);
        buffer_printf(seen, " %s%s%s", key, *key ? ": " : "", message);
}

/* The agent reports the problems of the files that it has read; they may have changed since without
 * its knowledge. */
static void check_config(const GuestEvidence *e, Findings *f) {
        const Report *r = e->report;
        const Config *c = e->config;
        bool reported = r && r->n_problems > 0;
        bool unread = e->unread || (r && !reported && c->n_problems > 0);
        bool stale = unread || (r && r->stale);
        Finding *x;

        if (!reported && !unread && c->n_problems == 0)
                return;
        x = findings_add(f, FINDING_PROBLEM, stale ? "config-stale" : "config-problem", NULL);
        if (unread)
                buffer_printf(&x->seen, "The agent has not read the files since they changed.");
        if (reported || c->n_problems > 0)
                buffer_printf(&x->seen, "%sThe configuration has problems:", unread ? "\n" : "");
        for (size_t i = 0; reported && i < r->n_problems; i++) {
                add_problem(&x->seen, i, r->problems[i].file, r->problems[i].line,
                            r->problems[i].key, r->problems[i].message);
                if (i < PROBLEMS_SHOWN_MAX)
                        buffer_printf(
                                &x->seen, " (%s)",
                                config_in_force_text(r->problems[i].file, r->problems[i].previous));
        }
        for (size_t i = 0; !reported && i < c->n_problems; i++)
                add_problem(&x->seen, i, c->problems[i].file, c->problems[i].line,
                            c->problems[i].key ? c->problems[i].key : "", c->problems[i].message);
        if (reported || c->n_problems > 0)
                buffer_printf(&x->advice, "Correct these problems; saving a file is enough. "
                                          "'wslbridgectl check' shows all that are left.");
        if (unread)
                buffer_printf(&x->advice,
                              "%sLet the agent read the files again, with "
                              "'wslbridgectl reload'.%s",
                              reported || c->n_problems > 0 ? "\n" : "",
                              e->wsl && e->systemd
                                      ? " If something was mounted over their folder after the "
                                        "service had started, the service does not see that: "
                                        "restart it.\n  sudo systemctl restart " NAMES_AGENT_UNIT
                                      : "");
}

#define FIRST_WSL "2.5.7" /* of which we know that it has this timeout (fact 7.1.2) */

static void check_idle(const GuestEvidence *e, Findings *f) {
        Finding *x;

        if (!e->wsl || e->idle == IDLE_STAYS || e->drive_silent)
                return;
        x = findings_add(f, FINDING_HINT, "idle-stop", NULL);
        if (e->idle == IDLE_LATER) {
                buffer_printf(&x->seen, "WSL may stop this distribution, and the agent with it, "
                                        "when it is idle: .wslconfig on Windows turns that off, "
                                        "but has changed since WSL was started");
                buffer_printf(&x->advice, "If the change was about that, run 'wsl --shutdown' on "
                                          "Windows. It ends all distributions, and what the file "
                                          "says counts from then on.");
                return;
        }
        if (e->idle == IDLE_DOUBTED) {
                buffer_printf(&x->seen, "WSL may stop this distribution, and the agent with it, "
                                        "when it is idle: .wslconfig on Windows turns that off, "
                                        "but WSL before " FIRST_WSL " may not know how");
                buffer_printf(&x->advice, "Update WSL on Windows with 'wsl.exe --update'.");
                return;
        }
        buffer_printf(&x->seen,
                      "WSL stops this distribution, and the agent with it, when it is idle: "
                      "services of systemd do not keep WSL running, and %s",
                      e->idle == IDLE_STOPS
                              ? ".wslconfig on Windows does not turn that off"
                              : "no .wslconfig that can be seen from here turns that off");
        buffer_printf(&x->advice,
                      "To keep WSL running, add these lines to "
                      "%%USERPROFILE%%\\.wslconfig on Windows ('wslbridgectl setup "
                      "--keep-alive' does it), and run 'wsl --shutdown' there:\n"
                      "  [general]\n"
                      "  instanceIdleTimeout=-1\n"
                      "WSL before " FIRST_WSL " may not know instanceIdleTimeout: 'wsl.exe "
                      "--update' updates it.");
}

/* The interop of a VM that has died stays dead as long as the VM lives (fact 6.2.5). */
static void check_wsl(const Report *r, Findings *f) {
        Finding *x;

        if (!r->wsl_silent)
                return;
        x = findings_add(f, FINDING_PROBLEM, "wsl-silent", NULL);
        buffer_printf(
                &x->seen,
                "WSL does not answer (wslinfo or wslpath hangs or fails). The agent goes on as "
                "'%s' in networking mode %s, %s",
                r->distro, r->mode,
                r->kept ? "as WSL said at an earlier start"
                        : "which may be wrong: the host may know this distribution by another "
                          "name");
        buffer_printf(&x->advice, "If this lasts, restart WSL on Windows. This ends all "
                                  "distributions:\n"
                                  "  wsl.exe --shutdown");
}

/* What it waits for is the host, so an answer may never come. */
static void check_drive(const GuestEvidence *e, Findings *f) {
        Finding *x;

        if (!e->drive_silent)
                return;
        x = findings_add(f, FINDING_UNSEEN, "drive-silent", NULL);
        buffer_printf(&x->seen, "Windows' drive C: does not answer in this distribution, so no "
                                ".wslconfig could be read. Programs that use the drive hang");
        buffer_printf(&x->advice, "If this lasts, restart WSL on Windows. This ends all "
                                  "distributions:\n"
                                  "  wsl.exe --shutdown");
}

void system_checks_run(const GuestEvidence *e, Findings *f) {
        if (e->wsl1) {
                check_wsl1(e, f);
                return;
        }
        check_kernel(e, f);
        check_agent(e, f);
        check_config(e, f);
        if (e->report) {
                check_wsl(e->report, f);
                mode_checks_run(e, f);
        }
        if (e->report && report_reach(e->report) == WIRE_REACH_FORWARDED)
                address_checks_run(e, f);
        check_drive(e, f);
        check_idle(e, f);
}
