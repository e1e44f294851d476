/* SPDX-License-Identifier: MIT */

/*
 * 'status': show what the running service has written to its status file.
 */

#include "windows-helper/commands/commands.h"
#include "windows-helper/core/base/error-text.h"
#include "windows-helper/core/status/text.h"
#include "windows-helper/service/status-load.h"
#include "windows-helper/win/console.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_NOT_RUNNING 3 /* the same exit code as systemctl's */

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
                log_write(LOG_LEVEL_ERROR, "The helper is not running; start it with 'sc.exe start "
                                           "wslbridge-helper', or install it");
                return STATUS_NOT_RUNNING;
        }
        if (r == 0)
                r = json ? buffer_append(&out, text, n)
                         : status_text(&out, text, n, console_width());
        (void) console_write(CONSOLE_OUTPUT, buffer_text(&out), buffer_length(&out));
        buffer_done(&out);
        free(text);
        if (r < 0)
                log_write(LOG_LEVEL_ERROR, "The status file cannot be read (%s)", error_text(r));
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
