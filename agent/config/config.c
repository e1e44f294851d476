/* SPDX-License-Identifier: MIT */

/*
 * Loading: the files that count go through the parsers and the merge, one after the other.
 */

#include "agent/config/config.h"

#include "agent/config/agent-file.h"
#include "agent/config/drop-ins.h"
#include "agent/config/merge.h"
#include "agent/config/problem.h"
#include "agent/util/passing.h"
#include "common/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct Loader {
        /* borrowed */
        const char *root;
        const ConfigCandidate *candidate; /* may be NULL */
        const Config *previous;           /* may be NULL */
        const char *const *hidden;        /* files that count as unreadable */
        size_t n_hidden;

        /* owned */
        ConfigBuilder builder;
        ConfigProblems problems;
        ConfigDrafts drafts;

        uint64_t fingerprint;
        ServiceFile service;                 /* the file that is being read */
        uint8_t buffer[CONFIG_FILE_MAX + 1]; /* its bytes */
} Loader;

static Loader *loader_free(Loader *l) {
        if (!l)
                return NULL;
        config_builder_done(&l->builder);
        config_drafts_done(&l->drafts);
        config_problems_done(&l->problems);
        free(l);
        return NULL;
}
DEFINE_CLEANUP(Loader *, loader_free);

static int loader_new(Loader **ret_loader, const char *root, const Config *previous) {
        _cleanup_(loader_freep) Loader *l = malloc(sizeof(*l));

        if (!l)
                return -ENOMEM;
        /* The buffer needs no zeroes: its 64 KiB are written before they are read. */
        l->root = root;
        l->candidate = NULL;
        l->previous = previous;
        l->hidden = NULL;
        l->n_hidden = 0;
        l->problems = CONFIG_PROBLEMS_NULL;
        l->builder = (ConfigBuilder){0};
        l->drafts = (ConfigDrafts){0};
        l->fingerprint = HASH_START;
        l->builder.config = calloc(1, sizeof(Config));
        l->drafts.services.config = calloc(1, sizeof(Config));
        if (!l->builder.config || !l->drafts.services.config)
                return -ENOMEM;
        agent_file_defaults(l->builder.config);
        *ret_loader = TAKE_PTR(l);
        return 0;
}

static void fingerprint_add(Loader *l, const void *data, size_t n) {
        l->fingerprint = hash_bytes(l->fingerprint, data, n);
}

static void fingerprint_file(Loader *l, const char *path, ConfigFileResult result,
                             const uint8_t *data, size_t n) {
        uint8_t kind = (uint8_t) result;

        fingerprint_add(l, path, strlen(path) + 1);
        fingerprint_add(l, &kind, 1);
        if (result == CONFIG_FILE_READ) {
                fingerprint_add(l, &n, sizeof(n));
                fingerprint_add(l, data, n);
        }
}

static bool is_hidden(const Loader *l, const char *path) {
        for (size_t i = 0; i < l->n_hidden; i++)
                if (strcmp(l->hidden[i], path) == 0)
                        return true;
        return false;
}

/* Otherwise a misspelt --root would look like an empty configuration. */
static void load_root(Loader *l) {
        struct stat st;
        int error;

        if (l->root[0] == '\0')
                return;
        error = stat(l->root, &st) < 0 ? errno : 0;
        if (error_passes(error))
                l->problems.passing = true;
        if (error != 0 || !S_ISDIR(st.st_mode)) {
                config_problems_begin(&l->problems, l->root);
                config_problems_add(&l->problems, 0, NULL,
                                    "cannot be used as the root, because it is not a directory; "
                                    "correct --root");
        }
}

/* A file with a problem is never half in force. */
static void keep_agent(Loader *l) {
        Config *c = l->builder.config;

        agent_file_defaults(c);
        c->agent_broken = true;
        if (l->previous) {
                memcpy(c->interface, l->previous->interface, sizeof(c->interface));
                c->helper = l->previous->helper;
                c->log_level = l->previous->log_level;
        }
}

/* The first agent.conf that exists; a masked one means the defaults. */
static int load_agent(Loader *l) {
        for (size_t i = 0; config_prefixes[i]; i++) {
                _cleanup_free_ char *path = NULL;
                ConfigFileResult result;
                size_t n = 0;

                if (asprintf(&path, "%s%s/%s", l->root, config_prefixes[i], CONFIG_AGENT_FILE) <
                    0) {
                        path = NULL;
                        return -ENOMEM;
                }
                config_problems_begin(&l->problems, path + strlen(l->root));
                result = config_file_read(AT_FDCWD, path, l->buffer, &n, &l->problems);
                if (result == CONFIG_FILE_ABSENT)
                        continue;
                if (is_hidden(l, path + strlen(l->root)))
                        result = CONFIG_FILE_BAD;
                fingerprint_file(l, path + strlen(l->root), result, l->buffer, n);
                if (result == CONFIG_FILE_READ)
                        agent_file_parse(l->buffer, n, l->builder.config, &l->problems);
                if (l->problems.n_file > 0)
                        keep_agent(l);
                return 0;
        }
        return 0;
}

/* Add what the bytes say, or that they have a problem. A file that says 'enabled = no' is off, also
 * when something else in it is wrong: closing is safe and does not wait. */
static int load_text(Loader *l, const char *name, const char *path, const uint8_t *data, size_t n) {
        service_file_parse(data, n, &l->service, &l->problems);
        return config_drafts_add(&l->drafts, name, path,
                                 l->problems.n_file == 0 || !l->service.enabled ? &l->service
                                                                                : NULL);
}

