/* SPDX-License-Identifier: MIT */

/*
 * The relay reads its table while somebody writes to it, or while the registry fails: neither of
 * them closes an endpoint, and the table is read again. Registry values are read by number, so the
 * calls are replaced by a table of which a value disappears in the middle. Each case prints a line.
 */

#include "windows-helper/win/registry.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define registry_each  fake_each
#define registry_stamp fake_stamp

static int fake_each(RegistryKey *k, int (*fn)(void *userdata, const char *name, const char *data),
                     void *userdata);
static int fake_stamp(RegistryKey *k, uint64_t *ret_written, uint32_t *ret_n, uint32_t *ret_keys);

#include "windows-helper/relay/relay.c"
#include "windows-helper/relay/table-read.c"

static struct {
        unsigned n;       /* values there are */
        bool removes;     /* the first one goes while they are read */
        bool same_stamp;  /* … in the same tick of the clock */
        int error;        /* of each reading */
        uint64_t written; /* when */
} fake;

static int n_failed;

static void check(const char *what, bool good) {
        printf("%s %s\n", good ? "ok" : "FAILED", what);
        n_failed += !good;
}

static bool is_first(const RegistryKey *k) {
        return wcscmp(k->path, RELAY_KEY L"\\v4tov4\\tcp") == 0;
}

static int fake_each(RegistryKey *k, int (*fn)(void *userdata, const char *name, const char *data),
                     void *userdata) {
        char name[32];
        int r = fake.error;

        for (unsigned i = 0; r == 0 && is_first(k) && i < fake.n; i++) {
                (void) snprintf(name, sizeof(name), "127.0.0.1/%u", 28300 + i);
                r = fn(userdata, name, "172.29.0.2/80");
                if (i == 0 && fake.removes) { /* the second one is the first one now */
                        fake.n--;
                        fake.written += !fake.same_stamp;
                        i++;
                }
        }
        return r;
}

static int fake_stamp(RegistryKey *k, uint64_t *ret_written, uint32_t *ret_n, uint32_t *ret_keys) {
        *ret_written = fake.written;
        *ret_n = is_first(k) ? fake.n : 0;
        *ret_keys = 0;
        return 0;
}

static void test_reader(void) {
        TableReader reader;
        RelayTable table = RELAY_TABLE_NULL;
        RelayLimits limits;

        table_reader_init(&reader);
        fake.n = 5;
        check("a table that rests is read",
              table_reader_read(&reader, false, &table, &limits) == 0 && table.n_entries == 5);
        relay_table_done(&table);
        fake.removes = true;
        check("one that is written meanwhile is not",
              table_reader_read(&reader, false, &table, &limits) == -EAGAIN);
        fake.same_stamp = true;
        check("also when the clock has not moved",
              table_reader_read(&reader, false, &table, &limits) == -EAGAIN);
        check("unless it has to be",
              table_reader_read(&reader, true, &table, &limits) == 0 && table.n_entries > 0);
        relay_table_done(&table);
        fake.removes = fake.same_stamp = false;
        table_reader_done(&reader);
}

static void test_relay(void) {
        const RelayOptions options = {.own_sockets = true};
        Relay *r = NULL;
        unsigned n = 0;

        fake.n = 3;
        check("a relay starts", relay_new(&r, &options) == 0);
        if (!r)
                return;
        check("and has its table", r->table.n_entries == 3 && r->reload_usec == LOOP_NO_DEADLINE);

        fake.error = -ENOMEM;
        check("a table that cannot be read stays as it was",
              relay_load(r) == -ENOMEM && r->table.n_entries == 3 && r->slots[2].tcp);
        check("and is read again after a second",
              relay_deadline(r) <= loop_now_usec() + RELAY_RELOAD_USEC);
        fake.error = 0;
        fake.n = 2;
        r->reload_usec = 0;
        relay_tick(r);
        check("which is the last time",
              r->table.n_entries == 2 && r->reload_usec == LOOP_NO_DEADLINE);

        fake.n = 40;
        fake.removes = true;
        for (n = 0; n < 5 && relay_load(r) == -EAGAIN; n++)
                ;
        check("who writes is waited for",
              n == 5 && r->table.n_entries == 2 &&
                      r->torn_usec <= loop_now_usec() + RELAY_TORN_MAX_USEC);
        r->torn_usec = loop_now_usec();
        check("but not for ever",
              relay_load(r) == 0 && r->table.n_entries > 2 && r->reload_usec == LOOP_NO_DEADLINE);
        fake.removes = false;
        relay_free(r);
}

int main(void) {
        if (crypto_load() < 0)
                return EXIT_FAILURE;
        test_reader();
        test_relay();
        printf("%d failed\n", n_failed);
        return n_failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
