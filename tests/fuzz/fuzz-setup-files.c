/* SPDX-License-Identifier: MIT */

/*
 * Any bytes as what the setup finds on a Windows: the first line is the name of a file or of a
 * distro, the rest the text of SHA256SUMS, the definition of a task, or any file. A second reading
 * finds the same sum and the same bytes, and a task is recognized as the one of its distro only.
 */

#include "common/hex.h"
#include "common/utf8.h"
#include "windows-helper/core/setup/answer.h"
#include "windows-helper/core/setup/distros.h"
#include "windows-helper/core/setup/logon-task.h"
#include "windows-helper/core/setup/package.h"

#include <stdlib.h>
#include <string.h>

#define FOLDER "C:\\Windows\\System32"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool good) {
        if (!good)
                abort();
}

static void fuzz_version(const char *name) {
        char version[PACKAGE_VERSION_MAX], again[PACKAGE_VERSION_MAX + 32];

        if (!package_version(name, "amd64", version))
                return;
        require(!package_version(name, "arm64", version) && !strpbrk(version, "/\\: '\"$"));
        strcpy(again, "wslbridge_");
        strcat(strcat(again, version), "_amd64.deb");
        require(strcmp(name, again) == 0);
}

/* "SUM  NAME", "SUM *NAME" or a path before the name. Return: whether @line is about @name. */
static bool is_sum_of(const char *line, const char *name) {
        size_t n = strlen(line), n_name = strlen(name);

        for (size_t i = 0; i < 64; i++)
                if (hex_digit(line[i]) < 0 || (line[i] >= 'A' && line[i] <= 'F'))
                        return false;
        return line[64] == ' ' && n >= 66 + n_name && strcmp(line + n - n_name, name) == 0 &&
               (line[n - n_name - 1] == ' ' || line[n - n_name - 1] == '*' ||
                line[n - n_name - 1] == '/');
}

static void fuzz_sum(const char *sums, const char *name) {
        char *copy = strdup(sums), *rest = copy, *line, sum[PACKAGE_SUM_MAX];
        bool found = *name && package_sum(sums, name, sum), again = false;

        require(copy != NULL);
        while (*name && !again && (line = strsep(&rest, "\r\n")))
                if (is_sum_of(line, name)) {
                        again = true;
                        require(found && strncmp(line, sum, 64) == 0 && sum[64] == '\0');
                }
        require(found == again);
        free(copy);
}

static unsigned digit_value(char c) {
        static const char digits[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *at = c ? strchr(digits, c) : NULL;

        require(at != NULL);
        return (unsigned) (at - digits);
}

static void fuzz_base64(const uint8_t *data, size_t n) {
        Buffer text = BUFFER_NULL;
        size_t at = 0;

        package_base64(data, n, &text);
        require(!text.oom);
        for (const char *p = buffer_text(&text); *p; p += *p == '\n') {
                for (; *p != '\n'; p += 4) {
                        size_t used = p[2] == '=' ? 1 : p[3] == '=' ? 2 : 3;
                        unsigned bits = digit_value(p[0]) << 18 | digit_value(p[1]) << 12;

                        bits |= used > 1 ? digit_value(p[2]) << 6 : 0;
                        bits |= used > 2 ? digit_value(p[3]) : 0;
                        for (size_t i = 0; i < used; i++, at++)
                                require(at < n && data[at] == (bits >> (16 - 8 * i) & 0xff));
                }
        }
        require(at == n);
        buffer_done(&text);
}

/* What printf(1) makes of the lines. */
static void fuzz_octal(const uint8_t *data, size_t n) {
        Buffer text = BUFFER_NULL;
        const char *p;
        size_t at = 0;

        setup_octal(data, n, &text);
        for (p = buffer_text(&text); *p; p += 4 + (p[4] == '\n'), at++)
                require(*p == '\\' && at < n && strspn(p + 1, "01234567") >= 3 &&
                        (p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0') == data[at]);
        require(at == n);
        buffer_done(&text);
}

static size_t count(const char *text, char c) {
        size_t n = 0;

        for (; *text; text++)
                n += *text == c;
        return n;
}

static void fuzz_task(const char *distro, const char *xml) {
        const LogonTask plain = {"Debian", "S-1-5-21-1", FOLDER, FOLDER "\\wsl.exe"};
        LogonTask t = {distro, "S-1-5-21-1", FOLDER, FOLDER "\\wsl.exe"};
        Buffer text = BUFFER_NULL, other = BUFFER_NULL, name = BUFFER_NULL;

        logon_task_xml(&plain, &other);
        require(logon_task_is(&plain, buffer_text(&other)));
        (void) logon_task_is(&t, xml);
        if (logon_task_possible(&t)) {
                logon_task_xml(&t, &text);
                logon_task_name(&t, &name);
                require(!text.oom && !name.oom);
                require(logon_task_is(&t, buffer_text(&text)));
                require(logon_task_is(&t, buffer_text(&other)) == (strcmp(distro, "Debian") == 0));
                /* Nothing in the name is markup, and the quotes are ours. */
                require(count(buffer_text(&text), '<') == count(buffer_text(&other), '<'));
                require(count(buffer_text(&text), '"') == count(buffer_text(&other), '"'));
                require(!strpbrk(buffer_text(&name), "/\\:*?\"<>|"));
                utf8_clean((char *) name.data + name.begin);
                require(strlen(buffer_text(&name)) == buffer_length(&name));
        }
        buffer_done(&text);
        buffer_done(&other);
        buffer_done(&name);
}

/* Each line is the name of a distro, and the second one is the default. */
static void fuzz_distros(const char *lines) {
        SetupDistros *d = calloc(1, sizeof(*d));
        char *copy = strdup(lines), *rest = copy, *line;

        require(d && copy);
        while (d->n < SETUP_DISTROS_MAX && (line = strsep(&rest, "\n"))) {
                if (strlen(line) >= SETUP_DISTRO_NAME_MAX)
                        continue;
                d->items[d->n].is_default = d->n == 1;
                strcpy(d->items[d->n++].name, line);
        }
        setup_distros_tidy(d);
        for (size_t i = 0; i < d->n; i++) {
                const SetupDistro *found = setup_distros_find(d, d->items[i].name);

                require(!setup_is_engine(d->items[i].name) && !(i > 0 && d->items[i].is_default));
                require(i < 2 || strcmp(d->items[i - 1].name, d->items[i].name) <= 0);
                require(found && strcmp(found->name, d->items[i].name) == 0);
        }
        free(copy);
        free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        char *first = calloc(n + 1, 1), *rest;

        require(first != NULL);
        memcpy(first, data, n);
        fuzz_distros(first);
        rest = first + strcspn(first, "\n");
        rest = *rest ? rest + 1 : rest;
        if (rest > first && rest[-1] == '\n')
                rest[-1] = '\0';
        fuzz_version(first);
        fuzz_sum(rest, first);
        fuzz_task(first, rest);
        fuzz_base64(data, n);
        fuzz_octal(data, n);
        free(first);
        return 0;
}
