/* SPDX-License-Identifier: MIT */

/*
 * config_load() when memory runs out: whichever allocation fails, the result is -ENOMEM, nothing is
 * returned, and nothing leaks (LeakSanitizer). The linker puts the functions below between our
 * modules and the C library (--wrap).
 */

#include "agent/config/config.h"

#include "tests/unit/agent/config/config-testing.h"

#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <sys/stat.h>

#define FOLDER         "/etc/wslbridge/services.d"
#define N_PROBLEMS     5
#define ATTEMPTS_LIMIT 1000 /* many more than there are allocations */

static unsigned n_left; /* allocations until the one that fails; 0: none fails */

static bool fails(void) {
        return n_left > 0 && --n_left == 0;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *text);
int __real_vasprintf(char **ret_text, const char *format, va_list args);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *text);
__attribute__((format(printf, 2, 0))) int __wrap_vasprintf(char **ret_text, const char *format,
                                                           va_list args);
__attribute__((format(printf, 2, 3))) int __wrap_asprintf(char **ret_text, const char *format, ...);

void *__wrap_malloc(size_t n) {
        return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size) {
        return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size) {
        return fails() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *text) {
        return fails() ? NULL : __real_strdup(text);
}

int __wrap_vasprintf(char **ret_text, const char *format, va_list args) {
        if (fails()) {
                *ret_text = (char *) 1; /* the man page says that it is undefined */
                return -1;
        }
        return __real_vasprintf(ret_text, format, args);
}

int __wrap_asprintf(char **ret_text, const char *format, ...) {
        va_list args;
        int r;

        va_start(args, format);
        r = __wrap_vasprintf(ret_text, format, args);
        va_end(args);
        return r;
}

static char root[64];

static void put(const char *path, const char *content) {
        char full[256];
        FILE *file;

        (void) snprintf(full, sizeof(full), "%s%s", root, path);
        file = fopen(full, "we");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_ge(fputs(content, file), 0);
        ck_assert_int_eq(fclose(file), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

/* Some of everything that is kept: services, lists, problems of all kinds. */
static void setup(void) {
        static const char *const folders[] = {"/etc", "/etc/wslbridge", FOLDER};
        char path[256];

        (void) snprintf(root, sizeof(root), "/tmp/wslbridge-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(root));
        for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
                (void) snprintf(path, sizeof(path), "%s%s", root, folders[i]);
                ck_assert_int_eq(mkdir(path, 0755), 0);
        }
        (void) snprintf(path, sizeof(path), "%s" FOLDER "/d.ini", root);
        ck_assert_int_eq(symlink("nowhere", path), 0);
        put("/etc/wslbridge/agent.conf", "[agent]\nx = 1\n");
        put(FOLDER "/a.ini", "[service]\ndescription = A\nlisten = 80\nremote = 10.0.0.0/8\n");
        put(FOLDER "/b.ini", "[service]\nlisten = 81\nfoo = 1\n");
        put(FOLDER "/c.ini", "[service]\nlisten = 80\n");
        put(FOLDER "/e.conf", "");
}

static void teardown(void) {
        ck_assert_int_eq(nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

START_TEST(every_allocation_may_fail) {
        unsigned attempt;

        for (attempt = 1; attempt < ATTEMPTS_LIMIT; attempt++) {
                Config *config = NULL;
                bool ran_out;
                int r;

                n_left = attempt;
                r = config_load(root, &config);
                ran_out = n_left == 0;
                n_left = 0;
                if (!ran_out) {
                        ck_assert_int_eq(r, 0);
                        ck_assert_uint_eq(config->n_services, 1);
                        ck_assert_uint_eq(config->n_problems, N_PROBLEMS);
                        config_free(config);
                        break;
                }
                ck_assert_int_eq(r, -ENOMEM);
                ck_assert_ptr_null(config);
        }
        ck_assert_uint_gt(attempt, 20); /* the functions above were really called */
        ck_assert_uint_lt(attempt, ATTEMPTS_LIMIT);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("config-memory");
        TCase *tcase = tcase_create("out of memory");

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, every_allocation_may_fail);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
