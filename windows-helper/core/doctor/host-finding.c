/* SPDX-License-Identifier: MIT */

/*
 * Adding one finding of the host, with bounds on foreign values.
 */

#include "windows-helper/core/doctor/host-finding.h"

#include "windows-helper/core/base/result.h"

#include <stdarg.h>

Finding *host_finding(Findings *f, FindingRank rank, const char *id, const char *subject,
                      const char *advice, const char *seen, ...) {
        Finding *x = findings_add(f, rank, id, subject);
        char text[WIRE_TEXT_MAX + 1];
        va_list args;

        va_start(args, seen);
        result_text_v(text, seen, args);
        va_end(args);
        buffer_printf(&x->seen, "%s", text);
        buffer_printf(&x->advice, "%s", advice ? advice : "");
        return x;
}
