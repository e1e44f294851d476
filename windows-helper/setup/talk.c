/* SPDX-License-Identifier: MIT */

/*
 * Texts to the user, questions, and Ctrl-C.
 */

#include "windows-helper/setup/talk.h"

#include "windows-helper/win/console.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TALK_ANSWER_MAX 16

static volatile LONG talk_stopped;
static const char *volatile talk_awaited; /* for the handler, which runs in a thread of its own */

static void talk_error(const char *text) {
        (void) console_write(CONSOLE_ERROR, text, strlen(text));
}

static BOOL WINAPI talk_on_control(DWORD control) {
        const char *awaited = talk_awaited;

        if (control != CTRL_C_EVENT && control != CTRL_BREAK_EVENT)
                return FALSE; /* the window is closed or the user logs off: Windows ends us */
        if (InterlockedExchange(&talk_stopped, 1) != 0)
                return TRUE;
        talk_error("Ctrl-C: setup stops as soon as nothing is half done ...\n");
        if (awaited)
                talk_error(awaited);
        return TRUE;
}

void talk_await(const char *text) {
        talk_awaited = text;
}

void talk_begin(void) {
        (void) SetConsoleCtrlHandler(talk_on_control, TRUE);
}

bool setup_interrupted(void) {
        return talk_stopped != 0;
}

bool setup_stops(const Setup *s) {
        return setup_interrupted() && !s->changing && !s->elevated.changing;
}

size_t talk_width(const Setup *s) {
        return s->options->json ? 0 : console_width();
}

void talk_progress(const Setup *s, const char *part) {
        if (!s->options->json)
                console_progress(part);
}

static void talk_show_v(const Setup *s, const char *format, va_list args) {
        Buffer text = BUFFER_NULL;

        buffer_vprintf(&text, format, args);
        (void) console_write(s->options->json ? CONSOLE_ERROR : CONSOLE_OUTPUT, buffer_text(&text),
                             buffer_length(&text));
        buffer_done(&text);
}

void setup_show(const Setup *s, const char *format, ...) {
        va_list args;

        va_start(args, format);
        talk_show_v(s, format, args);
        va_end(args);
}

bool setup_nobody(const Setup *s) {
        DWORD mode;

#ifdef WSLBRIDGE_TEST_TRANSPORT
        if (getenv("WSLBRIDGE_TEST_ASK")) /* a pipe answers for the user */
                return s->options->json;
#endif
        return s->options->json || !GetConsoleMode(GetStdHandle(STD_INPUT_HANDLE), &mode);
}

bool setup_ask(const Setup *s, const char *format, ...) {
        char answer[TALK_ANSWER_MAX];
        va_list args;

        if (setup_stops(s)) /* the question before this one was answered with Ctrl-C */
                return false;
        if (s->options->yes)
                return true;
        if (setup_nobody(s))
                return false;
        talk_progress(s, NULL);
        va_start(args, format);
        talk_show_v(s, format, args);
        va_end(args);
        setup_show(s, " [y/n] ");
        SetLastError(ERROR_SUCCESS);
        while (fgets(answer, sizeof(answer), stdin)) {
                if (strchr("yY", answer[0]))
                        return answer[0] != '\0';
                if (strchr("nN", answer[0]))
                        return false;
                setup_show(s, "Please type y or n: ");
        }
        /* The console's read may end before our handler has run (fact 9.7.4). */
        if (GetLastError() == ERROR_OPERATION_ABORTED)
                (void) talk_on_control(CTRL_C_EVENT);
        return false;
}

uint32_t setup_limit(uint32_t ms) {
#ifdef WSLBRIDGE_TEST_TRANSPORT
        const char *text = getenv("WSLBRIDGE_TEST_SETUP_MS");

        if (text)
                return (uint32_t) strtoul(text, NULL, 10);
#endif
        return ms;
}
