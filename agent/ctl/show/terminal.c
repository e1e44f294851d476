/* SPDX-License-Identifier: MIT */

/*
 * What standard output is, printing to it, and the spinner on standard error.
 */

#include "agent/ctl/show/terminal.h"

#include "agent/ctl/show/ctl-error.h"

#include <errno.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMNS_MIN     40 /* lines do not become narrower, even if the terminal says so */
#define COLUMNS_MAX     1000
#define COLUMNS_DEFAULT 80 /* for a terminal that does not know its width */

static unsigned columns_env(void) {
        const char *text = getenv("COLUMNS");
        char *end;
        unsigned long n;

        if (!text || text[0] < '0' || text[0] > '9')
                return 0;
        n = strtoul(text, &end, 10);
        return *end != '\0' || n == 0 || n > COLUMNS_MAX ? 0 : (unsigned) n;
}

static unsigned terminal_columns(void) {
        unsigned n = columns_env();
        struct winsize size;

        if (n == 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
                n = size.ws_col;
        return n == 0 ? COLUMNS_DEFAULT : n < COLUMNS_MIN ? COLUMNS_MIN : n;
}

Style terminal_style(void) {
        const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
        bool terminal = isatty(STDOUT_FILENO);

        return (Style){
                .width = terminal ? terminal_columns() : 0,
                .colour =
                        terminal && !(no_colour && *no_colour) && term && strcmp(term, "dumb") != 0,
                .utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
        };
}

int terminal_print(Buffer *t) {
        size_t n = buffer_length(t);
        int r = 0;

        if (t->oom)
                r = -ENOMEM;
        else if (n > 0 && (fwrite(buffer_bytes(t), 1, n, stdout) < n || fflush(stdout) != 0))
                r = errno ? -errno : -EIO;
        buffer_done(t);
        if (r < 0 && r != -EPIPE) /* nobody reads any more */
                (void) ctl_error("Cannot write the output: %s", strerror(-r));
        return r;
}

Spinner spinner_new(void) {
        const char *term = getenv("TERM");

        return (Spinner){.active = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0};
}

void spinner_tick(Spinner *s, const char *text) {
        static const char steps[] = "|/-\\";

        if (s->active)
                (void) fprintf(stderr, "\r\033[K%c %s", steps[s->n_ticks % strlen(steps)], text);
        s->n_ticks++;
}

void spinner_done(Spinner *s) {
        if (s->active && s->n_ticks > 0)
                (void) fputs("\r\033[K", stderr);
        s->n_ticks = 0;
}
