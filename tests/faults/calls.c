/* SPDX-License-Identifier: MIT */

/*
 * The calls that can fail, in place of those of the C library and of libsystemd, also where other
 * libraries make them (called.c shows which they are): each asks fault.c whether it has to fail
 * now, and otherwise does what it always does. The errors are those that the call may really have,
 * of the kind that passes.
 *
 * A call that has no other failure than a mistake of the program is not here, such as close().
 */

#include "tests/faults/fault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <mntent.h>
#include <net/if.h>
#include <poll.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <systemd/sd-event.h>
#include <unistd.h>

/* A call that fails with @error, for which it returns @result. */
#define CALL(type, name, parameters, arguments, error, result) \
        type name parameters {                                 \
                static type(*real) parameters;                 \
                                                               \
                if (!real)                                     \
                        *(void **) &real = fault_real(#name);  \
                if (fault_now(#name, FAULT_ERROR)) {           \
                        errno = (error);                       \
                        return (result);                       \
                }                                              \
                return real arguments;                         \
        }

#define FAILS(name, parameters, arguments, error) CALL(int, name, parameters, arguments, error, -1)

/* What the loop fails with when there is no memory for it. */
#define LOOP(name, parameters, arguments) CALL(int, name, parameters, arguments, errno, -ENOMEM)

/* --- memory */

CALL(void *, malloc, (size_t n), (n), ENOMEM, NULL)
CALL(void *, calloc, (size_t n, size_t size), (n, size), ENOMEM, NULL)
CALL(void *, realloc, (void *p, size_t n), (p, n), ENOMEM, NULL)
CALL(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size), ENOMEM, NULL)
CALL(void *, mmap64, (void *at, size_t n, int access, int flags, int fd, off64_t offset),
     (at, n, access, flags, fd, offset), ENOMEM, MAP_FAILED)
CALL(char *, strdup, (const char *s), (s), ENOMEM, NULL)
CALL(char *, strndup, (const char *s, size_t n), (s, n), ENOMEM, NULL)

CALL(ssize_t, __getdelim, (char **line, size_t *n, int end, FILE *file), (line, n, end, file),
     ENOMEM, -1) /* getline() */

/* --- files */

FAILS(access, (const char *path, int mode), (path, mode), ENOMEM)
FAILS(faccessat, (int dir, const char *path, int mode, int flags), (dir, path, mode, flags), ENOMEM)
FAILS(statfs64, (const char *path, struct statfs64 *fs), (path, fs), EIO)
FAILS(flock, (int fd, int operation), (fd, operation), ENOLCK)
FAILS(mkdir, (const char *path, mode_t mode), (path, mode), ENOSPC)
FAILS(chmod, (const char *path, mode_t mode), (path, mode), EIO)
FAILS(fchmod, (int fd, mode_t mode), (fd, mode), EIO)
FAILS(fchown, (int fd, uid_t user, gid_t group), (fd, user, group), EIO)
FAILS(fsync, (int fd), (fd), EIO)
FAILS(stat64, (const char *path, struct stat64 *st), (path, st), EIO)
FAILS(lstat64, (const char *path, struct stat64 *st), (path, st), EIO)
FAILS(fstat64, (int fd, struct stat64 *st), (fd, st), EIO)
FAILS(unlink, (const char *path), (path), EIO)
FAILS(symlink, (const char *target, const char *path), (target, path), ENOSPC)
FAILS(rename, (const char *from, const char *to), (from, to), EIO)
FAILS(pipe2, (int fds[2], int flags), (fds, flags), EMFILE)
CALL(DIR *, opendir, (const char *path), (path), EMFILE, NULL)
CALL(struct dirent64 *, readdir64, (DIR * dir), (dir), EIO, NULL)
CALL(FILE *, setmntent, (const char *path, const char *mode), (path, mode), EMFILE, NULL)
CALL(char *, realpath, (const char *restrict path, char *restrict whole), (path, whole), ENOMEM,
     NULL)
CALL(int, glob64,
     (const char *restrict pattern, int flags, int (*on_error)(const char *, int),
      glob64_t *restrict found),
     (pattern, flags, on_error, found), ENOMEM, GLOB_NOSPACE)
FAILS(utimensat, (int dir, const char *path, const struct timespec times[2], int flags),
      (dir, path, times, flags), EIO)
FAILS(chdir, (const char *path), (path), ENOMEM)
CALL(FILE *, fopen64, (const char *path, const char *mode), (path, mode), EMFILE, NULL)
CALL(ssize_t, readlink, (const char *path, char *text, size_t n), (path, text, n), EIO, -1)
CALL(ssize_t, readlinkat, (int dir, const char *path, char *text, size_t n), (dir, path, text, n),
     EIO, -1)

/* The mode, where there is one. */
#define OPEN(name, parameters, ...)                                \
        int name parameters {                                      \
                static int(*real) parameters;                      \
                mode_t mode = 0;                                   \
                va_list ap;                                        \
                                                                   \
                if (!real)                                         \
                        *(void **) &real = fault_real(#name);      \
                if (flags & (O_CREAT | __O_TMPFILE)) {             \
                        va_start(ap, flags);                       \
                        mode = va_arg(ap, mode_t);                 \
                        va_end(ap);                                \
                }                                                  \
                if (fault_now(#name, FAULT_ERROR)) {               \
                        errno = flags & O_CREAT ? ENOSPC : EMFILE; \
                        return -1;                                 \
                }                                                  \
                return real(__VA_ARGS__, flags, mode);             \
        }

OPEN(open, (const char *path, int flags, ...), path)
OPEN(open64, (const char *path, int flags, ...), path)
OPEN(openat64, (int dir, const char *path, int flags, ...), dir, path)

/* As a library calls them that was built with _FORTIFY_SOURCE. No header declares them otherwise.
 */
int __open64_2(const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);
FAILS(__open64_2, (const char *path, int flags), (path, flags), EMFILE)
FAILS(__openat64_2, (int dir, const char *path, int flags), (dir, path, flags), EMFILE)

/* The argument comes along as in the C library itself, although it may be an int. */
#define FCNTL(name)                                           \
        int name(int fd, int command, ...) {                  \
                static int (*real)(int, int, ...);            \
                va_list ap;                                   \
                void *argument;                               \
                                                              \
                if (!real)                                    \
                        *(void **) &real = fault_real(#name); \
                va_start(ap, command);                        \
                argument = va_arg(ap, void *);                \
                va_end(ap);                                   \
                if (fault_now(#name, FAULT_ERROR)) {          \
                        errno = EMFILE;                       \
                        return -1;                            \
                }                                             \
                return real(fd, command, argument);           \
        }

FCNTL(fcntl)
FCNTL(fcntl64)

/* libsystemd calls it by its number where the C library did not have it when it was built. */
int pidfd_open(pid_t pid, unsigned flags);
FAILS(pidfd_open, (pid_t pid, unsigned flags), (pid, flags), EMFILE)

/* pidfd_open() only. */
long syscall(long number, ...) {
        static long (*real)(long, ...);
        long a[6];
        va_list ap;

        if (!real)
                *(void **) &real = fault_real("syscall");
        va_start(ap, number);
        for (int i = 0; i < 6; i++)
                a[i] = va_arg(ap,
                              long); /* as the C library does it: what is not given is ignored */
        va_end(ap);
        if (number == SYS_pidfd_open && fault_now("syscall", FAULT_ERROR)) {
                errno = EMFILE;
                return -1;
        }
        return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* --- bytes */

static bool is_stream(int fd) {
        struct stat st;
        int type = 0;
        socklen_t n = sizeof(type);

        if (fstat(fd, &st) < 0)
                return false;
        if (S_ISSOCK(st.st_mode))
                return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_STREAM;
        return S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode);
}

bool fault_is_netlink(int fd) {
        int domain = 0;
        socklen_t n = sizeof(domain);

        return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 && domain == AF_NETLINK;
}

int fault_moved(const char *name, int fd, size_t *n, int error) {
        switch (fault_now(name, FAULT_ERROR | FAULT_INTERRUPT |
                                        (*n > 1 && is_stream(fd) ? FAULT_SHORT : 0))) {
        case FAULT_NONE:
                return 0;
        case FAULT_ERROR:
                errno = error;
                return -1;
        case FAULT_INTERRUPT:
                errno = EINTR;
                return -1;
        case FAULT_SHORT:
                *n = 1;
                return 0;
        default: /* of answers.c */
                return 0;
        }
}

#define MOVES(name, parameters, arguments, error)             \
        ssize_t name parameters {                             \
                static ssize_t(*real) parameters;             \
                                                              \
                if (!real)                                    \
                        *(void **) &real = fault_real(#name); \
                if (fault_moved(#name, fd, &n, (error)) < 0)  \
                        return -1;                            \
                return real arguments;                        \
        }

#define SEND_ERROR (fault_is_netlink(fd) ? ENOBUFS : EPIPE)

MOVES(write, (int fd, const void *data, size_t n), (fd, data, n), ENOSPC)
MOVES(recv, (int fd, void *data, size_t n, int flags), (fd, data, n, flags), ECONNRESET)
MOVES(send, (int fd, const void *data, size_t n, int flags), (fd, data, n, flags), SEND_ERROR)
MOVES(sendto,
      (int fd, const void *data, size_t n, int flags, __CONST_SOCKADDR_ARG to, socklen_t size),
      (fd, data, n, flags, to, size), SEND_ERROR)
CALL(ssize_t, splice, (int in, off64_t *in_at, int out, off64_t *out_at, size_t n, unsigned flags),
     (in, in_at, out, out_at, n, flags), ENOMEM, -1)
CALL(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags), (fd, m, flags), ENOBUFS, -1)

/* --- sockets, processes, what the loop waits with */

FAILS(socket, (int domain, int type, int protocol), (domain, type, protocol), EMFILE)
FAILS(bind, (int fd, __CONST_SOCKADDR_ARG a, socklen_t n), (fd, a, n), ENOMEM)
FAILS(listen, (int fd, int backlog), (fd, backlog), EADDRINUSE)
FAILS(connect, (int fd, __CONST_SOCKADDR_ARG a, socklen_t n), (fd, a, n), EAGAIN)
FAILS(accept4, (int fd, __SOCKADDR_ARG a, socklen_t *restrict n, int flags), (fd, a, n, flags),
      EMFILE)
FAILS(setsockopt, (int fd, int level, int name, const void *value, socklen_t n),
      (fd, level, name, value, n), ENOMEM)
FAILS(getsockname, (int fd, __SOCKADDR_ARG a, socklen_t *restrict n), (fd, a, n), ENOBUFS)
CALL(ssize_t, getrandom, (void *data, size_t n, unsigned flags), (data, n, flags), EINTR, -1)
CALL(unsigned, if_nametoindex, (const char *name), (name), EMFILE, 0)
CALL(char *, if_indextoname, (unsigned index, char name[IF_NAMESIZE]), (index, name), EMFILE, NULL)
FAILS(epoll_create1, (int flags), (flags), EMFILE)
FAILS(epoll_ctl, (int epoll, int command, int fd, struct epoll_event *e), (epoll, command, fd, e),
      command == EPOLL_CTL_ADD ? ENOSPC : ENOMEM)
FAILS(epoll_wait, (int epoll, struct epoll_event *e, int n, int limit), (epoll, e, n, limit), EINTR)
/* Newer versions of libsystemd have it instead (257 does, 252 does not). */
FAILS(epoll_pwait2,
      (int epoll, struct epoll_event *e, int n, const struct timespec *limit, const sigset_t *mask),
      (epoll, e, n, limit, mask), EINTR)
FAILS(timerfd_create, (clockid_t clock, int flags), (clock, flags), EMFILE)
FAILS(poll, (struct pollfd * fds, nfds_t n, int limit), (fds, n, limit), EINTR)
CALL(pid_t, fork, (void), (), EAGAIN, -1)
FAILS(signalfd, (int fd, const sigset_t *mask, int flags), (fd, mask, flags), EMFILE)
FAILS(inotify_init1, (int flags), (flags), EMFILE)
FAILS(inotify_add_watch, (int fd, const char *path, uint32_t mask), (fd, path, mask), ENOSPC)

/* The error is of a clock that was set meanwhile: the timer runs all the same (timerfd_create(2)).
 */
int timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old) {
        static __typeof__(timerfd_settime) *real;
        int r;

        if (!real)
                *(void **) &real = fault_real("timerfd_settime");
        r = real(fd, flags, new, old);
        if (r == 0 && flags & TFD_TIMER_CANCEL_ON_SET &&
            fault_now("timerfd_settime", FAULT_ERROR)) {
                errno = ECANCELED;
                return -1;
        }
        return r;
}

/* They return the error. */
#define SPAWNS(name)                                                                       \
        int name(pid_t *restrict pid, const char *restrict path,                           \
                 const posix_spawn_file_actions_t *files,                                  \
                 const posix_spawnattr_t *restrict attributes, char *const argv[restrict], \
                 char *const envp[restrict]) {                                             \
                static __typeof__(name) *real;                                             \
                                                                                           \
                if (!real)                                                                 \
                        *(void **) &real = fault_real(#name);                              \
                if (fault_now(#name, FAULT_ERROR))                                         \
                        return EAGAIN;                                                     \
                return real(pid, path, files, attributes, argv, envp);                     \
        }

SPAWNS(posix_spawn)
SPAWNS(posix_spawnp)

LOOP(sd_event_new, (sd_event * *e), (e))
LOOP(sd_event_set_watchdog, (sd_event * e, int on), (e, on))
LOOP(sd_event_add_child,
     (sd_event * e, sd_event_source **s, pid_t pid, int options, sd_event_child_handler_t fn,
      void *u),
     (e, s, pid, options, fn, u))
LOOP(sd_event_add_defer, (sd_event * e, sd_event_source **s, sd_event_handler_t fn, void *u),
     (e, s, fn, u))
LOOP(sd_event_add_inotify,
     (sd_event * e, sd_event_source **s, const char *path, uint32_t mask,
      sd_event_inotify_handler_t fn, void *u),
     (e, s, path, mask, fn, u))
LOOP(sd_event_add_io,
     (sd_event * e, sd_event_source **s, int fd, uint32_t events, sd_event_io_handler_t fn,
      void *u),
     (e, s, fd, events, fn, u))
LOOP(sd_event_add_signal,
     (sd_event * e, sd_event_source **s, int number, sd_event_signal_handler_t fn, void *u),
     (e, s, number, fn, u))
LOOP(sd_event_add_time,
     (sd_event * e, sd_event_source **s, clockid_t clock, uint64_t usec, uint64_t accuracy,
      sd_event_time_handler_t fn, void *u),
     (e, s, clock, usec, accuracy, fn, u))
LOOP(sd_event_add_time_relative,
     (sd_event * e, sd_event_source **s, clockid_t clock, uint64_t usec, uint64_t accuracy,
      sd_event_time_handler_t fn, void *u),
     (e, s, clock, usec, accuracy, fn, u))

/* Switching off takes no memory. */
int sd_event_source_set_enabled(sd_event_source *s, int on) {
        static int (*real)(sd_event_source *, int);

        if (!real)
                *(void **) &real = fault_real("sd_event_source_set_enabled");
        if (on != SD_EVENT_OFF && fault_now("sd_event_source_set_enabled", FAULT_ERROR))
                return -ENOMEM;
        return real(s, on);
}

LOOP(sd_event_source_set_time, (sd_event_source * s, uint64_t usec), (s, usec))
LOOP(sd_event_source_set_priority, (sd_event_source * s, int64_t priority), (s, priority))
LOOP(sd_event_source_set_io_events, (sd_event_source * s, uint32_t events), (s, events))
