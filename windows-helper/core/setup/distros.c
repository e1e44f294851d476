/* SPDX-License-Identifier: MIT */

/*
 * Filtering, sorting and finding distros.
 */

#include "windows-helper/core/setup/distros.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Each is the start of a name, or all of it. */
static const struct {
        const char *text;
        bool whole;
} engines[] = {
        {"docker-desktop", false},
        {"rancher-desktop", false},
        {"podman-machine-", false},
        {"podman-net-usermode", true}, /* podman's network helper */
};

bool setup_is_engine(const char *name) {
        for (size_t i = 0; i < sizeof(engines) / sizeof(*engines); i++) {
                size_t n = strlen(engines[i].text);

                if (strncasecmp(name, engines[i].text, n) == 0 &&
                    (!engines[i].whole || name[n] == '\0'))
                        return true;
        }
        return false;
}

static int distro_compare(const void *a, const void *b) {
        const SetupDistro *x = a, *y = b;

        if (x->is_default != y->is_default)
                return x->is_default ? -1 : 1;
        return strcmp(x->name, y->name);
}

void setup_distros_tidy(SetupDistros *d) {
        size_t n = 0;

        for (size_t i = 0; i < d->n; i++)
                if (!setup_is_engine(d->items[i].name))
                        d->items[n++] = d->items[i];
        d->n = n;
        qsort(d->items, d->n, sizeof(*d->items), distro_compare);
}

const SetupDistro *setup_distros_find(const SetupDistros *d, const char *name) {
        const SetupDistro *found = NULL;

        for (size_t i = 0; i < d->n; i++) {
                if (strcmp(d->items[i].name, name) == 0)
                        return &d->items[i];
                if (strcasecmp(d->items[i].name, name) == 0)
                        found = &d->items[i];
        }
        return found;
}
