/* SPDX-License-Identifier: MIT */

/*
 * Looks for the two idle timeouts and the firewall in the text of a .wslconfig, and for systemd in
 * a wsl.conf.
 */

#include "agent/ctl/doctor/wslconfig.h"

#include <ini.h>
#include <stdio.h>
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

#define LINE_TEXT_MAX 255 /* no line of interest is that long */

/* Without the space around it, and without a comment. Return: the rest, in @line. */
static char *trim(char *line) {
        char *end = line + strcspn(line, "#");

        while (end > line && strchr(" \t\r", end[-1]))
                end--;
        *end = '\0';
        return line + strspn(line, " \t\r");
}

static bool is_word(const char *text, size_t n, const char *word) {
        return strlen(word) == n && strncasecmp(text, word, n) == 0;
}

/* @value: what follows '='; quotes are allowed. */
static WslSystemd judge_value(char *value) {
        size_t n;

        value = trim(value);
        n = strlen(value);
        if (n >= 2 && value[0] == '"' && value[n - 1] == '"') {
                value++;
                n -= 2;
        }
        if (is_word(value, n, "true") || is_word(value, n, "1"))
                return WSL_SYSTEMD_ON;
        return is_word(value, n, "false") || is_word(value, n, "0") ? WSL_SYSTEMD_OFF
                                                                    : WSL_SYSTEMD_ODD;
}

/* @section: with its brackets. */
static WslSystemd find_switch(const char *text, const char *section, const char *key) {
        WslSystemd found = WSL_SYSTEMD_UNSET;
        bool inside = false;

        while (*text) {
                size_t n = strcspn(text, "\n");
                char buffer[LINE_TEXT_MAX + 1], *line, *equals;

                (void) snprintf(buffer, sizeof(buffer), "%.*s", (int) n, text);
                text += text[n] ? n + 1 : n;
                line = trim(buffer);
                equals = strchr(line, '=');
                if (*line == '[') {
                        inside = strcasecmp(line, section) == 0;
                } else if (equals) {
                        size_t length = (size_t) (equals - line);

                        while (length > 0 && strchr(" \t", line[length - 1]))
                                length--;
                        if (!is_word(line, length, key))
                                continue;
                        if (inside) /* the first one counts */
                                return judge_value(equals + 1);
                        found = WSL_SYSTEMD_ODD; /* in another section */
                }
        }
        return found;
}

WslSystemd wslconf_systemd(const char *text) {
        return find_switch(text, "[boot]", "systemd");
}

bool wslconfig_firewall_off(const char *text) {
        static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8, which Windows skips */

        if (strncmp(text, mark, strlen(mark)) == 0)
                text += strlen(mark);
        return find_switch(text, "[wsl2]", "firewall") == WSL_SYSTEMD_OFF;
}
