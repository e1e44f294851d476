/* SPDX-License-Identifier: MIT */

/*
 * Waiting for the agent's status to change.
 *
 * Under systemd the status file is a link into a folder that comes and goes with the agent. So both
 * the folder of the path and the folder of its target are watched. When one does not exist, the
 * nearest existing folder above it is watched.
 */

#include "agent/ctl/client/watch.h"

#include "agent/ctl/client/agent-state.h"
#include "agent/ctl/show/ctl-error.h"
#include "agent/ctl/show/terminal.h"
#include "agent/util/cleanup.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>

#define WATCH_EVENTS (IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF)

/* Watch the folder of @path, or the nearest existing folder above it. */
static int watch_above(int fd, const char *path) {
        char folder[PATH_MAX];
        char *slash;

        (void) snprintf(folder, sizeof(folder), "%s", path);
        while ((slash = strrchr(folder, '/'))) {
                slash[slash == folder] = '\0'; /* "/" itself stays */
                if (inotify_add_watch(fd, folder, WATCH_EVENTS | IN_ONLYDIR) >= 0)
                        return 0;
                if (errno != ENOENT && errno != ENOTDIR)
                        return -errno;
                if (slash == folder)
                        break;
        }
        return -ENOENT;
}

static int watch_arm(int fd, const char *root) {
        char path[PATH_MAX], target[PATH_MAX], whole[2 * PATH_MAX];
        ssize_t n;
        int r;

        (void) snprintf(path, sizeof(path), "%s" CTL_STATUS_PATH, root);
        r = watch_above(fd, path);
        if (r < 0)
                return r;
        n = readlink(path, target, sizeof(target) - 1);
        if (n < 0) /* no link, or not there yet */
                return errno == EINVAL || errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
        target[n] = '\0';
        *strrchr(path, '/') = '\0';
        (void) snprintf(whole, sizeof(whole), "%s%s%s", target[0] == '/' ? "" : path,
                        target[0] == '/' ? "" : "/", target);
        return strlen(whole) < PATH_MAX ? watch_above(fd, whole) : -ENAMETOOLONG;
}

/* Discard the events: which ones they are does not matter, because the file is read again. */
static void watch_drain(int fd) {
        char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

        while (read(fd, buffer, sizeof(buffer)) > 0)
                ;
}

/* Wait for an event, and keep the spinner turning. Return: false when the time is over. */
static bool watch_poll(int fd, int pid, uint64_t end, Spinner *spinner, const char *text) {
        _cleanup_close_ int pid_fd = pid > 0 ? (int) syscall(SYS_pidfd_open, pid, 0) : -1;
        struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = pid_fd, .events = POLLIN}};

        while (true) {
                uint64_t now = now_usec();
                uint64_t left = end == CTL_TIMEOUT_NEVER ? INT_MAX
                                : now < end              ? (end - now) / USEC_PER_MSEC + 1
                                                         : 0;

                if (left == 0)
                        return false;
                spinner_tick(spinner, text);
                if (spinner->active && left > SPINNER_MSEC)
                        left = SPINNER_MSEC;
                if (poll(fds, ELEMENTSOF(fds), left > INT_MAX ? INT_MAX : (int) left) > 0)
                        return true;
        }
}

int ctl_agent_wait(const char *root, uint64_t timeout_usec, const char *text, CtlWaitFn fn,
                   void *userdata, Report **ret_report) {
        _cleanup_close_ int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        uint64_t end = timeout_usec == CTL_TIMEOUT_NEVER ? timeout_usec : now_usec() + timeout_usec;
        Spinner spinner = spinner_new();

        if (fd < 0)
                return ctl_error_errno(errno, "watch", CTL_STATUS_PATH);
        while (true) {
                _cleanup_(report_freep) Report *report = NULL;
                _cleanup_free_ char *problem = NULL;
                int r = watch_arm(fd, root),
                    outcome; /* before reading, so that no change is missed */

                if (r >= 0)
                        r = ctl_agent_read(root, &report, &problem);
                outcome = r == 0 || r == CTL_AGENT_E_NOT_RUNNING ? fn(report, userdata)
                                                                 : CTL_EXIT_FAILURE;
                if (outcome == CTL_WAIT_MORE) {
                        if (watch_poll(fd, report ? report->pid : 0, end, &spinner, text)) {
                                watch_drain(fd);
                                continue;
                        }
                        outcome = CTL_EXIT_TIMEOUT;
                }
                spinner_done(&spinner);
                if (r < 0)
                        (void) ctl_error_errno(-r, "watch", CTL_STATUS_PATH);
                else if (r == CTL_AGENT_E_BAD)
                        (void) ctl_error("%s", problem);
                *ret_report = TAKE_PTR(report);
                return outcome;
        }
}
