/* SPDX-License-Identifier: MIT */

/*
 * Looks for the idle timeout of distros, the firewall and the networking mode in the text of a
 * .wslconfig, and for systemd in a wsl.conf.
 */

#include "agent/ctl/doctor/wslconfig.h"

#include "common/wsl/wsl-ini.h"

#include <stdlib.h>
#include <string.h>

bool wslconfig_is_before_idle(const char *text) {
        static const unsigned long first[] = {2, 5, 7};
        char *end;

        for (size_t i = 0; i < ELEMENTSOF(first); i++) {
                unsigned long n = strtoul(text, &end, 10);

                if (end == text || (i + 1 < ELEMENTSOF(first) && *end != '.'))
                        return false;
                if (n != first[i])
                        return n < first[i];
                text = end + 1;
        }
        return false;
}

#define VALUE_TEXT_MAX 31 /* no value of interest is longer */

typedef struct Value {
        IniReader reader; /* borrows the text */
        IniLine line;
        enum { NOWHERE, ELSEWHERE, IN_SECTION } place; /* of the key */
} Value;

static bool is_one_of(const IniReader *r, const IniLine *section, const char *const *names) {
        for (; *names; names++)
                if (ini_name_is(r, section, *names))
                        return true;
        return false;
}

/* Look for the first value of @key in one of @sections, which is NULL-terminated. */
static Value find_value(const IniDialect *dialect, const char *text, const char *const *sections,
                        const char *key) {
        Value v = {.place = NOWHERE};
        bool inside = false;

        ini_reader_init(&v.reader, dialect, (const uint8_t *) text, strlen(text));
        while (v.place != IN_SECTION && ini_next(&v.reader, &v.line) && !v.reader.stopped)
                if (v.line.type == INI_LINE_SECTION)
                        inside = is_one_of(&v.reader, &v.line, sections);
                else if (v.line.type == INI_LINE_KEY && !v.line.broken &&
                         ini_name_is(&v.reader, &v.line, key))
                        v.place = inside ? IN_SECTION : ELSEWHERE;
        return v;
}

static bool value_is(const Value *v, const char *one, const char *other) {
        return v->place == IN_SECTION && (ini_value_is(&v->reader, &v->line, one) ||
                                          ini_value_is(&v->reader, &v->line, other));
}

static bool is_false(const Value *v) {
        return value_is(v, "false", "0");
}

WslSystemd wslconf_systemd(const char *text, unsigned *ret_line) {
        static const char *const sections[] = {"boot", NULL};
        Value v = find_value(&ini_wsl_conf, text, sections, "systemd");

        *ret_line = (unsigned) ini_stop(&ini_wsl_conf, (const uint8_t *) text, strlen(text));
        if (v.place != IN_SECTION && *ret_line > 0)
                return WSL_SYSTEMD_UNREAD;
        if (v.place == NOWHERE)
                return WSL_SYSTEMD_UNSET;
        if (value_is(&v, "true", "1"))
                return WSL_SYSTEMD_ON;
        return is_false(&v) ? WSL_SYSTEMD_OFF : WSL_SYSTEMD_ODD;
}

IdleStop wslconfig_idle(const char *text) {
        static const char *const sections[] = {"general", NULL};
        Value v = find_value(&ini_wslconfig, text, sections, "instanceIdleTimeout");
        char number[VALUE_TEXT_MAX + 1], *end;
        size_t n = 0;

        for (size_t i = v.line.value.begin;
             v.place == IN_SECTION && i < v.line.value.end && n < VALUE_TEXT_MAX; i++)
                if (text[i] != '"') /* quotes vanish, wherever they are */
                        number[n++] = text[i];
        number[n] = '\0';
        return strtol(number, &end, 0) < 0 && *end == '\0' ? IDLE_STAYS : IDLE_STOPS;
}

/* Of a key that was an experiment once, and so counts in either section. */
static const char *const either[] = {"wsl2", "experimental", NULL};

bool wslconfig_firewall_off(const char *text) {
        Value v = find_value(&ini_wslconfig, text, either, "firewall");

        return is_false(&v);
}

bool wslconfig_mirrored(const char *text) {
        Value v = find_value(&ini_wslconfig, text, either, "networkingMode");

        return value_is(&v, "mirrored", "mirrored");
}
