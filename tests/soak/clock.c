/* SPDX-License-Identifier: MIT */

/*
 * A wall clock of its own for a program that runs with this library in LD_PRELOAD, so that it can
 * be set without touching the machine's. CLOCK_OFFSET names a file with the seconds that are added,
 * as a native int64_t, and CLOCK_SET a FIFO: a byte in it says that the clock was set, which is
 * what a timer with TFD_TIMER_CANCEL_ON_SET waits for.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static int set_fd = -1; /* stands in for the timer of the wall clock */

static void *real(const char *name) {
        void *f = dlsym(RTLD_NEXT, name);

        if (!f)
                abort();
        return f;
}

static int64_t offset(void) {
        static const int64_t *mapped;

        if (!mapped) {
                const char *path = getenv("CLOCK_OFFSET");
                int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
                void *p = fd >= 0 ? mmap(NULL, sizeof(*mapped), PROT_READ, MAP_SHARED, fd, 0)
                                  : MAP_FAILED;

                if (p == MAP_FAILED)
                        abort();
                (void) close(fd);
                mapped = p;
        }
        return *mapped;
}

/* Not first in the program, where a call may be made to fail (tests/faults). */
__attribute__((constructor)) static void map(void) {
        (void) offset();
}

int clock_gettime(clockid_t clock, struct timespec *ts) {
        static int (*next)(clockid_t, struct timespec *);
        int r;

        if (!next)
                *(void **) &next = real("clock_gettime");
        r = next(clock, ts);
        if (r == 0 && clock == CLOCK_REALTIME)
                ts->tv_sec += offset();
        return r;
}

int timerfd_create(clockid_t clock, int flags) {
        static int (*next)(clockid_t, int);
        const char *path = getenv("CLOCK_SET");

        if (!next)
                *(void **) &next = real("timerfd_create");
        if (clock != CLOCK_REALTIME || !path)
                return next(clock, flags);
        set_fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        return set_fd;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *old) {
        static int (*next)(int, int, const struct itimerspec *, struct itimerspec *);

        if (!next)
                *(void **) &next = real("timerfd_settime");
        return fd == set_fd ? 0 : next(fd, flags, value, old);
}

ssize_t read(int fd, void *data, size_t n) {
        static ssize_t (*next)(int, void *, size_t);
        ssize_t r;

        if (!next)
                *(void **) &next = real("read");
        r = next(fd, data, n);
        if (fd != set_fd || r < 0)
                return r;
        errno = ECANCELED;
        return -1;
}
