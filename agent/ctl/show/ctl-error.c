/* SPDX-License-Identifier: MIT */

/* How a command of wslbridgectl fails: one sentence on standard error. */

#include "agent/ctl/show/ctl-error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int ctl_error(const char *format, ...) {
        va_list arguments;

        (void) fputs("wslbridgectl: ", stderr);
        va_start(arguments, format);
        (void) vfprintf(stderr, format, arguments);
        va_end(arguments);
        (void) fputc('\n', stderr);
        return CTL_EXIT_FAILURE;
}

int ctl_error_errno(int error, const char *what, const char *path) {
        if ((error == EACCES || error == EPERM) && geteuid() != 0)
                return ctl_error("Only root can %s %s; run this command with sudo", what, path);
        return ctl_error("Cannot %s %s: %s", what, path, strerror(error));
}
