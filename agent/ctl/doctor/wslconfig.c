/* SPDX-License-Identifier: MIT */

/*
 * Looks for the two idle timeouts in the text of a .wslconfig.
 */

#include "agent/ctl/doctor/wslconfig.h"

#include <ini.h>
#include <string.h>
#include <strings.h>

typedef struct Timeouts {
        bool instance, vm; /* set to never */
} Timeouts;

static int on_entry(void *userdata, const char *section, const char *key, const char *value) {
        Timeouts *t = userdata;
        bool never = value[0] == '-' && strtol(value, NULL, 10) < 0;

        if (strcasecmp(section, "general") == 0 && strcasecmp(key, "instanceIdleTimeout") == 0)
                t->instance = never;
        else if (strcasecmp(section, "wsl2") == 0 && strcasecmp(key, "vmIdleTimeout") == 0)
                t->vm = never;
        return 1;
}

/* inih skips lines that it does not understand, which is right here. */
IdleStop wslconfig_idle(const char *text) {
        Timeouts t = {0};

        (void) ini_parse_string(text, on_entry, &t);
        return t.instance && t.vm ? IDLE_STAYS : IDLE_STOPS;
}
