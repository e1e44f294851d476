/* SPDX-License-Identifier: MIT */

/*
 * 'status': show what the running service has written to its status file.
 */

#include "windows-helper/commands/commands.h"
#include "windows-helper/core/base/error-text.h"
#include "windows-helper/core/selftest/facts.h"
#include "windows-helper/core/status/text.h"
#include "windows-helper/service/status-load.h"
#include "windows-helper/store/fact-store.h"
#include "windows-helper/win/console.h"
#include "windows-helper/win/log.h"

#include "common/json-write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_NOT_RUNNING 3 /* the same exit code as systemctl's */

static int status_on_fact(void *userdata, const char *id) {
        const UnverifiedFact *fact = unverified_fact(id);
        JsonWriter *w = userdata;

        json_open(w, NULL, '{');
        json_string_member(w, "id", fact->id);
        json_string_member(w, "statement", fact->statement);
        json_string_member(w, "instead", fact->instead);
        json_close(w, '}');
        return 0;
}

/* The status file as it is, with one more member: the facts that do not hold on this machine. They
 * are not in the file, because the self-test may change them at any time. */
static int status_json(Buffer *out, const char *text, size_t n) {
        Buffer facts = BUFFER_NULL;
        JsonWriter w = JSON_WRITER(&facts);
        int r;

        while (n > 0 && text[n - 1] != '}')
                n--;
        if (n == 0)
                return -EINVAL;
        json_open(&w, NULL, '[');
        r = fact_store_each_failed(status_on_fact, &w);
        json_close(&w, ']');
        (void) buffer_append(out, text, n - 1);
        buffer_printf(out, ",\n\"facts\": %s}\n", buffer_text(&facts));
        if (r == 0)
                r = out->oom ? -ENOMEM : w.error;
        buffer_done(&facts);
        return r;
}

int command_status(int argc, char **argv) {
        bool json = argc == 1 && strcmp(argv[0], "--json") == 0;
        Buffer out = BUFFER_NULL;
        char *text = NULL;
        size_t n = 0;
        int r;

        if (argc > 0 && !json)
                return command_usage("status");
        r = status_load(&text, &n);
        if (r == -ENOENT || (r == 0 && !status_is_alive(text, n))) {
                free(text);
                log_write(LOG_LEVEL_ERROR, "The helper is not running, or cannot write its status "
                                           "(see the Event Log); start it with 'sc.exe start "
                                           "wslbridge-helper', or install it");
                return STATUS_NOT_RUNNING;
        }
        if (r == 0)
                r = json ? status_json(&out, text, n) : status_text(&out, text, n, console_width());
        (void) console_write(CONSOLE_OUTPUT, buffer_text(&out), buffer_length(&out));
        buffer_done(&out);
        free(text);
        if (r < 0)
                log_write(LOG_LEVEL_ERROR, "The status file cannot be read (%s)", error_text(r));
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
