/* SPDX-License-Identifier: MIT */

/*
 * Looks at the user's distros, and asks which one when none is named.
 */

#include "windows-helper/setup/choose.h"

#include "windows-helper/setup/guest-script.h"
#include "windows-helper/setup/lxss.h"
#include "windows-helper/setup/talk.h"
#include "windows-helper/vm/wsl-run.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/rights.h"

#include "common/text-wrap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHOOSE_COLUMN 32 /* of the list, for the names */

/* Say in @part why the distro has not answered. */
static int choose_no_answer(Setup *s, SetupPart *part, int r, const GuestAnswer *answer) {
        if (r == -ETIMEDOUT)
                (void) setup_says(part, SETUP_FAILED,
                                  "wsl.exe did not answer for '%s' within %u seconds",
                                  s->distro.name, (unsigned) (setup_limit(GUEST_PROBE_MS) / 1000));
        else if (r < 0 && r != -EPROTO)
                (void) setup_says(part, SETUP_FAILED, "wsl.exe could not be used for '%s'",
                                  s->distro.name);
        else
                (void) setup_says(part, SETUP_FAILED,
                                  "'%s' could not be asked what it is (exit code %ld)",
                                  s->distro.name, (long) answer->code);
        if (r == -ETIMEDOUT && s->distro.is_new)
                setup_advises(part,
                              "If a window of it asks for a user name, answer there. Then run "
                              "this again.\n");
        else if (r == -ETIMEDOUT || r == -EPROTO)
                setup_advises(part,
                              "See whether 'wsl.exe -d %s' works; 'wsl.exe --shutdown' "
                              "often helps when it hangs. Then run this again.\n",
                              s->distro.name);
        setup_advises(part, "%s", guest_answer_said(answer));
        return r < 0 ? r : -EPROTO;
}

int choose_probe(Setup *s, SetupPart *part) {
        const GuestScript script = {.name = L"PROBE", .limit_ms = GUEST_PROBE_MS};
        GuestAnswer answer;
        int r;

        talk_progress(s, setup_part_name(SETUP_DISTRO)); /* one that is stopped takes its time */
        r = guest_script_run(s, &script, &answer);
        talk_progress(s, NULL);
        if (r == 0)
                r = guest_read(buffer_text(&answer.text), &s->guest);
        if (r < 0)
                r = choose_no_answer(s, part, r, &answer);
        guest_answer_done(&answer);
        return r;
}

static const char *choose_lacks(Setup *s, const SetupDistro *d) {
        SetupPart part = {.outcome = SETUP_OPEN};
        const char *text = "it does not answer";

        if (d->state != SETUP_STATE_INSTALLED)
                return "it is being installed or removed";
        if (d->version != 2)
                return "WSL 2";
        s->distro = *d;
        if (choose_probe(s, &part) == 0)
                text = guest_lacks(&s->guest);
        buffer_done(&part.said);
        buffer_done(&part.advice);
        return text;
}

static void choose_show(Setup *s, const char *mark, const char *name, const char *lacks) {
        Buffer line = BUFFER_NULL;

        buffer_printf(&line, "%s ", mark);
        text_pad(&line, name, CHOOSE_COLUMN);
        setup_show(s, "%s%s\n", buffer_text(&line), lacks);
        buffer_done(&line);
}

/* The list of all distros with what each lacks, and the question about the default one. Where that
 * is a container engine's, none of several others is taken without a question. */