static int load_service(Loader *l, const DropIns *files, const DropIn *item) {
        _cleanup_free_ char *path = drop_in_path(item);
        char file[sizeof(item->name) + sizeof(CONFIG_DROPIN_SUFFIX)];
        ConfigFileResult result = CONFIG_FILE_BAD;
        size_t n = 0;

        if (!path)
                return -ENOMEM;
        (void) stpcpy(stpcpy(file, item->name), CONFIG_DROPIN_SUFFIX);
        config_problems_begin(&l->problems, path);
        if (!item->unknown && !is_hidden(l, path))
                result = config_file_read(files->dir_fds[item->prefix], file, l->buffer, &n,
                                          &l->problems);
        fingerprint_file(l, path, result, l->buffer, n);
        switch (result) {
        case CONFIG_FILE_READ:
                return load_text(l, item->name, path, l->buffer, n);
        case CONFIG_FILE_BAD:
                return config_drafts_add(&l->drafts, item->name, path, NULL);
        case CONFIG_FILE_ABSENT:
        case CONFIG_FILE_MASKED:
                break;
        }
        return 0;
}

static int load_candidate(Loader *l) {
        const ConfigCandidate *c = l->candidate;
        _cleanup_free_ char *path = NULL;
        DropIn item = {.prefix = 0};

        (void) snprintf(item.name, sizeof(item.name), "%s", c->name);
        path = drop_in_path(&item);
        if (!path)
                return -ENOMEM;
        config_problems_begin(&l->problems, path);
        fingerprint_file(l, path, CONFIG_FILE_READ, c->data, c->n);
        return load_text(l, item.name, path, c->data, c->n);
}

/* In the order of the names. The candidate takes the place of a file with its name. */
static int load_services(Loader *l) {
        _cleanup_(drop_ins_done) DropIns files = DROP_INS_NULL;
        bool waiting = !!l->candidate;
        int r = drop_ins_list(l->root, l->previous, &files, &l->problems);

        for (size_t i = 0; r >= 0 && i < files.n; i++) {
                int order = l->candidate ? strcmp(l->candidate->name, files.items[i].name) : 1;

                if (waiting && order <= 0) {
                        r = load_candidate(l);
                        waiting = false;
                }
                if (r >= 0 && order != 0)
                        r = load_service(l, &files, &files.items[i]);
        }
        return r >= 0 && waiting ? load_candidate(l) : r;
}

/* What is in force of the file that a problem is about. */
static ConfigInForce in_force(const Loader *l, const char *file) {
        const char *base = strrchr(file, '/');
        size_t n = strlen(file), n_suffix = strlen(CONFIG_DROPIN_SUFFIX);
        const ConfigService *s = NULL;
        char name[NAME_MAX + 1];

        if (!l->previous || !base)
                return CONFIG_NOTHING;
        base++;
        /* Not by the last name alone: somebody may put a file of that name elsewhere. */
        if (is_config_path(file, CONFIG_AGENT_FILE) || is_config_path(file, CONFIG_SERVICE_DIR))
                return CONFIG_PREVIOUS;
        if (n > n_suffix && strcmp(file + n - n_suffix, CONFIG_DROPIN_SUFFIX) == 0) {
                (void) snprintf(name, sizeof(name), "%.*s", (int) (strlen(base) - n_suffix), base);
                s = config_find(l->builder.config, name);
        }
        return s && s->broken && strcmp(s->file, file) == 0 ? CONFIG_PREVIOUS : CONFIG_NOTHING;
}

static void finish(Loader *l, Config **ret_config) {
        Config *c = l->builder.config;

        config_problems_sort(&l->problems);
        for (size_t i = 0; i < l->problems.n; i++)
                l->problems.items[i].in_force = in_force(l, l->problems.items[i].file);
        c->n_problems = l->problems.n;
        c->problems = TAKE_PTR(l->problems.items);
        l->problems.n = 0;
        c->passing = l->problems.passing;
        c->fingerprint = l->fingerprint;
        *ret_config = TAKE_PTR(l->builder.config);
}

int config_load(const char *root, Config **ret_config) {
        return config_load_candidate(root, NULL, NULL, ret_config);
}

int config_reload(const char *root, const Config *previous, Config **ret_config) {
        return config_load_candidate(root, NULL, previous, ret_config);
}

int config_load_candidate(const char *root, const ConfigCandidate *candidate,
                          const Config *previous, Config **ret_config) {
        _cleanup_(loader_freep) Loader *l = NULL;
        int r = loader_new(&l, root, previous);

        if (r < 0)
                return r;
        l->candidate = candidate;
        load_root(l);
        r = load_agent(l);
        if (r >= 0)
                r = load_services(l);
        if (r >= 0)
                r = config_merge(&l->drafts, previous, &l->builder, &l->problems);
        if (r < 0 || l->problems.oom)
                return -ENOMEM;
        finish(l, ret_config);
        return 0;
}

int config_fingerprint_without(const char *root, const char *const *files, size_t n,
                               uint64_t *ret_fingerprint) {
        _cleanup_(loader_freep) Loader *l = NULL;
        int r = loader_new(&l, root, NULL);

        if (r < 0)
                return r;
        l->hidden = files;
        l->n_hidden = n;
        r = load_agent(l);
        if (r >= 0)
                r = load_services(l);
        if (r < 0)
                return r;
        *ret_fingerprint = l->fingerprint;
        return 0;
}
