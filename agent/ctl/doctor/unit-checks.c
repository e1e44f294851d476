/* SPDX-License-Identifier: MIT */

/*
 * Conclusions about the agent's unit: why there is no agent, or why it keeps ending.
 */

#include "agent/ctl/doctor/guest-checks-private.h"

#define JOURNAL "  journalctl -xeu " NAMES_AGENT_UNIT
#define ENABLE  "  sudo systemctl enable --now " NAMES_AGENT_UNIT
#define RESTART "  sudo systemctl restart " NAMES_AGENT_UNIT

/* A number that a person who works on the machine does not cause. */
#define RESTARTS_ODD 3

typedef struct UnitFinding {
        FindingRank rank;
        bool end; /* after @seen follows the way in which the agent ended */
        const char *id, *seen, *advice;
} UnitFinding;

static const UnitFinding unit_findings[] = {
        [UNIT_UNKNOWN] = {FINDING_BROKEN, false, "agent-stopped", NULL,
                          "Ask systemd about the agent, and start it, now and at each boot:\n"
                          "  systemctl status " NAMES_AGENT_UNIT "\n" ENABLE},
        [UNIT_RUNNING] = {FINDING_BROKEN, false, "agent-mute",
                          "systemd says that the agent runs, but there is no status of it. ",
                          "If it has just started, look again in a few seconds. Otherwise find the "
                          "reason in its log, and start it again:\n" JOURNAL "\n" RESTART},
        [UNIT_STOPPED] = {FINDING_BROKEN, false, "agent-stopped", NULL,
                          "Start the agent, now and at each boot. If it ends again, its log says "
                          "why:\n" ENABLE "\n" JOURNAL},
        [UNIT_FAILED] =
                {FINDING_BROKEN, true, "agent-failed",
                 "The agent has failed, and systemd does not start it again: it ",
                 "Find the reason in its log, correct it, and start the agent again:\n" JOURNAL
                 "\n  sudo systemctl reset-failed " NAMES_AGENT_UNIT "\n" RESTART},
        [UNIT_CRASHING] = {FINDING_BROKEN, true, "agent-crashing",
                           "The agent ends again and again, and systemd starts it again each time: "
                           "it ",
                           "Find the reason in its log and correct it. systemd then starts the "
                           "agent by itself:\n" JOURNAL},
        [UNIT_CHANGING] =
                {FINDING_HINT, false, "agent-changing", "The agent is starting or stopping. ",
                 "Look again in a few seconds. If nothing changes, its log says why:\n" JOURNAL},
        [UNIT_SKIPPED] = {FINDING_BROKEN, false, "agent-skipped",
                          "systemd has not started the agent, because a condition in its unit is "
                          "not met; as installed, it starts only in a guest of Hyper-V. ",
                          "This names the condition:\n  systemctl status " NAMES_AGENT_UNIT},
        [UNIT_ABSENT] = {FINDING_BROKEN, false, "agent-absent",
                         "The agent is not installed: systemd does not know " NAMES_AGENT_UNIT
                         ".service. ",
                         "Install the agent with its unit, then:\n"
                         "  sudo systemctl daemon-reload\n" ENABLE},
        [UNIT_MASKED] = {FINDING_BROKEN, false, "agent-masked",
                         "The agent's unit is masked, so nothing can start it. ",
                         "If the agent should run:\n"
                         "  sudo systemctl unmask " NAMES_AGENT_UNIT "\n" ENABLE},
        [UNIT_BAD] = {FINDING_BROKEN, false, "agent-unit",
                      "systemd cannot use the files of the agent's unit. ",
                      "This names the file and the line. Correct them, or install the agent again, "
                      "then:\n"
                      "  systemctl status " NAMES_AGENT_UNIT "\n"
                      "  sudo systemctl daemon-reload\n" RESTART},
};

/* Of systemd: the process could not get its credentials. */
#define EXIT_CREDENTIALS 243

/* Then systemd cannot start the agent at all (fact 7.1.9). */
static bool is_old_wsl(const GuestEvidence *e) {
        return e->wsl && e->shm_link && e->unit.status == EXIT_CREDENTIALS;
}

static void add_end(const Unit *u, Buffer *seen) {
        char end[UNIT_END_TEXT_SIZE];

        unit_end_text(u, end);
        buffer_printf(seen, "%s", end);
        if (u->restarts > 0)
                buffer_printf(seen, "; restarts so far: %u", u->restarts);
}

/* There is no agent. */
static void check_absent(const GuestEvidence *e, Findings *f) {
        const UnitFinding *u = &unit_findings[unit_state(&e->unit)];
        Finding *x = findings_add(f, u->rank, u->id, NULL);

        buffer_printf(&x->seen, "%s", u->seen ? u->seen : e->status_problem);
        if (u->end)
                add_end(&e->unit, &x->seen);
        else if (u->seen)
                buffer_printf(&x->seen, "%s", e->status_problem);
        if (u->end && is_old_wsl(e))
                buffer_printf(&x->advice,
                              "This WSL is older than 1.1.0: its /dev/shm is a link, with which "
                              "systemd cannot pass the key to the agent. On Windows, update WSL, "
                              "and end all distributions:\n"
                              "  wsl.exe --update\n"
                              "  wsl.exe --shutdown");
        else
                buffer_printf(&x->advice, "%s", u->advice);
}

/* There is one: perhaps between two crashes, or somebody has started it beside the unit's. */
static void check_present(const GuestEvidence *e, Findings *f) {
        UnitState state = unit_state(&e->unit);
        Finding *x;

        if (state != UNIT_CRASHING && (state != UNIT_RUNNING || e->unit.restarts < RESTARTS_ODD))
                return;
        x = findings_add(f, FINDING_HINT, "agent-crashing", NULL);
        if (state == UNIT_CRASHING && e->unit.status == NAMES_AGENT_EXIT_RUNS) {
                buffer_printf(&x->seen,
                              "The agent that runs now, process %d, was started by hand, and so "
                              "the service's cannot start",
                              e->report->pid);
                buffer_printf(&x->advice,
                              "End that process. systemd then starts the service's agent by "
                              "itself.");
                return;
        }
        buffer_printf(&x->seen,
                      "The agent runs now, but systemd has had to start it again; restarts "
                      "so far: %u",
                      e->unit.restarts);
        buffer_printf(&x->advice, "Its log says why it ended:\n" JOURNAL);
}

void unit_checks_run(const GuestEvidence *e, Findings *f) {
        if (e->report)
                check_present(e, f);
        else
                check_absent(e, f);
}
