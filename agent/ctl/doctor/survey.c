/* SPDX-License-Identifier: MIT */

/*
 * Looking at the guest: /proc, /sys, systemd, the agent's status, the configuration, open ports.
 */

#include "agent/ctl/doctor/survey.h"

#include "agent/ctl/client/agent-state.h"
#include "agent/ctl/client/run.h"
#include "agent/ctl/doctor/wslconfig.h"
#include "agent/guest/wsl-words.h"
#include "agent/network/guest-ports.h"
#include "common/text-wrap.h"
#include "common/utf8.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The start of a small file, as much as @size holds; "" when it cannot be read. */
static void read_text(const char *root, const char *path, char *ret_text, size_t size) {
        char full[PATH_MAX];
        ssize_t n = -1;
        int fd;

        (void) snprintf(full, sizeof(full), "%s%s", root, path);
        fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd >= 0) {
                n = read(fd, ret_text, size - 1);
                (void) close(fd);
        }
        ret_text[n < 0 ? 0 : n] = '\0';
}

static bool exists(const char *root, const char *path) {
        char full[PATH_MAX];

        (void) snprintf(full, sizeof(full), "%s%s", root, path);
        return access(full, F_OK) == 0;
}

static bool has_entries(const char *root, const char *path) {
        struct dirent *entry;
        char full[PATH_MAX];
        bool found = false;
        DIR *dir;

        (void) snprintf(full, sizeof(full), "%s%s", root, path);
        dir = opendir(full);
        while (dir && !found && (entry = readdir(dir)))
                found = entry->d_name[0] != '.';
        if (dir)
                (void) closedir(dir);
        return found;
}

static void survey_unit(GuestSurvey *s) {
        static const char *const argv[] = {"systemctl",
                                           "show",
                                           "--property=LoadState",
                                           "--property=ActiveState",
                                           "--property=Result",
                                           CTL_UNIT,
                                           NULL};
        char output[512];
        const char *result;

        if (ctl_run(argv, output, sizeof(output)) != 0)
                return;
        if (strstr(output, "LoadState=not-found"))
                s->evidence.unit = UNIT_ABSENT;
        else if (strstr(output, "ActiveState=failed"))
                s->evidence.unit = UNIT_FAILED;
        else if (strstr(output, "ActiveState=active"))
                s->evidence.unit = UNIT_ACTIVE;
        else if (strstr(output, "ActiveState="))
                s->evidence.unit = UNIT_INACTIVE;
        result = strstr(output, "Result=");
        if (result) {
                result += strlen("Result=");
                (void) snprintf(s->unit_result, sizeof(s->unit_result), "%.*s",
                                (int) strcspn(result, "\n"), result);
        }
}

/* Every user of Windows has a .wslconfig, and only Windows knows whose WSL this is. So the setting
 * counts only when it is in every file that exists. */
static IdleStop survey_idle(const char *root) {
        char pattern[PATH_MAX], *text = malloc(WSLCONFIG_SIZE_MAX);
        IdleStop idle = IDLE_UNKNOWN;
        glob_t found;

        (void) snprintf(pattern, sizeof(pattern), "%s/mnt/c/Users/*/.wslconfig", root);
        if (text && glob(pattern, GLOB_NOSORT, NULL, &found) == 0) {
                for (size_t i = 0; i < found.gl_pathc && idle != IDLE_STOPS; i++) {
                        read_text("", found.gl_pathv[i], text, WSLCONFIG_SIZE_MAX);
                        if (*text)
                                idle = wslconfig_idle(text);
                }
                globfree(&found);
        }
        free(text);
        return idle;
}

static void survey_ports(GuestSurvey *s) {
        IpAddr address = {0};

        if (s->report && ip_parse(s->report->v4.address, &address) < 0 &&
            ip_parse(s->report->v6.address, &address) < 0)
                address = (IpAddr){0};
        if (guest_ports_read(&address, s->ports) < 0)
                s->ports->known = false;
}

int guest_survey_take(const char *root, GuestSurvey *ret) {
        char release[128];
        int r;

        *ret = (GuestSurvey){.ports = calloc(1, sizeof(*ret->ports))};
        if (!ret->ports || config_load(root, &ret->config) < 0)
                return -ENOMEM;
        r = ctl_agent_read(root, &ret->report, &ret->status_problem);
        if (r == -ENOMEM)
                return r;
        read_text(root, "/proc/1/comm", ret->pid1, sizeof(ret->pid1));
        ret->pid1[strcspn(ret->pid1, "\n")] = '\0';
        utf8_clean(ret->pid1);
        read_text(root, "/proc/sys/kernel/osrelease", release, sizeof(release));
        survey_ports(ret);
        ret->evidence = (GuestEvidence){
                .systemd = exists(root, "/run/systemd/system"),
                .pid1 = ret->pid1,
                .wsl = wsl_release_is_wsl(release),
                .vmbus = has_entries(root, "/sys/bus/vmbus/devices"),
                .vsock = exists(root, "/dev/vsock"),
                .unit_result = ret->unit_result,
                .status_problem = ret->status_problem ? ret->status_problem : "",
                .status_bad = r == CTL_AGENT_E_BAD,
                .report = ret->report,
                .config = ret->config,
                .ports = ret->ports,
                .now_usec = now_usec(),
        };
        if (ret->evidence.systemd && !ret->report && *root == '\0')
                survey_unit(ret);
        if (ret->evidence.wsl)
                ret->evidence.idle = survey_idle(root);
        return 0;
}

void guest_survey_done(GuestSurvey *s) {
        config_free(s->config);
        report_free(s->report);
        free(s->status_problem);
        free(s->ports);
}