static const SetupDistro *choose_default(Setup *s, const SetupDistros *distros, SetupPart *part) {
        const SetupDistro *first = &distros->items[0];
        bool obvious = first->is_default || distros->n == 1;

        setup_show(s, "Starting each distro, to look at it ...\n");
        choose_show(s, " ", "DISTRO", "LACKS");
        for (size_t i = 0; i < distros->n && !setup_interrupted(); i++)
                choose_show(s, distros->items[i].is_default ? "*" : " ", distros->items[i].name,
                            choose_lacks(s, &distros->items[i]));
        if (!s->options->dry_run &&
            ((s->options->yes && !obvious) ||
             !setup_ask(s, s->options->undo ? "Take wslbridge out of '%s'?" : "Set up '%s'?",
                        first->name))) {
                if (!obvious && (s->options->yes || setup_nobody(s)))
                        setup_advises(part, "None of them is the default one. Name the distro "
                                            "behind 'setup'.");
                else if (setup_nobody(s))
                        setup_advises(part,
                                      "Nobody can be asked here. Name the distro behind "
                                      "'setup', or add --yes to take '%s'.",
                                      first->name);
                else if (distros->n > 1)
                        setup_advises(part, "For another one, name it behind 'setup'.");
                (void) setup_says(part, SETUP_FAILED, "No distro was chosen");
                return NULL;
        }
        return first;
}

static const SetupDistro *choose_named(const SetupDistros *distros, const char *name,
                                       SetupPart *part) {
        const SetupDistro *found = setup_distros_find(distros, name);

        if (found)
                return found;
        if (setup_is_engine(name)) {
                (void) setup_says(part, SETUP_FAILED,
                                  "'%s' belongs to a container engine, which makes it anew as it "
                                  "likes",
                                  name);
                return NULL;
        }
        (void) setup_says(part, SETUP_FAILED, "You have no distro '%s'", name);
        setup_advises(part, distros->n ? "Your distros are:" : "");
        for (size_t i = 0; i < distros->n; i++)
                setup_advises(part, "\n  %s", distros->items[i].name);
        return NULL;
}

static const SetupDistro *choose_from(Setup *s, const SetupDistros *distros, SetupPart *part) {
        if (distros->n == 0) {
                if (rights_administrator()) /* it may be another account's terminal (fact 2.1.9) */
                        setup_advises(part, "If you have one, run this in a terminal that was not "
                                            "opened as administrator.\n");
                setup_advises(part, "Install one with 'wsl.exe --install Debian', start it once, "
                                    "and run this again as the same Windows user.");
                (void) setup_says(part, SETUP_FAILED, "This Windows user has no WSL distro");
                return NULL;
        }
        return s->options->distro ? choose_named(distros, s->options->distro, part)
                                  : choose_default(s, distros, part);
}

/* What can be said without starting it. */
static int choose_check(const SetupDistro *d, SetupPart *part) {
        if (d->state != SETUP_STATE_INSTALLED) {
                (void) setup_says(part, SETUP_FAILED, "'%s' is being installed or removed",
                                  d->name);
                return -EBUSY;
        }
        if (d->version == 2)
                return 0;
        (void) setup_says(part, SETUP_FAILED, "'%s' is a distro of WSL 1", d->name);
        setup_advises(part,
                      "A distro of WSL 1 has no network of its own: its ports are ports of Windows "
                      "already. To make it one of WSL 2:\n  wsl.exe --set-version %s 2",
                      d->name);
        return -ENOTSUP;
}

int choose_distro(Setup *s) {
        SetupPart *part = &s->report.parts[SETUP_DISTRO];
        SetupDistros *distros = calloc(1, sizeof(*distros));
        const SetupDistro *chosen = NULL;
        wchar_t exe[WSL_PATH_MAX];
        int r = distros ? lxss_read(distros) : -ENOMEM;

        if (r < 0) {
                (void) setup_says(part, SETUP_FAILED, "The list of distros could not be read");
        } else if (wsl_run_find(exe) < 0) {
                setup_advises(part,
                              "Turn on the Windows feature 'Windows Subsystem for Linux', and "
                              "restart Windows.");
                (void) setup_says(part, SETUP_FAILED, "This Windows has no wsl.exe");
                r = -ENOENT;
        } else {
                chosen = choose_from(s, distros, part);
                r = chosen ? 0 : -ENOENT;
        }
        if (r == 0) {
                s->distro = *chosen;
                (void) snprintf(s->report.distro, sizeof(s->report.distro), "%s", s->distro.name);
                r = choose_check(&s->distro, part);
        }
        free(distros);
        if (r == 0)
                r = choose_probe(s, part);
        return r;
}
