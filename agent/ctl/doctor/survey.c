/* SPDX-License-Identifier: MIT */

/*
 * Looking at the guest: /proc, /sys, systemd, the agent's status, the configuration, open ports.
 */

#include "agent/ctl/doctor/survey.h"

#include "agent/ctl/client/agent-state.h"
#include "agent/ctl/client/apart.h"
#include "agent/ctl/client/run.h"
#include "agent/ctl/doctor/containers.h"
#include "agent/ctl/doctor/firewall-checks.h"
#include "agent/ctl/doctor/way-out.h"
#include "agent/ctl/doctor/wslconfig.h"
#include "agent/guest/drive.h"
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
#include <time.h>

#define CLOCKS_DIFFER_S 5 /* at most, of guest and host, while the guest starts */

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

static bool is_link(const char *root, const char *path) {
        char full[PATH_MAX], target[2];

        (void) snprintf(full, sizeof(full), "%s%s", root, path);
        return readlink(full, target, sizeof(target)) >= 0;
}

/* WSL starts this program (fact 7.1.4). */
static bool init_is_systemd(const char *root) {
        char path[PATH_MAX], target[PATH_MAX];
        const char *end;
        ssize_t n;

        (void) snprintf(path, sizeof(path), "%s/sbin/init", root);
        n = readlink(path, target, sizeof(target) - 1);
        target[n < 0 ? 0 : n] = '\0';
        end = strrchr(target, '/');
        return end && strcmp(end, "/systemd") == 0;
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

static void survey_unit(const char *name, Unit *ret) {
        const char *const argv[] = {"systemctl", "show", unit_properties, name, NULL};
        char output[1024];

        if (ctl_run(argv, output, sizeof(output)) == 0)
                unit_parse(output, ret);
}

static void survey_units(GuestSurvey *s) {
        bool loopback = false;

        survey_unit(CTL_UNIT, &s->evidence.unit);
        survey_unit("firewalld.service", &s->evidence.firewalld);
        for (size_t i = 0; s->report && i < s->report->n_services; i++)
                loopback |= *s->report->services[i].loopback_text != '\0';
        if (loopback) {
                survey_unit("wslbridge-loopback.path", &s->evidence.loopback_path);
                survey_unit("wslbridge-loopback.service", &s->evidence.loopback);
        }
}

static WslSystemd survey_wsl_conf(const char *root, unsigned *ret_line) {
        char *text = malloc(WSLCONFIG_SIZE_MAX);
        WslSystemd systemd = WSL_SYSTEMD_UNSET;

        *ret_line = 0;
        if (text) {
                read_text(root, "/etc/wsl.conf", text, WSLCONFIG_SIZE_MAX);
                systemd = wslconf_systemd(text, ret_line);
        }
        free(text);
        return systemd;
}

/* Docker's bridge stays when no container runs, but it is down then. */
static bool is_up(const char *root, const char *interface) {
        char path[PATH_MAX], state[32];

        (void) snprintf(path, sizeof(path), "/sys/class/net/%.64s/operstate", interface);
        read_text(root, path, state, sizeof(state));
        return strncmp(state, "up", 2) == 0 || strncmp(state, "unknown", 7) == 0;
}

static void survey_containers(const char *root, GuestSurvey *s) {
        struct dirent *entry;
        char full[PATH_MAX];
        size_t n = 0;
        DIR *dir;

        (void) snprintf(full, sizeof(full), "%s/sys/class/net", root);
        dir = opendir(full);
        while (dir && (entry = readdir(dir))) {
                char *at = s->containers + n;
                size_t left = sizeof(s->containers) - n;
                int k;

                if (!container_interface(entry->d_name) || !is_up(root, entry->d_name))
                        continue;
                k = snprintf(at, left, "%s%s", n > 0 ? ", " : "", entry->d_name);
                if (k < 0 || (size_t) k >= left) {
                        *at = '\0';
                        break;
                }
                n += (size_t) k;
        }
        if (dir)
                (void) closedir(dir);
        utf8_clean(s->containers);
}

/* Whether a file of Windows has changed since the VM was started, so that WSL has not read it yet.
 * After a sleep of the host the guest may not have counted all of its time; then it looks older. */
static bool is_since_start(const char *root, time_t changed) {
        char text[64];
        long uptime;

        read_text(root, "/proc/uptime", text, sizeof(text));
        uptime = strtol(text, NULL, 10);
        return uptime > 0 && changed > time(NULL) - uptime + CLOCKS_DIFFER_S;
}

static void note_file(char ret[static WSLCONFIG_PATH_SIZE], const char *path) {
        (void) snprintf(ret, WSLCONFIG_PATH_SIZE, "%s", path);
        utf8_clean(ret);
}

/* Every user of Windows has a .wslconfig, and only Windows knows whose WSL this is. So the timeouts
 * count only when they are in every file that exists. The firewall and the mode are hints for the
 * one who has set them, and name the file. Where a file cannot be read, nothing is known. */
static void survey_wslconfig(const void *question, void *answer) {
        char drive[PATH_MAX], pattern[PATH_MAX + 32], *text = malloc(WSLCONFIG_SIZE_MAX);
        WslConfigSurvey *ret = answer;
        const char *root = question;
        time_t changed = 0;
        struct stat st;
        glob_t found;

        drive_find(root, drive, sizeof(drive));
        (void) snprintf(pattern, sizeof(pattern), "%s/Users/*/.wslconfig", drive);
        if (text && glob(pattern, GLOB_NOSORT, NULL, &found) == 0) {
                for (size_t i = 0; i < found.gl_pathc; i++) {
                        read_text("", found.gl_pathv[i], text, WSLCONFIG_SIZE_MAX);
                        if (*text && ret->idle != IDLE_STOPS)
                                ret->idle = wslconfig_idle(text);
                        if (!*ret->firewall_off && wslconfig_firewall_off(text))
                                note_file(ret->firewall_off, found.gl_pathv[i] + strlen(root));
                        if (!*ret->mirrored && wslconfig_mirrored(text))
                                note_file(ret->mirrored, found.gl_pathv[i] + strlen(root));
                        if (stat(found.gl_pathv[i], &st) == 0 && st.st_mtime > changed)
                                changed = st.st_mtime;
                }
                globfree(&found);
        }
        free(text);
        if (ret->idle == IDLE_STAYS && is_since_start(root, changed))
                ret->idle = IDLE_LATER;
}

/* One that does not know the question is older than all that know how to stay (fact 7.1.6). Where
 * nobody answers, nothing is known. */
static IdleStop survey_wsl_version(IdleStop idle) {
        static const char *const question[] = {"wslinfo", "--wsl-version", NULL};
        char output[64] = "";
        int r;

        if (idle != IDLE_STAYS)
                return idle;
        r = ctl_run(question, output, sizeof(output));
        return r > 0 || (r == 0 && wslconfig_is_before_idle(output)) ? IDLE_DOUBTED : idle;
}

static void survey_ports(GuestSurvey *s) {
        IpAddr address = {0};

        if (s->report && ip_parse(s->report->v4.address, &address) < 0 &&
            ip_parse(s->report->v6.address, &address) < 0)
                address = (IpAddr){0};
        if (guest_ports_read(&address, false, s->ports) < 0)
                s->ports->known = false;
        if (guest_ports_read(&address, true, s->udp_ports) < 0)
                s->udp_ports->known = false;
}

/* What the host forwards comes from its address on the switch, which is the gateway (fact 6.3.2).
 */
static void survey_way_out(GuestSurvey *s) {
        IpAddr gateway, address;

        if (s->report && ip_parse(s->report->v4.gateway, &gateway) >= 0 &&
            ip_parse(s->report->v4.address, &address) >= 0 &&
            way_out_find(&gateway, &address, s->way_out) >= 0)
                utf8_clean(s->way_out);
}

int guest_survey_take(const char *root, GuestSurvey *ret) {
        char release[128], ufw[4096];
        int r;

        *ret = (GuestSurvey){.ports = calloc(1, sizeof(*ret->ports)),
                             .udp_ports = calloc(1, sizeof(*ret->udp_ports))};
        if (!ret->ports || !ret->udp_ports || config_load(root, &ret->config) < 0)
                return -ENOMEM;
        r = ctl_agent_read(root, &ret->report, &ret->status_problem);
        if (r == -ENOMEM)
                return r;
        read_text(root, "/proc/1/comm", ret->pid1, sizeof(ret->pid1));
        ret->pid1[strcspn(ret->pid1, "\n")] = '\0';
        utf8_clean(ret->pid1);
        read_text(root, "/proc/sys/kernel/osrelease", release, sizeof(release));
        read_text(root, "/etc/ufw/ufw.conf", ufw, sizeof(ufw));
        survey_ports(ret);
        survey_containers(root, ret);
        survey_way_out(ret);
        ret->evidence = (GuestEvidence){
                .systemd = ctl_systemd_runs(root),
                .pid1 = ret->pid1,
                .wsl = wsl_release_is_wsl(release),
                .wsl1 = wsl_release_is_wsl1(release),
                .systemd_installed = init_is_systemd(root),
                .shm_link = is_link(root, "/dev/shm"),
                .vmbus = has_entries(root, "/sys/bus/vmbus/devices"),
                .vsock = exists(root, "/dev/vsock"),
                .ufw = firewall_ufw_is_on(ufw),
                .status_problem = ret->status_problem ? ret->status_problem : "",
                .status_bad = r == CTL_AGENT_E_BAD,
                .report = ret->report,
                .config = ret->config,
                .unread = ret->report && !ctl_agent_has_read(root, ret->report, ret->config),
                .ports = ret->ports,
                .udp_ports = ret->udp_ports,
                .containers = ret->containers,
                .firewall_off = ret->wslconfig.firewall_off,
                .mirrored = ret->wslconfig.mirrored,
                .way_out = ret->way_out,
                .now_usec = now_usec(),
        };
        ret->evidence.wsl_systemd = survey_wsl_conf(root, &ret->evidence.wsl_conf_line);
        if (ret->evidence.systemd && *root == '\0')
                survey_units(ret);
        if (ret->evidence.wsl) {
                r = apart_run(survey_wslconfig, root, &ret->wslconfig, sizeof(ret->wslconfig));
                ret->evidence.drive_silent = r == -ETIME;
                ret->evidence.idle = survey_wsl_version(ret->wslconfig.idle);
        }
        return 0;
}

void guest_survey_done(GuestSurvey *s) {
        config_free(s->config);
        report_free(s->report);
        free(s->status_problem);
        free(s->ports);
        free(s->udp_ports);
}
