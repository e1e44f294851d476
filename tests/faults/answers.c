/* SPDX-License-Identifier: MIT */

/*
 * The calls with which the kernel's messages are read, those of netlink and of inotify. Beside a
 * failure of the call, the kernel itself may say something else than what was waited for. So here
 * the real message is read first, and another one takes its place.
 */

#include "tests/faults/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DATAGRAM_MAX (64 * 1024) /* the kernel fills half of that */

typedef ssize_t ReceiveMessage(int fd, struct msghdr *m, int flags);
typedef ssize_t ReceiveFrom(int fd, void *data, size_t n, int flags, __SOCKADDR_ARG from,
                            socklen_t *size);

/* Whether a dump goes on after these messages. */
static bool goes_on(void *data, int n) {
        const struct nlmsghdr *hdr = data;

        for (; NLMSG_OK(hdr, n); hdr = NLMSG_NEXT(hdr, n))
                if (hdr->nlmsg_type == NLMSG_DONE || hdr->nlmsg_type == NLMSG_ERROR)
                        return false;
        return true;
}

/* Read the rest of a dump, which a kernel that has answered otherwise would not have sent. */
static void drain(int fd) {
        static ssize_t (*real)(int, void *, size_t, int);
        static char rest[DATAGRAM_MAX];
        ssize_t n;

        if (!real)
                *(void **) &real = fault_real("recv");
        do
                n = real(fd, rest, sizeof(rest), MSG_DONTWAIT);
        while (n > 0 && goes_on(rest, (int) n));
}

/* An answer with nothing in it but an error, in place of the one that is in @data. */
static ssize_t answer(void *data, uint16_t type, int error) {
        struct {
                struct nlmsghdr hdr;
                struct nlmsgerr e; /* begins with the error, as the end of a dump does */
        } a = {.hdr = *(struct nlmsghdr *) data, .e.error = error};

        a.hdr.nlmsg_type = type;
        a.hdr.nlmsg_flags = type == NLMSG_DONE ? NLM_F_MULTI : 0;
        a.hdr.nlmsg_len = NLMSG_LENGTH(type == NLMSG_DONE ? sizeof(error) : sizeof(a.e));
        a.e.msg = (struct nlmsghdr){.nlmsg_len = NLMSG_HDRLEN, .nlmsg_seq = a.hdr.nlmsg_seq};
        memcpy(data, &a, a.hdr.nlmsg_len);
        return (ssize_t) a.hdr.nlmsg_len;
}

static void tear(void *data, int n) {
        struct nlmsghdr *hdr = data;

        for (; NLMSG_OK(hdr, n); hdr = NLMSG_NEXT(hdr, n))
                hdr->nlmsg_flags |= NLM_F_DUMP_INTR;
}

/* Return: what recvmsg() says of the answer in @m, which had @n bytes. */
static ssize_t change(FaultKind kind, int fd, struct msghdr *m, ssize_t n) {
        void *data = m->msg_iov[0].iov_base;

        if (n < (ssize_t) sizeof(struct nlmsghdr))
                return n;
        if (kind == FAULT_TORN) {
                tear(data, (int) n);
                return n;
        }
        if (kind == FAULT_CUT) {
                m->msg_flags |= MSG_TRUNC;
                return n / 2;
        }
        if (goes_on(data, (int) n))
                drain(fd);
        if (kind == FAULT_REFUSED)
                return answer(data, NLMSG_ERROR, -EBUSY);
        return answer(data, NLMSG_DONE, kind == FAULT_ENDED ? -ENOBUFS : 0);
}

ssize_t recvmsg(int fd, struct msghdr *m, int flags) {
        bool netlink = fault_is_netlink(fd);
        unsigned kinds = FAULT_REFUSED | FAULT_TORN | FAULT_CUT | FAULT_ENDED | FAULT_EMPTY;
        static ReceiveMessage *real;
        FaultKind kind;
        ssize_t n;

        if (!real)
                *(void **) &real = fault_real("recvmsg");
        kind = fault_now("recvmsg", FAULT_ERROR | (netlink ? kinds : 0));
        if (kind == FAULT_NONE)
                return real(fd, m, flags);
        if (kind == FAULT_ERROR && !netlink) {
                errno = ECONNRESET;
                return -1;
        }
        n = real(fd, m, flags);
        if (n < 0)
                return n;
        if (kind == FAULT_ERROR) { /* what did not find room is gone */
                errno = ENOBUFS;
                return -1;
        }
        return change(kind, fd, m, n);
}

ssize_t recvfrom(int fd, void *data, size_t n, int flags, __SOCKADDR_ARG from, socklen_t *size) {
        static ReceiveFrom *real;
        FaultKind kind;
        ssize_t got;

        if (!real)
                *(void **) &real = fault_real("recvfrom");
        if (!fault_is_netlink(fd))
                return fault_moved("recvfrom", fd, &n, ECONNRESET) < 0
                               ? -1
                               : real(fd, data, n, flags, from, size);
        kind = fault_now("recvfrom", FAULT_ERROR | FAULT_INTERRUPT | FAULT_CUT | FAULT_EACH);
        if (kind == FAULT_INTERRUPT) {
                errno = EINTR;
                return -1;
        }
        got = real(fd, data, n, flags, from, size);
        if (got < 0 || kind == FAULT_NONE)
                return got;
        if (kind == FAULT_ERROR) { /* what did not find room is gone */
                errno = ENOBUFS;
                return -1;
        }
        return flags & MSG_TRUNC ? (ssize_t) n + 1 : got / 2;
}

/* --- inotify */

static bool is_inotify(int fd) {
        static const char inotify[] = "anon_inode:inotify";
        char path[32], target[sizeof(inotify)];
        long n;

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        /* arm64 has no SYS_readlink. */
        n = syscall(SYS_readlinkat, AT_FDCWD, path, target, sizeof(target));
        return n == sizeof(inotify) - 1 && memcmp(target, inotify, sizeof(inotify) - 1) == 0;
}

/* Its name is "inotify" there. */
ssize_t read(int fd, void *data, size_t n) {
        static ssize_t (*real)(int, void *, size_t);
        FaultKind kind;
        ssize_t got;

        if (!real)
                *(void **) &real = fault_real("read");
        if (!is_inotify(fd))
                return fault_moved("read", fd, &n, EIO) < 0 ? -1 : real(fd, data, n);
        kind = fault_now("inotify", FAULT_ERROR | FAULT_INTERRUPT | FAULT_LOST | FAULT_EACH);
        if (kind == FAULT_ERROR || kind == FAULT_INTERRUPT) {
                errno = kind == FAULT_ERROR ? EIO : EINTR;
                return -1;
        }
        got = real(fd, data, n);
        if (kind != FAULT_LOST || got < (ssize_t) sizeof(struct inotify_event))
                return got;
        *(struct inotify_event *) data = (struct inotify_event){.wd = -1, .mask = IN_Q_OVERFLOW};
        return sizeof(struct inotify_event);
}
