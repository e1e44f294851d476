/* SPDX-License-Identifier: MIT */

/*
 * Loading: the files that count go through the parsers and the merge, one after the other.
 */

#include "agent/config/config.h"

#include "agent/config/agent-file.h"
#include "agent/config/drop-ins.h"
#include "agent/config/merge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct Loader {
        const char *root;                 /* borrowed */
        const ConfigCandidate *candidate; /* borrowed, may be NULL */
        Config *config;                   /* owned until the caller gets it */
        ConfigProblems problems;
        ConfigMerge merge;
        ServiceFile service;                 /* the file that is being read */
        uint8_t buffer[CONFIG_FILE_MAX + 1]; /* its bytes */
} Loader;

static Loader *loader_free(Loader *l) {
        if (!l)
                return NULL;
        config_merge_done(&l->merge);
        config_problems_done(&l->problems);
        config_free(l->config);
        free(l);
        return NULL;
}
DEFINE_CLEANUP(Loader *, loader_free);

static int loader_new(Loader **ret_loader, const char *root) {
        _cleanup_(loader_freep) Loader *l = malloc(sizeof(*l));

        if (!l)
                return -ENOMEM;
        /* The buffer needs no zeroes: its 64 KiB are written before they are read. */
        l->root = root;
        l->candidate = NULL;
        l->problems = CONFIG_PROBLEMS_NULL;
        l->merge = (ConfigMerge){0};
        l->config = calloc(1, sizeof(*l->config));
        if (!l->config)
                return -ENOMEM;
        l->merge.config = l->config;
        agent_file_defaults(l->config);
        *ret_loader = TAKE_PTR(l);
        return 0;
}

/* Otherwise a misspelt --root would look like an empty configuration. */
static void load_root(Loader *l) {
        struct stat st;

        if (l->root[0] != '\0' && (stat(l->root, &st) < 0 || !S_ISDIR(st.st_mode))) {
                config_problems_begin(&l->problems, l->root);
                config_problems_add(&l->problems, 0, NULL,
                                    "cannot be used as the root, because it is not a directory; "
                                    "correct --root");
        }
}

/* The first agent.conf that exists; a masked one means the defaults. */
static int load_agent(Loader *l) {
        for (size_t i = 0; config_prefixes[i]; i++) {
                _cleanup_free_ char *path = NULL;
                size_t n;

                if (asprintf(&path, "%s%s/%s", l->root, config_prefixes[i], CONFIG_AGENT_FILE) <
                    0) {
                        path = NULL;
                        return -ENOMEM;
                }
                config_problems_begin(&l->problems, path + strlen(l->root));
                switch (config_file_read(AT_FDCWD, path, l->buffer, &n, &l->problems)) {
                case CONFIG_FILE_READ:
                        agent_file_parse(l->buffer, n, l->config, &l->problems);
                        return 0;
                case CONFIG_FILE_MASKED:
                case CONFIG_FILE_BAD:
                        return 0;
                case CONFIG_FILE_ABSENT:
                        break;
                }
        }
        return 0;
}

static int load_service(Loader *l, int dir_fd, const DropIn *item) {
        _cleanup_free_ char *path = drop_in_path(item);
        char file[sizeof(item->name) + sizeof(CONFIG_DROPIN_SUFFIX)];
        size_t n;

        if (!path)
                return -ENOMEM;
        (void) stpcpy(stpcpy(file, item->name), CONFIG_DROPIN_SUFFIX);
        config_problems_begin(&l->problems, path);
        if (config_file_read(dir_fd, file, l->buffer, &n, &l->problems) != CONFIG_FILE_READ)
                return 0;
        service_file_parse(l->buffer, n, &l->service, &l->problems);
        if (l->problems.n_file > 0)
                return 0;
        return config_merge_add(&l->merge, item->name, path, &l->service, &l->problems);
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
        service_file_parse(c->data, c->n, &l->service, &l->problems);
        if (l->problems.n_file > 0)
                return 0;
        return config_merge_add(&l->merge, item.name, path, &l->service, &l->problems);
}

/* In the order of the names. The candidate takes the place of a file with its name. */
static int load_services(Loader *l) {
        _cleanup_(drop_ins_done) DropIns files = DROP_INS_NULL;
        bool waiting = !!l->candidate;
        int r = drop_ins_list(l->root, &files, &l->problems);

        for (size_t i = 0; r >= 0 && i < files.n; i++) {
                int order = l->candidate ? strcmp(l->candidate->name, files.items[i].name) : 1;

                if (waiting && order <= 0) {
                        r = load_candidate(l);
                        waiting = false;
                }
                if (r >= 0 && order != 0)
                        r = load_service(l, files.dir_fds[files.items[i].prefix], &files.items[i]);
        }
        return r >= 0 && waiting ? load_candidate(l) : r;
}

int config_load(const char *root, Config **ret_config) {
        return config_load_candidate(root, NULL, ret_config);
}

int config_load_candidate(const char *root, const ConfigCandidate *candidate, Config **ret_config) {
        _cleanup_(loader_freep) Loader *l = NULL;
        int r = loader_new(&l, root);

        if (r < 0)
                return r;
        l->candidate = candidate;
        load_root(l);
        r = load_agent(l);
        if (r >= 0)
                r = load_services(l);
        if (r < 0 || l->problems.oom)
                return -ENOMEM;
        config_problems_sort(&l->problems);
        l->config->n_problems = l->problems.n;
        l->config->problems = TAKE_PTR(l->problems.items);
        l->problems.n = 0;
        *ret_config = TAKE_PTR(l->config);
        return 0;
}

Config *config_free(Config *c) {
        ConfigProblems problems;

        if (!c)
                return NULL;
        problems = (ConfigProblems){.items = c->problems, .n = c->n_problems};
        config_problems_done(&problems);
        wire_state_done(&c->wire);
        for (size_t i = 0; i < c->n_services; i++) {
                free(c->services[i].description);
                free(c->services[i].file);
        }
        free(c->services);
        free(c);
        return NULL;
}
