/* SPDX-License-Identifier: MIT */

/* Decides which call fails; see fault.h. It allocates nothing, because it is called in malloc(). */

#include "tests/faults/fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

#define FRAMES_MAX  48
#define FRAMES_OURS 2 /* fault_now() and the call itself */
#define MODULES_MAX 64
#define PLACES_MAX  (1u << 16) /* a power of two */
#define SEEN_MAX    (1u << 18)
#define EACH_MAX    100 /* events of one kind in a life */
#define HASH_START  UINT64_C(14695981039346656037)

typedef struct Module {
        uintptr_t start, end;
        const char *file; /* borrowed; "" for the program */
} Module;

typedef struct Stack {
        uintptr_t at[FRAMES_MAX]; /* return addresses, of the innermost function first */
        int n;
} Stack;

static Module modules[MODULES_MAX];
static unsigned n_modules;
static uint64_t seen[SEEN_MAX];    /* keys, 0 = free */
static uint64_t place[PLACES_MAX]; /* places that this run has passed, 0 = free */
static uint16_t n_passed[PLACES_MAX];
static bool active;   /* main() runs, in the program that is meant */
static bool failed;   /* one call of this run has failed */
static bool deciding; /* in fault_now(), whose own calls do not count */
static uint64_t only, life, share, n_shares = 1;
static unsigned repeat = 1;
static const char *calls; /* borrowed from the environment; NULL: all */
static unsigned long n_calls, n_new;

static uint64_t mix(uint64_t hash, uint64_t value) {
        for (unsigned i = 0; i < 8; i++) {
                hash = (hash ^ (value & 0xff)) * UINT64_C(1099511628211);
                value >>= 8;
        }
        return hash;
}

/* Return: the slot of @key in @table, which has @n slots, or the free one where it belongs. */
static size_t slot(const uint64_t *table, size_t n, uint64_t key) {
        size_t at = (size_t) (key ^ key >> 32) & (n - 1);

        while (table[at] != 0 && table[at] != key)
                at = (at + 1) & (n - 1);
        return at;
}

static int add_module(struct dl_phdr_info *info, size_t size, void *userdata) {
        uintptr_t end = info->dlpi_addr;

        for (unsigned i = 0; i < info->dlpi_phnum; i++) {
                uintptr_t e =
                        info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;

                if (info->dlpi_phdr[i].p_type == PT_LOAD && e > end)
                        end = e;
        }
        if (n_modules < MODULES_MAX)
                modules[n_modules++] =
                        (Module){.start = info->dlpi_addr, .end = end, .file = info->dlpi_name};
        return 0;
}

/* backtrace(3) would do, but it loads a library the first time, which counts as a leak. */
static _Unwind_Reason_Code add_frame(struct _Unwind_Context *context, void *userdata) {
        Stack *stack = userdata;

        if (stack->n == FRAMES_MAX)
                return _URC_END_OF_STACK;
        stack->at[stack->n++] = _Unwind_GetIP(context);
        return _URC_NO_REASON;
}

static const Module *module_of(uintptr_t address) {
        for (unsigned i = 0; i < n_modules; i++)
                if (address >= modules[i].start && address < modules[i].end)
                        return &modules[i];
        return NULL;
}

/* The kernel loads a program at another address each time, so only the place in the module counts.
 */
static uint64_t key_of(const char *name, unsigned kind, const Stack *stack) {
        uint64_t key = mix(HASH_START, kind);

        for (; *name; name++)
                key = mix(key, (uint8_t) *name);
        for (int i = FRAMES_OURS; i < stack->n; i++) {
                const Module *m = module_of(stack->at[i]);

                if (m)
                        key = mix(key, (uint64_t) (m - modules) << 48 | (stack->at[i] - m->start));
        }
        return key;
}

/* The tests run as several processes at once, so the file is added to in single writes. */
static void add_to_file(const char *variable, const void *data, size_t n) {
        const char *path = getenv(variable);
        long fd;

        if (!path)
                return;
        fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (fd < 0 || syscall(SYS_write, fd, data, n) != (long) n)
                abort();
        (void) syscall(SYS_close, fd);
}

static void note(const char *name, unsigned kind, uint64_t key, const Stack *stack) {
        static const char *const kinds[] = {
                [FAULT_ERROR] = "error", [FAULT_INTERRUPT] = "interrupt",
                [FAULT_SHORT] = "short", [FAULT_REFUSED] = "refused",
                [FAULT_TORN] = "torn",   [FAULT_CUT] = "cut",
                [FAULT_ENDED] = "ended", [FAULT_EMPTY] = "empty",
                [FAULT_LOST] = "lost"};
        char text[512];

        (void) snprintf(text, sizeof(text), "failed %016llx %s %s\n", (unsigned long long) key,
                        name, kinds[kind]);
        add_to_file("FAULT_LOG", text, strlen(text));
        add_to_file("FAULT_SEEN", &key, sizeof(key));
        for (int i = FRAMES_OURS; i < stack->n; i++) {
                const Module *m = module_of(stack->at[i]);

                if (!m)
                        continue;
                (void) snprintf(text, sizeof(text), "at %s +0x%lx\n",
                                *m->file ? m->file : "program",
                                (unsigned long) (stack->at[i] - m->start));
                add_to_file("FAULT_LOG", text, strlen(text));
        }
}

