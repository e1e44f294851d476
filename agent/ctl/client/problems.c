/* SPDX-License-Identifier: MIT */

/*
 * Problems of files, as lines for people.
 */

#include "agent/ctl/client/problems.h"

#include "agent/config/config.h"

#include <stdio.h>
#include <string.h>

bool ctl_problem_of(const ReportProblem *p, const char *name) {
        const char *base = strrchr(p->file, '/');
        size_t n = strlen(name);

        return base && strncmp(base + 1, name, n) == 0 &&
               strcmp(base + 1 + n, CONFIG_DROPIN_SUFFIX) == 0;
}

void ctl_problem_print(const ReportProblem *p) {
        char line[16] = "";

        if (p->line > 0)
                (void) snprintf(line, sizeof(line), ":%u", p->line);
        (void) fprintf(stderr, "%s%s: %s%s%s (%s)\n", p->file, line, p->key, *p->key ? ": " : "",
                       p->message, config_in_force_text(p->file, p->previous));
}
