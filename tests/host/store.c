/* SPDX-License-Identifier: MIT */

/*
 * --store: the table and the ledger in a file, with one operation on each line. Each is written
 * before the call returns, so kill -9 leaves what would be in a registry. This is not a model of
 * power cuts; the unit tests have one (memory-host.h).
 *
 *   R v4tov4 0.0.0.0/80<TAB>172.20.0.2/80     set; without the tab: delete
 *   L 0.0.0.0/80<TAB>owner|service|-|172.20.0.2/80
 */

#include "tests/host/test-host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int store_write(FILE *f, char kind, const char *key, const char *data) {
        return fprintf(f, "%c %s%s%s\n", kind, key, data ? "\t" : "", data ? data : "") < 0 ? -EIO
                                                                                            : 0;
}

static void store_append(MemoryHost *m, char kind, const char *key, const char *data) {
        TestHost *h = m->userdata;

        (void) store_write(h->store, kind, key, data);
        (void) fflush(h->store);
}

static int store_read(TestHost *h, FILE *f) {
        char line[TEST_HOST_LINE_MAX];

        while (fgets(line, sizeof(line), f)) {
                char *end = strchr(line, '\n'), *tab;

                if (!end || strlen(line) < 3)
                        break; /* killed while writing this line: it does not count */
                *end = '\0';
                tab = strchr(line, '\t');
                if (tab)
                        *tab++ = '\0';
                if (memory_host_restore(&h->memory, line[0], line + 2, tab) < 0)
                        return -EINVAL;
        }
        return 0;
}

static int store_write_all(FILE *f, char kind, const TextMap *map) {
        const TextMapEntry **list = text_map_list(map);
        int r = list ? 0 : -ENOMEM;

        for (size_t i = 0; r == 0 && i < map->n; i++)
                r = store_write(f, kind, list[i]->key, list[i]->data);
        free(list);
        return r;
}

int store_open(TestHost *h, const char *path) {
        char fresh[TEST_HOST_LINE_MAX];
        FILE *old = fopen(path, "re");
        int r = 0;

        if (old) {
                r = store_read(h, old);
                (void) fclose(old);
        } else if (errno != ENOENT) {
                return -errno;
        }
        (void) snprintf(fresh, sizeof(fresh), "%s.new", path);
        h->store = r == 0 ? fopen(fresh, "we") : NULL;
        if (!h->store)
                return r < 0 ? r : -errno;
        r = store_write_all(h->store, 'R', &h->memory.rules);
        if (r == 0)
                r = store_write_all(h->store, 'L', &h->memory.ledger);
        if (r == 0 && (fflush(h->store) != 0 || rename(fresh, path) < 0))
                r = -errno;
        h->memory.userdata = h;
        h->memory.stored = store_append;
        return r;
}
