/* SPDX-License-Identifier: MIT */

/*
 * systemd=true in the distro's /etc/wsl.conf, which counts when the distro starts the next time
 * (fact 7.1.4). The file is edited here, by the same code as .wslconfig.
 */

#include "windows-helper/core/setup/answer.h"
#include "windows-helper/core/setup/ini-edit.h"
#include "windows-helper/core/setup/line-diff.h"
#include "windows-helper/setup/guest-script.h"
#include "windows-helper/vm/wsl-run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYSTEMD_STOP_MS    60000 /* WSL gives the distro's services 10 seconds */
#define SYSTEMD_CHANGED    3     /* exit code of wsl-conf.sh: the file is no longer as it was */
#define SYSTEMD_OPTION_MAX 320   /* characters */

typedef struct WslConf {
        char state[SETUP_VALUE_MAX]; /* what wsl-conf.sh compares */
        Buffer bytes;
} WslConf;

static SetupOutcome systemd_failed(SetupPart *part, const char *what, const GuestAnswer *answer) {
        (void) setup_says(part, SETUP_FAILED, "/etc/wsl.conf %s", what);
        setup_advises(part, "%s", guest_answer_said(answer));
        return SETUP_FAILED;
}

static bool systemd_answered(int r, const GuestAnswer *answer) {
        return r == 0 && answer->code == 0 &&
               setup_answer_is(buffer_text(&answer->text), "end", "yes");
}

/* Return: SETUP_OPEN when it was read. */
static SetupOutcome systemd_read(Setup *s, SetupPart *part, WslConf *ret) {
        const GuestScript script = {
                .name = L"WSL_CONF", .arguments = "read", .limit_ms = GUEST_QUICK_MS};
        char size[SETUP_VALUE_MAX];
        GuestAnswer answer;
        SetupOutcome outcome = SETUP_OPEN;
        int r = guest_script_run(s, &script, &answer);
        const char *text = buffer_text(&answer.text);

        (void) setup_answer(text, "state", ret->state);
        if (!systemd_answered(r, &answer) || setup_answer_octal(text, "octal", &ret->bytes) < 0)
                outcome = systemd_failed(part, "could not be read", &answer);
        else if (strcmp(ret->state, "odd") == 0)
                outcome = systemd_failed(part,
                                         "is a folder, or a link that leads nowhere; mend it, then "
                                         "run setup again",
                                         &answer);
        else if (setup_answer(text, "size", size) &&
                 strtoul(size, NULL, 10) != buffer_length(&ret->bytes))
                outcome = systemd_failed(part, "is too large for a file of settings", &answer);
        guest_answer_done(&answer);
        return outcome;
}

static SetupOutcome systemd_write(Setup *s, SetupPart *part, const WslConf *conf,
                                  const Buffer *content) {
        char arguments[SETUP_VALUE_MAX + 8];
        GuestScript script = {.name = L"WSL_CONF",
                              .arguments = arguments,
                              .limit_ms = GUEST_QUICK_MS,
                              .to_the_end = true};
        Buffer payload = BUFFER_NULL;
        SetupOutcome outcome = SETUP_OPEN;
        GuestAnswer answer = {.code = -1};
        int r = -ENOMEM;

        (void) snprintf(arguments, sizeof(arguments), "write %s", conf->state);
        setup_octal(buffer_bytes(content), buffer_length(content), &payload);
        script.payload = buffer_text(&payload);
        if (!payload.oom)
                r = guest_script_run(s, &script, &answer);
        if (r == 0 && answer.code == SYSTEMD_CHANGED)
                outcome = systemd_failed(part,
                                         "was changed by somebody meanwhile, so it was not "
                                         "written; run setup again",
                                         &answer);
        else if (!systemd_answered(r, &answer))
                outcome = systemd_failed(part, "could not be written", &answer);
        guest_answer_done(&answer);
        buffer_done(&payload);
        return outcome;
}

/* End the distro, so that it starts anew with systemd. Return: whether that was possible. */
static bool systemd_restart(Setup *s) {
        wchar_t name[WSL_NAME_MAX], options[SYSTEMD_OPTION_MAX];
        ULONGLONG end = GetTickCount64() + setup_limit(SYSTEMD_STOP_MS);
        WslRun w = {.ended = false};
        bool good = false, any;

        if (win_to_wide(s->distro.name, name, ARRAYSIZE(name)) < 0)
                return false;
        (void) win_format(options, ARRAYSIZE(options), L"--terminate %ls", name);
        if (wsl_run_start_options(&w, options) == 0) {
                while (!w.ended && GetTickCount64() < end && wsl_run_take(&w, &any) >= 0)
                        if (!any)
                                wsl_run_pause(&w);
                good = w.ended && wsl_run_code(&w) == 0;
        }
        wsl_run_done(&w);
        return good;
}

