/* SPDX-License-Identifier: MIT */
#pragma once

/* Small helpers for every file of the agent: cleanup and ownership, the length of an array, and the
 * monotonic clock. */

#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

/* Define funcp(), which frees what the variable points to, for use with _cleanup_(). The
 * declaration at the end takes the semicolon that ISO C does not allow after a function. */
#define DEFINE_CLEANUP(type, func)                                                         \
        /* NOLINTNEXTLINE(bugprone-macro-parentheses): a type in parentheses is not one */ \
        static inline void func##p(type *p) {                                              \
                if (*p)                                                                    \
                        func(*p);                                                          \
        }                                                                                  \
        struct func##_cleanup_defined

/* Hand over ownership: yields the value and leaves the variable empty. */
#define TAKE_PTR(p)                         \
        __extension__({                     \
                __typeof__(p) _taken = (p); \
                (p) = NULL;                 \
                _taken;                     \
        })
#define TAKE_FD(fd)                \
        __extension__({            \
                int _taken = (fd); \
                (fd) = -1;         \
                _taken;            \
        })

/* For the two attributes below: take a pointer to the variable. */
static inline void freep(void *p) {
        free(*(void **) p);
}

static inline void closep(int *fd) {
        if (*fd >= 0)
                (void) close(*fd);
}

#define _cleanup_free_  _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)

#define ELEMENTSOF(a) (sizeof(a) / sizeof((a)[0]))

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC  UINT64_C(1000000)

/* CLOCK_MONOTONIC in microseconds. It stands still while the kernel knows that it sleeps; in a VM
 * it may go on while the host sleeps. */
static inline uint64_t now_usec(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}