/* Return: whether this place is still to be failed, now that it is passed once more. */
static bool is_due(uint64_t *key, bool each) {
        size_t at = slot(place, PLACES_MAX, *key);

        place[at] = *key;
        if (n_passed[at] >= (each ? EACH_MAX : repeat))
                return false;
        *key = mix(*key, n_passed[at]++);
        if (each)
                *key = mix(*key, life);
        if (only)
                return *key == only;
        if (*key % n_shares != share || seen[slot(seen, SEEN_MAX, *key)] != 0)
                return false;
        n_new++;
        return true;
}

/* Whether calls of this name are to fail at all. */
static bool is_asked(const char *name) {
        size_t n = strlen(name);

        for (const char *p = calls; p && *p; p += strcspn(p, " "), p += strspn(p, " "))
                if (strcspn(p, " ") == n && strncmp(p, name, n) == 0)
                        return true;
        return !calls;
}

FaultKind fault_now(const char *name, unsigned kinds) {
        FaultKind result = FAULT_NONE;
        Stack stack = {.n = 0};
        int error = errno;

        if (!active || deciding || !is_asked(name))
                return FAULT_NONE;
        deciding = true;
        n_calls++;
        (void) _Unwind_Backtrace(add_frame, &stack);
        for (unsigned kind = FAULT_ERROR; kind <= FAULT_LAST; kind *= 2) {
                uint64_t key = key_of(name, kind, &stack);

                if (!(kinds & kind) || !is_due(&key, kinds & FAULT_EACH) || failed)
                        continue;
                failed = true;
                result = (FaultKind) kind;
                note(name, kind, key, &stack);
        }
        errno = error;
        deciding = false;
        return result;
}

void *fault_real(const char *name) {
        void *real = dlsym(RTLD_NEXT, name);

        if (!real)
                abort();
        return real;
}

static void read_seen(const char *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        uint64_t keys[512];
        ssize_t n;

        while (fd >= 0 && (n = read(fd, keys, sizeof(keys))) > 0)
                for (size_t i = 0; i < (size_t) n / sizeof(*keys); i++)
                        seen[slot(seen, SEEN_MAX, keys[i])] = keys[i];
        if (fd >= 0)
                (void) close(fd);
}

/* What is meant may be started through other programs, such as ip(8). */
static bool is_meant(void) {
        const char *program = getenv("FAULT_PROGRAM");

        return program && strcmp(program, program_invocation_short_name) == 0;
}

static void set_up(void) {
        const char *text;

        (void) dl_iterate_phdr(add_module, NULL);
        if ((text = getenv("FAULT_SEEN")))
                read_seen(text);
        if ((text = getenv("FAULT_KEY")))
                only = strtoull(text, NULL, 16);
        if ((text = getenv("FAULT_REPEAT")))
                repeat = (unsigned) strtoul(text, NULL, 10);
        if ((text = getenv("FAULT_LIFE")))
                life = strtoull(text, NULL, 10);
        calls = getenv("FAULT_CALLS");
        if ((text = getenv("FAULT_SHARE"))) {
                char *end;

                share = strtoull(text, &end, 10);
                n_shares = strtoull(end + 1, NULL, 10);
        }
        (void) unsetenv("LD_PRELOAD"); /* children are not meant */
}

static int (*real_main)(int, char **, char **);

static int counted_main(int argc, char **argv, char **environment) {
        int r;

        set_up();
        active = true;
        r = real_main(argc, argv, environment);
        active = false;
        return r;
}

typedef int StartMain(int (*program)(int, char **, char **), int argc, char **argv,
                      void (*init)(void), void (*fini)(void), void (*rtld_fini)(void),
                      void *stack_end);

/* What the C library calls to run main(). Before and after it nothing counts: no program can do
 * anything about a failure there. */
int __libc_start_main(int (*program)(int, char **, char **), int argc, char **argv,
                      void (*init)(void), void (*fini)(void), void (*rtld_fini)(void),
                      void *stack_end);

int __libc_start_main(int (*program)(int, char **, char **), int argc, char **argv,
                      void (*init)(void), void (*fini)(void), void (*rtld_fini)(void),
                      void *stack_end) {
        StartMain *start;

        *(void **) &start = fault_real("__libc_start_main");
        real_main = program;
        return start(is_meant() ? counted_main : program, argc, argv, init, fini, rtld_fini,
                     stack_end);
}

__attribute__((destructor)) static void report(void) {
        char text[96];

        active = false;
        if (n_calls == 0)
                return;
        (void) snprintf(text, sizeof(text), "calls %lu, new places %lu\n", n_calls, n_new);
        add_to_file("FAULT_LOG", text, strlen(text));
}
