/* SPDX-License-Identifier: MIT */

/*
 * Any bytes as .wslconfig and as /etc/wsl.conf. What was set is there, setting it again changes
 * nothing, removing it leaves none of it, and every byte of other lines stays in its order.
 */

#include "windows-helper/core/setup/ini-edit.h"
#include "windows-helper/core/setup/line-diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define FUZZ_ADDED_MAX 256 /* bytes that two new sections have */

static const IniWant wants[] = {{"general", "instanceIdleTimeout", "-1"},
                                {"wsl2", "vmIdleTimeout", "-1"}};

static void require(bool good) {
        if (!good)
                abort();
}

static bool is_wanted(const IniReader *r, const IniLine *line) {
        return line->type == INI_LINE_KEY &&
               (ini_name_is(r, line, wants[0].key) || ini_name_is(r, line, wants[1].key));
}

/* Read on to a line that is neither a wanted key nor blank nor a good section. */
static bool next_kept(IniReader *r, IniLine *ret_line) {
        while (ini_next(r, ret_line)) {
                size_t i = ret_line->all.begin;

                require(ret_line->all.end > i && ret_line->all.end == r->at);
                while (i < ret_line->all.end && strchr(" \t\r\n", r->data[i]))
                        i++;
                if (i < ret_line->all.end &&
                    (ret_line->type != INI_LINE_SECTION || ret_line->broken) &&
                    !is_wanted(r, ret_line))
                        return true;
        }
        return false;
}

static size_t length_without_newline(const IniReader *r, const IniLine *line) {
        size_t n = line->all.end - line->all.begin;

        while (n > 0 && strchr("\r\n", r->data[line->all.begin + n - 1]))
                n--;
        return n;
}

/* Also of what WSL does not read. */
static void same_others(const uint8_t *old, size_t n_old, const Buffer *new) {
        IniReader a, b;
        IniLine x, y;

        ini_reader_init(&a, &ini_wslconfig, old, n_old);
        ini_reader_init(&b, &ini_wslconfig, buffer_bytes(new), buffer_length(new));
        while (next_kept(&a, &x)) {
                size_t n = length_without_newline(&a, &x);

                require(next_kept(&b, &y));
                require(n == length_without_newline(&b, &y));
                require(memcmp(a.data + x.all.begin, b.data + y.all.begin, n) == 0);
        }
        require(!next_kept(&b, &y));
}

static void fuzz_dialect(const IniDialect *dialect, const uint8_t *data, size_t n) {
        Buffer set = BUFFER_NULL, none = BUFFER_NULL, diff = BUFFER_NULL;
        const char *why = NULL;
        int r = ini_set(dialect, data, n, wants, 2, &set, &why);

        require(r == 0 || r == INI_E_SAME || r == -ENODATA || (r == -EINVAL && why));
        if (r == -ENODATA)
                require(ini_stop(dialect, data, n) > 0);
        if (r == 0) {
                require(buffer_length(&set) <= n + FUZZ_ADDED_MAX + n); /* each "" may grow */
                same_others(data, n, &set);
                line_diff(data, n, buffer_bytes(&set), buffer_length(&set), &diff);
                require(buffer_length(&diff) > 0);
                if (buffer_length(&set) <= INI_FILE_MAX)
                        require(ini_set(dialect, buffer_bytes(&set), buffer_length(&set), wants, 2,
                                        &none, &why) == INI_E_SAME);
        }
        buffer_done(&set);
        buffer_done(&diff);
        r = ini_unset(dialect, data, n, wants, 2, &set, &why);
        require(r == 0 || r == INI_E_SAME || r == -EINVAL);
        if (r == 0) {
                require(buffer_length(&set) < n);
                same_others(data, n, &set);
                require(ini_unset(dialect, buffer_bytes(&set), buffer_length(&set), wants, 2, &none,
                                  &why) == INI_E_SAME);
        }
        buffer_done(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        fuzz_dialect(&ini_wslconfig, data, n);
        fuzz_dialect(&ini_wsl_conf, data, n);
        return 0;
}
