/* SPDX-License-Identifier: MIT */

/*
 * Conclusions about the key and the connection to the helper on Windows.
 */

#include "agent/ctl/doctor/guest-checks-private.h"

#include <errno.h>
#include <string.h>

/* How to pair this guest. */
static void advise_pairing(const Report *r, bool wsl, Buffer *advice) {
        if (wsl)
                buffer_printf(advice, HELPER_ON_WINDOWS "  .\\wslbridge-helper pair %s", r->distro);
        else
                buffer_printf(advice,
                              HELPER_ON_WINDOWS
                              "  .\\wslbridge-helper pair --print %s/%s\n"
                              "It prints a line. Give that line to this command, in this guest:\n"
                              "  sudo wslbridgectl pair",
                              r->agent_id, r->distro);
}

/* systemd-machine-id-setup takes the id from D-Bus where that has a file of its own, as in systems
 * that debootstrap made; so both go. */
static void advise_admission(const char *code, Buffer *advice) {
        if (strcmp(code, "version") == 0)
                buffer_printf(advice, "Install the same version of wslbridge on both sides.");
        else if (strcmp(code, "busy") == 0)
                buffer_printf(advice,
                              "Either a copy of this guest is already connected, or too many "
                              "guests are. Give a copy a machine id of its own, then pair it:\n"
                              "  sudo rm -f /etc/machine-id /var/lib/dbus/machine-id\n"
                              "  sudo systemd-machine-id-setup\n"
                              "  sudo systemctl restart wslbridge-agent");
        else if (strcmp(code, "policy") == 0)
                buffer_printf(advice, "Ask the administrator of the host to change the policy "
                                      "value that is named above.");
        else
                buffer_printf(advice, "On Windows, " NAMES_EVENT_LOG " has more.");
}

/* Most texts about a key have their own remedy, and pairing would not help against all of them. */
static void advise_key(const Report *r, bool wsl, Buffer *advice) {
        if (strstr(r->key_problem, "trying again"))
                buffer_printf(advice, "Wait a moment. If nothing changes, restart the agent:\n"
                                      "  sudo systemctl restart wslbridge-agent");
        else if (strstr(r->key_problem, "; ") && !strstr(r->key_problem, "pair again"))
                buffer_printf(advice, "Do what the text above says, as root.");
        else
                advise_pairing(r, wsl, advice);
}

static void check_refused(const GuestEvidence *e, const char *since, Findings *f) {
        const Report *r = e->report;
        bool not_paired = strcmp(r->error_code, "not-paired") == 0;
        bool bad_proof = strcmp(r->error_code, "bad-proof") == 0;
        Finding *x;

        if (not_paired) {
                x = findings_add(f, FINDING_BROKEN, "not-paired", NULL);
                buffer_printf(&x->seen, "This guest is not paired");
        } else if (bad_proof) {
                x = findings_add(f, FINDING_BROKEN, "bad-key", NULL);
                buffer_printf(&x->seen, "The host has another key for this guest");
        } else {
                x = findings_add(f, FINDING_BROKEN, "not-admitted", NULL);
                buffer_printf(&x->seen, "The helper does not admit this guest");
        }
        buffer_printf(&x->seen, ": refused since %s (%s%s%s)", since, r->error_code,
                      *r->error_text ? ": " : "", r->error_text);
        if (not_paired || bad_proof)
                advise_pairing(r, e->wsl, &x->advice);
        else
                advise_admission(r->error_code, &x->advice);
}

/* The connects end as if there were no helper, but there was one. After a sleep of the host WSL's
 * virtual machine may have lost its virtual sockets for the rest of its life (fact 2.6.1). */
static bool may_be_cut_off(const GuestEvidence *e) {
        const Report *r = e->report;

        return e->wsl && r->n_connects > 0 && strcmp(r->error_cause, "unreachable") == 0 &&
               r->error_errno == ETIMEDOUT;
}

static void check_silent(const GuestEvidence *e, const char *since, Findings *f) {
        const Report *r = e->report;
        Finding *x = findings_add(f, FINDING_BROKEN, "helper-silent", NULL);

        buffer_printf(&x->seen,
                      "The helper on Windows does not answer: %s has not been connected since %s",
                      r->helper, since);
        if (*r->error_cause)
                buffer_printf(&x->seen, ": %s%s%s", r->error_cause, *r->error_text ? ": " : "",
                              r->error_text);
        buffer_printf(&x->advice,
                      "See what is in its way. " HELPER_ON_WINDOWS "  .\\wslbridge-helper doctor\n"
                      "If that folder is missing, install wslbridge's package for Windows (.msi) "
                      "there.");
        if (may_be_cut_off(e))
                buffer_printf(&x->advice,
                              "\nIf the service runs there, a sleep of Windows may have cut WSL "
                              "off from it. Then this helps; it ends all distributions:\n"
                              "  wsl.exe --shutdown");
}

/* PINGs and PONGs pass, so the connection is fine. It is the helper's work that does not get done.
 */
static void check_unanswered(const GuestEvidence *e, Findings *f) {
        Finding *x = findings_add(f, FINDING_BROKEN, "helper-unanswered", NULL);
        char since[REPORT_TIME_TEXT_SIZE];

        report_time_format(&e->report->unanswered_since, e->now_usec, since);
        buffer_printf(&x->seen,
                      "The helper on Windows takes connections, but has not said what became of "
                      "the services since %s",
                      since);
        buffer_printf(&x->advice,
                      "See what is in its way. " HELPER_ON_WINDOWS "  .\\wslbridge-helper doctor");
}

void helper_checks_run(const GuestEvidence *e, Findings *f) {
        const Report *r = e->report;
        char since[REPORT_TIME_TEXT_SIZE];

        if (!r)
                return;
        if (*r->key_problem) {
                /* A helper that asks for no key admits the guest without one. */
                Finding *x = findings_add(f, r->connected ? FINDING_HINT : FINDING_BROKEN,
                                          "key-problem", NULL);

                buffer_printf(&x->seen, "The key cannot be used: %s%s", r->key_problem,
                              r->connected ? "; the helper has admitted the guest without it" : "");
                advise_key(r, e->wsl, &x->advice);
        }
        if (*r->unanswered_since.time) {
                check_unanswered(e, f);
                return;
        }
        if (r->connected || strcmp(r->error_cause, "no-vsock") == 0)
                return;
        report_time_format(&r->helper_since, e->now_usec, since);
        if (strcmp(r->helper_state, "refused") == 0) {
                if (!*r->key_problem)
                        check_refused(e, since, f);
        } else {
                check_silent(e, since, f);
        }
}
