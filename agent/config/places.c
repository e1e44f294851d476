/* SPDX-License-Identifier: MIT */

/*
 * Judging names and places. Only names that people really write by mistake are reported: a suffix
 * of another program's configuration, none at all, or a known name with a typing error.
 */

#include "agent/config/places.h"

#include "agent/config/values.h"
#include "agent/util/cleanup.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool has_suffix(const char *name, const char *suffix) {
        size_t n = strlen(name), n_suffix = strlen(suffix);

        return n > n_suffix && strcasecmp(name + n - n_suffix, suffix) == 0;
}

/* Suffixes of configuration, and the one that Windows editors add. */
static bool has_other_suffix(const char *name) {
        static const char *const suffixes[] = {".ini",  ".conf", ".cfg",    ".config",
                                               ".txt",  ".yaml", ".yml",    ".json",
                                               ".toml", ".inf",  ".service"};

        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++)
                if (has_suffix(name, suffixes[i]))
                        return true;
        return false;
}

/* What editors, packages and people put beside a file on purpose. */
static bool is_companion(const char *name) {
        bool lower = false;

        for (const char *p = name; *p && *p != '.'; p++)
                lower = lower || (*p >= 'a' && *p <= 'z');
        return name[0] == '.' || name[0] == '#' || has_suffix(name, "~") || !lower /* README */
               || strncasecmp(name, "readme", strlen("readme")) == 0;
}

bool is_dropin_name(const char *name) {
        size_t n = strlen(name), n_suffix = strlen(CONFIG_DROPIN_SUFFIX);

        return n >= n_suffix && strcmp(name + n - n_suffix, CONFIG_DROPIN_SUFFIX) == 0;
}

const char *near_miss_of_service(const char *name) {
        if (is_companion(name) && !has_suffix(name, ".ini"))
                return NULL;
        if (strchr(name, '.') && !has_other_suffix(name))
                return NULL;
        return "is not read, because its name does not end in '.ini'; rename or remove the file";
}

const char *near_miss_of_main(const char *name, char *ret_text, size_t size) {
        static const char *const known[] = {"agent.conf", "services.d", "key", NULL};
        char stem[32];
        const char *near;

        for (size_t i = 0; known[i]; i++)
                if (strcmp(name, known[i]) == 0)
                        return NULL;
        if (is_companion(name))
                return NULL;
        (void) snprintf(
                stem, sizeof(stem), "%.*s",
                (int) (has_suffix(name, ".txt") ? strlen(name) - strlen(".txt") : strlen(name)),
                name);
        near = config_suggest(stem, known);
        if (!near && strncasecmp(name, "agent.", strlen("agent.")) == 0 && has_other_suffix(name))
                near = known[0];
        if (near && strcmp(near, "key") != 0) {
                (void) snprintf(ret_text, size, "is not read; did you mean '%s'?", near);
                return ret_text;
        }
        if (!has_suffix(name, ".ini"))
                return NULL;
        return "is not read, because services belong to the folder services.d; move the file there";
}

/* The folders of ProtectHome=, InaccessiblePaths= and PrivateTmp= of
 * systemd/wslbridge-agent.service.in; tests/static/test_unit.py compares them. */
static const struct HiddenFolder {
        const char *folder, *shown;
} hidden_folders[] = {
        {"/home", "home directories"},     {"/root", "home directories"},
        {"/run/user", "home directories"}, {"/mnt", "/mnt, where WSL has the drives of Windows"},
        {"/dev/shm", "/dev/shm"},          {"/tmp", "/tmp"},
        {"/var/tmp", "/var/tmp"},
};

const char *service_hides(const char *path) {
        for (size_t i = 0; i < ELEMENTSOF(hidden_folders); i++) {
                size_t n = strlen(hidden_folders[i].folder);

                if (strncmp(path, hidden_folders[i].folder, n) == 0 &&
                    (path[n] == '/' || path[n] == '\0'))
                        return hidden_folders[i].shown;
        }
        return NULL;
}
