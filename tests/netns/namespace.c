/* SPDX-License-Identifier: MIT */

/* Makes the network namespace of a test; see namespace.h. */

#include "tests/netns/namespace.h"

#include "agent/util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define SKIPPED 77

static int write_file(const char *path, const char *text) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        return write(fd, text, strlen(text)) == (ssize_t) strlen(text) ? 0 : -EIO;
}

/* Without the maps a program that is executed (ip) would lose its capabilities. */
static int unshare_network(void) {
        char uid_map[32], gid_map[32];

        (void) snprintf(uid_map, sizeof(uid_map), "0 %u 1", geteuid());
        (void) snprintf(gid_map, sizeof(gid_map), "0 %u 1", getegid());
        if (geteuid() == 0 && unshare(CLONE_NEWNET) == 0)
                return 0;
        if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
                return -errno;
        if (write_file("/proc/self/setgroups", "deny") < 0 ||
            write_file("/proc/self/uid_map", uid_map) < 0 ||
            write_file("/proc/self/gid_map", gid_map) < 0)
                return -EPERM;
        return 0;
}

int namespace_enter(void) {
        int r;

        r = unshare_network();
        if (r < 0)
                return r;
        /* A kernel without IPv6 does not have these files. */
        (void) write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
        (void) write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
        r = system("ip link set lo up && ip link add " WATCHED " type veth peer name " PEER
                   " && ip link set " PEER " up && ip link set " WATCHED " up"
                   /* The kernel notices the carrier a little later, with an event of its own. */
                   " && for link in " WATCHED " " PEER "; do"
                   " until ip -o link show dev $link | grep -q 'state UP'; do sleep 0.02; done; "
                   "done");
        return r == 0 ? 0 : -EIO;
}

void namespace_require(void) {
        pid_t pid = fork();
        int status;

        if (pid == 0)
                _exit(namespace_enter() < 0);
        if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
            WEXITSTATUS(status) != 0) {
                (void) fprintf(stderr, "network namespaces with veth are not permitted here\n");
                exit(SKIPPED);
        }
}
