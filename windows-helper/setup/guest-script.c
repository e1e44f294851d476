/* SPDX-License-Identifier: MIT */

/*
 * Composing a script, running it, and keeping what comes back.
 */

#include "windows-helper/setup/guest-script.h"

#include "windows-helper/core/setup/answer.h"
#include "windows-helper/setup/talk.h"
#include "windows-helper/vm/wsl-run.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GUEST_SAID_MAX 1500 /* bytes of what others said that are shown: the end */

static int script_text(const GuestScript *script, Buffer *out) {
        HRSRC found = FindResourceW(NULL, script->name, (LPCWSTR) RT_RCDATA);
        HGLOBAL loaded = found ? LoadResource(NULL, found) : NULL;
        const void *text = loaded ? LockResource(loaded) : NULL;

        if (!text)
                return log_win_error(GetLastError(), "A script is missing from this program");
        (void) buffer_append(out, text, SizeofResource(NULL, found));
        buffer_printf(out, "\nwb_payload() {\ncat <<'WSLBRIDGE_END'\n%sWSLBRIDGE_END\n}\n",
                      script->payload ? script->payload : "");
        buffer_printf(out, "{ wb_main %s; exit; }\n", script->arguments ? script->arguments : "");
        return out->oom ? -ENOMEM : 0;
}

/* Append the lines of @text that are no marker lines. */
static void script_others(const char *text, Buffer *out) {
        while (*text) {
                size_t n = strcspn(text, "\n");

                if (strncmp(text, SETUP_MARKER, strlen(SETUP_MARKER)) != 0 && n > 0) {
                        (void) buffer_append(out, text, n);
                        (void) buffer_append(out, "\n", 1);
                }
                text += n + (text[n] == '\n');
        }
}

static bool script_stops(const Setup *s, const WslRun *w, const GuestScript *script) {
        char value[SETUP_VALUE_MAX];

        return setup_stops(s) || (setup_interrupted() && script->waits &&
                                  setup_answer(buffer_text(&w->output.text), script->waits, value));
}

static int script_wait(const Setup *s, WslRun *w, const GuestScript *script) {
        ULONGLONG end = GetTickCount64() + setup_limit(script->limit_ms);

        while (true) {
                bool any;

                if (wsl_run_take(w, &any) < 0)
                        return -ENOMEM;
                if (GetTickCount64() > end)
                        return -ETIMEDOUT;
                if (script_stops(s, w, script))
                        return -EINTR;
                if (any)
                        continue;
                if (w->ended)
                        return 0;
                wsl_run_pause(w);
        }
}

int guest_script_run(Setup *s, const GuestScript *script, GuestAnswer *ret) {
        Buffer text = BUFFER_NULL;
        WslRun w = {.ended = false};
        int r = script_text(script, &text);

        *ret = (GuestAnswer){.code = -1};
        if (setup_stops(s))
                r = -EINTR;
        s->changing = s->changing || (r == 0 && script->to_the_end);
        talk_await(script->awaited);
        if (r == 0)
                r = wsl_run_start(&w, s->distro.name, L"/bin/sh");
        if (r == 0)
                r = wsl_run_feed(&w, buffer_text(&text), buffer_length(&text));
        if (r == 0) {
                r = script_wait(s, &w, script);
                if (w.ended)
                        ret->code = wsl_run_code(&w);
                (void) buffer_append(&ret->text, buffer_text(&w.output.text),
                                     strlen(buffer_text(&w.output.text)));
                script_others(buffer_text(&w.output.text), &ret->others);
                script_others(buffer_text(&w.errors.text), &ret->others);
        }
        talk_await(NULL);
        wsl_run_done(&w);
        buffer_done(&text);
        return r;
}

void guest_answer_done(GuestAnswer *a) {
        buffer_done(&a->text);
        buffer_done(&a->others);
}

const char *guest_answer_said(const GuestAnswer *a) {
        const char *text = buffer_text(&a->others);
        size_t n = strlen(text);

        if (n <= GUEST_SAID_MAX)
                return text;
        text = strchr(text + n - GUEST_SAID_MAX, '\n');
        return text ? text + 1 : "";
}
