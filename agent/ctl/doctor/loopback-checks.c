/* SPDX-License-Identifier: MIT */

/*
 * Conclusions about the part of 'connect = loopback' that is in this guest: what keeps
 * wslbridge-loopback from carrying a service's connections.
 *
 * Its path unit starts it while there is such a service. So the path unit counts first.
 */

#include "agent/ctl/doctor/guest-checks-private.h"

#include <string.h>

#define PATH_UNIT    "wslbridge-loopback.path"
#define SERVICE_UNIT "wslbridge-loopback.service"

#define BEGIN "  sudo systemctl restart " PATH_UNIT

/* Return: the unit that is to blame, or NULL. */
static const char *unit_to_blame(const GuestEvidence *e, const Unit **ret) {
        UnitState path = unit_state(&e->loopback_path), service = unit_state(&e->loopback);

        *ret = &e->loopback_path;
        if (path != UNIT_RUNNING && path != UNIT_UNKNOWN)
                return PATH_UNIT;
        *ret = &e->loopback;
        if (service != UNIT_RUNNING && service != UNIT_UNKNOWN && service != UNIT_STOPPED)
                return SERVICE_UNIT;
        return NULL;
}

static void tell_unit(const char *name, const Unit *u, Buffer *seen) {
        static const char *const words[_UNIT_STATE_END] = {
                [UNIT_STOPPED] = "is stopped",
                [UNIT_FAILED] = "has failed, and systemd does not start it again: it ",
                [UNIT_CRASHING] = "ends again and again, and systemd starts it again: it ",
                [UNIT_CHANGING] = "is starting or stopping",
                [UNIT_SKIPPED] = "was not started, because a condition in it is not met",
                [UNIT_ABSENT] = "is not installed",
                [UNIT_MASKED] = "is masked, so nothing can start it",
                [UNIT_BAD] = "has files that systemd cannot use",
        };
        UnitState state = unit_state(u);
        char end[UNIT_END_TEXT_SIZE] = "";

        if (state == UNIT_FAILED || state == UNIT_CRASHING)
                unit_end_text(u, end);
        buffer_printf(seen, "; %s %s%s", name, words[state], end);
        if (u->restarts > 0)
                buffer_printf(seen, "; restarts so far: %u", u->restarts);
}

static void advise_unit(const char *name, UnitState state, Buffer *advice) {
        switch (state) {
        case UNIT_STOPPED:
                buffer_printf(advice, "Start it:\n" BEGIN);
                break;
        case UNIT_FAILED:
                buffer_printf(advice,
                              "Find the reason in the log, correct it, and start it again:\n"
                              "  journalctl -xeu %s\n  sudo systemctl reset-failed %s\n" BEGIN,
                              name, name);
                break;
        case UNIT_CRASHING:
                buffer_printf(advice,
                              "Find the reason in its log and correct it. systemd then starts it "
                              "by itself:\n  journalctl -xeu %s",
                              name);
                break;
        case UNIT_CHANGING:
                buffer_printf(advice,
                              "Look again in a few seconds. If nothing changes, its log says "
                              "why:\n  journalctl -xeu %s",
                              name);
                break;
        case UNIT_SKIPPED:
                buffer_printf(advice, "This names the condition:\n  systemctl status %s", name);
                break;
        case UNIT_ABSENT:
                buffer_printf(advice, "Install the agent with all its units, then:\n"
                                      "  sudo systemctl daemon-reload\n" BEGIN);
                break;
        case UNIT_MASKED:
                buffer_printf(advice,
                              "If the service should be carried:\n"
                              "  sudo systemctl unmask %s\n" BEGIN,
                              name);
                break;
        case UNIT_BAD:
                buffer_printf(advice,
                              "This names the file and the line. Correct them, or install the "
                              "agent again, then:\n  systemctl status %s\n"
                              "  sudo systemctl daemon-reload\n" BEGIN,
                              name);
                break;
        case UNIT_UNKNOWN:
        case UNIT_RUNNING:
        case _UNIT_STATE_END:
                break;
        }
}

void check_loopback(const GuestEvidence *e, const ReportService *s, Findings *f) {
        bool direct = strcmp(s->loopback, "direct") == 0;
        bool absent = strcmp(s->loopback, "not-running") == 0 || strcmp(s->loopback, "failed") == 0;
        const Unit *unit;
        const char *name;
        Finding *x;

        if (!*s->loopback_text)
                return;
        x = findings_add(f, direct ? FINDING_HINT : FINDING_PROBLEM, "loopback", s->name);
        buffer_printf(&x->seen, "Service '%s': %s", s->name, s->loopback_text);
        name = absent ? unit_to_blame(e, &unit) : NULL;
        if (name) {
                tell_unit(name, unit, &x->seen);
                advise_unit(name, unit_state(unit), &x->advice);
        } else if (absent) {
                buffer_printf(&x->advice, "These commands show more:\n"
                                          "  systemctl status " PATH_UNIT " " SERVICE_UNIT "\n"
                                          "  journalctl -u wslbridge-loopback -n 20");
        } else {
                buffer_printf(&x->advice,
                              "If the program can listen on the guest's address, take "
                              "'connect = loopback' out of %s.",
                              s->file);
        }
}
