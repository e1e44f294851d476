/* SPDX-License-Identifier: MIT */

/*
 * Reading the agent's status file, and checking that the agent which wrote it still runs.
 */

#include "agent/ctl/client/agent-state.h"

#include "agent/ctl/show/ctl-error.h"
#include "agent/util/cleanup.h"
#include "agent/util/read-all.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define AGENT_COMM "wslbridge-agent" /* 15 bytes, which is all that the kernel keeps */

/*
 * A process that has ended stays as a zombie until its parent looks at it, and still has its name.
 * A pidfd tells the two apart, and needs no permission. Where the kernel has none, EPERM is as good
 * a proof of life as success.
 */
static bool has_ended(int pid) {
        _cleanup_close_ int fd = (int) syscall(SYS_pidfd_open, pid, 0);
        struct pollfd p = {.fd = fd, .events = POLLIN};

        if (fd >= 0)
                return poll(&p, 1, 0) > 0;
        return kill(pid, 0) < 0 && errno == ESRCH;
}

typedef enum AgentName { NAME_OTHER, NAME_AGENT, NAME_HIDDEN } AgentName;

static AgentName name_of(int pid) {
        char path[64], comm[32] = "";
        _cleanup_close_ int fd = -1;
        ssize_t n;

        (void) snprintf(path, sizeof(path), "/proc/%d/comm", pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read_all(fd, comm, sizeof(comm) - 1);
        if (n < 0)
                return NAME_HIDDEN;
        return strncmp(comm, AGENT_COMM, strlen(AGENT_COMM)) == 0 ? NAME_AGENT : NAME_OTHER;
}

bool ctl_agent_is(int pid) {
        return pid > 1 && name_of(pid) == NAME_AGENT && !has_ended(pid);
}

bool ctl_agent_may_run(int pid) {
        return pid > 1 && name_of(pid) != NAME_OTHER && !has_ended(pid);
}

/* The file may be large (10,000 services), but it must be a regular file of limited size. */
static int read_file(const char *path, char **ret_data, size_t *ret_n) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        _cleanup_free_ char *data = NULL;
        struct stat st;
        size_t n = 0;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_size > REPORT_SIZE_MAX)
                return -EBADMSG;
        data = malloc((size_t) st.st_size + 1);
        if (!data)
                return -ENOMEM;
        while (n < (size_t) st.st_size) {
                ssize_t k = read(fd, data + n, (size_t) st.st_size - n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                if (k == 0)
                        break;
                n += (size_t) k;
        }
        *ret_data = TAKE_PTR(data);
        *ret_n = n;
        return 0;
}

static int describe(int outcome, const char *text, char **ret_problem) {
        *ret_problem = strdup(text);
        return *ret_problem ? outcome : -ENOMEM;
}

static int describe_read(int error, char **ret_problem) {
        if (error == ENOMEM)
                return -ENOMEM;
        if (error == ENOENT || error == ENOTDIR)
                return describe(CTL_AGENT_E_NOT_RUNNING,
                                "The agent does not run: there is no " CTL_STATUS_PATH,
                                ret_problem);
        if (asprintf(ret_problem, "Cannot read %s: %s", CTL_STATUS_PATH, strerror(error)) < 0) {
                *ret_problem = NULL;
                return -ENOMEM;
        }
        return CTL_AGENT_E_BAD;
}

static int check_pid(const Report *report, char **ret_problem) {
        if (ctl_agent_may_run(report->pid))
                return 0;
        if (asprintf(ret_problem,
                     "The agent does not run: %s was left by process %d, which has ended",
                     CTL_STATUS_PATH, report->pid) < 0) {
                *ret_problem = NULL;
                return -ENOMEM;
        }
        return CTL_AGENT_E_NOT_RUNNING;
}

int ctl_agent_read(const char *root, Report **ret_report, char **ret_problem) {
        _cleanup_(report_freep) Report *report = NULL;
        _cleanup_free_ char *path = NULL, *data = NULL;
        size_t n = 0;
        int r;

        if (asprintf(&path, "%s" CTL_STATUS_PATH, root) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = read_file(path, &data, &n);
        if (r < 0)
                return describe_read(-r, ret_problem);
        r = report_parse(data, n, &report);
        if (r == REPORT_E_NOT_JSON)
                return describe(CTL_AGENT_E_BAD,
                                CTL_STATUS_PATH " is not what wslbridge-agent writes", ret_problem);
        if (r == REPORT_E_NEWER)
                return describe(
                        CTL_AGENT_E_BAD,
                        CTL_STATUS_PATH
                        " was written by a newer agent; use the wslbridgectl of that version",
                        ret_problem);
        if (r == 0)
                r = check_pid(report, ret_problem);
        if (r == 0)
                *ret_report = TAKE_PTR(report);
        return r;
}

int ctl_agent_require(const char *root, Report **ret_report) {
        _cleanup_free_ char *problem = NULL;
        int r = ctl_agent_read(root, ret_report, &problem);

        if (r == 0)
                return CTL_EXIT_OK;
        if (r < 0)
                return ctl_error_errno(-r, "read", CTL_STATUS_PATH);
        (void) ctl_error("%s", problem);
        return r == CTL_AGENT_E_NOT_RUNNING ? CTL_EXIT_NOT_RUNNING : CTL_EXIT_FAILURE;
}

bool ctl_agent_has_read(const char *root, const Report *report, const Config *config) {
        _cleanup_free_ const char **files = calloc(report->n_problems + 1, sizeof(*files));
        uint64_t fingerprint;
        size_t n = 0;

        if (report_has_read(report, config->fingerprint))
                return true;
        for (size_t i = 0; files && i < report->n_problems; i++) {
                const ReportProblem *p = &report->problems[i];
                const char *base = strrchr(p->file, '/');

                if (p->line > 0 || *p->key || config_has_problem(config, p->file))
                        continue;
                if (base && strcmp(base, "/services.d") == 0)
                        return true;
                files[n++] = p->file;
        }
        return n > 0 && config_fingerprint_without(root, files, n, &fingerprint) >= 0 &&
               report_has_read(report, fingerprint);
}

bool ctl_systemd_runs(const char *root) {
        char path[PATH_MAX];

        (void) snprintf(path, sizeof(path), "%s/run/systemd/system", root);
        return access(path, F_OK) == 0;
}

const char *ctl_start_advice(const char *root) {
        return ctl_systemd_runs(root)
                       ? "start it, now and at each boot, with 'sudo systemctl enable "
                         "--now " NAMES_AGENT_UNIT "'"
                       : "systemd does not run here either, and 'wslbridgectl "
                         "doctor' says what to do";
}