/* Asked before anything is written, so that nothing is half done when the answer is Ctrl-C. */
static bool systemd_ask_restart(Setup *s) {
        return setup_ask(s,
                         "systemd starts with the distro. 'wsl --terminate %s' ends it, with "
                         "all that runs in it. Do that now?",
                         s->distro.name);
}

static SetupOutcome systemd_begin(Setup *s, SetupPart *part, bool restart) {
        const char *name = s->distro.name;

        if (setup_stops(s))
                return SETUP_FAILED;
        s->changing = true;
        if (!restart) {
                (void) setup_says(part, SETUP_FAILED,
                                  "/etc/wsl.conf turns systemd on, and '%s' has to start anew for "
                                  "it",
                                  name);
                setup_advises(part, "Type 'wsl --terminate %s', then run setup again.", name);
                return SETUP_FAILED;
        }
        if (systemd_restart(s))
                return setup_says(part, SETUP_DONE, "systemd is turned on");
        (void) setup_says(part, SETUP_FAILED,
                          "/etc/wsl.conf turns systemd on, but '%s' could not be ended", name);
        setup_advises(part, "Type 'wsl --shutdown', then run setup again.");
        return SETUP_FAILED;
}

/* Write the new content, after showing what changes and asking. Return: SETUP_OPEN when it is
 * written, and then in @ret_restart whether the distro may be ended. */
static SetupOutcome systemd_change(Setup *s, SetupPart *part, const WslConf *conf,
                                   const Buffer *content, bool *ret_restart) {
        Buffer diff = BUFFER_NULL;

        line_diff(buffer_bytes(&conf->bytes), buffer_length(&conf->bytes), buffer_bytes(content),
                  buffer_length(content), &diff);
        setup_show(s, "/etc/wsl.conf in '%s':\n%s", s->distro.name, buffer_text(&diff));
        buffer_done(&diff);
        if (s->options->dry_run)
                return setup_says(part, SETUP_WOULD,
                                  "Turn systemd on in /etc/wsl.conf and start '%s' anew",
                                  s->distro.name);
        if (setup_ask(s, "wslbridge needs systemd. Write this?")) {
                *ret_restart = systemd_ask_restart(s);
                return setup_stops(s) ? SETUP_FAILED : systemd_write(s, part, conf, content);
        }
        (void) setup_says(part, SETUP_FAILED, "systemd is turned off, and wslbridge needs it");
        setup_advises(part,
                      "Put 'systemd=true' below [boot] in /etc/wsl.conf, type 'wsl --terminate "
                      "%s', then run setup again%s.",
                      s->distro.name, setup_nobody(s) ? "; or give --yes to let it do both" : "");
        return SETUP_FAILED;
}

/* The user's own settings behind such a line do not count either, so a person has to look. */
static SetupOutcome systemd_unread(SetupPart *part, const WslConf *conf) {
        size_t line =
                ini_stop(&ini_wsl_conf, buffer_bytes(&conf->bytes), buffer_length(&conf->bytes));

        return setup_says(
                part, SETUP_FAILED,
                "WSL does not understand line %zu of /etc/wsl.conf (a ';', or a byte order "
                "mark?) and reads no further; mend it, then run setup again",
                line);
}

SetupOutcome setup_systemd(Setup *s, SetupPart *part) {
        static const IniWant want = {"boot", "systemd", "true"};
        WslConf conf = {.state = ""};
        Buffer content = BUFFER_NULL;
        SetupOutcome outcome = systemd_read(s, part, &conf);
        const char *why = "could not be edited, because memory is short";
        bool restart = false;
        int r;

        if (outcome == SETUP_OPEN) {
                r = ini_set(&ini_wsl_conf, buffer_bytes(&conf.bytes), buffer_length(&conf.bytes),
                            &want, 1, &content, &why);
                if (r == -ENODATA)
                        outcome = systemd_unread(part, &conf);
                else if (r < 0)
                        outcome = setup_says(part, SETUP_FAILED, "/etc/wsl.conf %s", why);
                else if (r == 0)
                        outcome = systemd_change(s, part, &conf, &content, &restart);
                else if (s->options->dry_run)
                        outcome = setup_says(part, SETUP_WOULD, "Start '%s' anew, for systemd",
                                             s->distro.name);
                else
                        restart = systemd_ask_restart(s);
        }
        if (outcome == SETUP_OPEN)
                outcome = systemd_begin(s, part, restart);
        buffer_done(&content);
        buffer_done(&conf.bytes);
        return outcome;
}
