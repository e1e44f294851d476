/* SPDX-License-Identifier: MIT */

/*
 * wslbridgectl pair: the guest's end of "Pairing" in docs/protocol.md. The one line that the host
 * looks for goes to standard output, and only when the key is stored.
 */

#include "agent/channel/key.h"
#include "agent/ctl/client/agent-state.h"
#include "agent/ctl/client/run.h"
#include "agent/ctl/client/service-files.h"
#include "agent/ctl/ctl.h"
#include "agent/guest/identity.h"
#include "agent/guest/wsl.h"

#include "protocol/session/session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* The host stores the key after it has our answer. An agent that connected earlier would be
 * refused, and it would try again only half a minute later. */
#define PAIR_DELAY_SEC 1

/* Read one line, or everything when there is no newline. Return: bytes, or negative errno. */
static ssize_t read_line(char text[KEY_FILE_MAX + 1]) {
        size_t n = 0;

        while (n < KEY_FILE_MAX + 1) {
                ssize_t k = read(STDIN_FILENO, text + n, KEY_FILE_MAX + 1 - n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                if (k == 0 || memchr(text + n, '\n', (size_t) k))
                        return (ssize_t) n + k;
                n += (size_t) k;
        }
        return (ssize_t) n;
}

static int read_key(uint8_t ret_key[WIRE_KEY_SIZE]) {
        char text[KEY_FILE_MAX + 1];
        ssize_t n;
        int r = KEY_E_BAD;

        if (isatty(STDIN_FILENO))
                (void) fputs("Reading the key from standard input: paste the line that "
                             "'wslbridge-helper pair --print' shows.\n",
                             stderr);
        n = read_line(text);
        if (n < 0)
                return ctl_error_errno((int) -n, "read", "the key");
        if (n <= KEY_FILE_MAX)
                r = key_parse(text, (size_t) n, ret_key);
        session_wipe(text, sizeof(text));
        if (r == 0)
                return CTL_EXIT_OK;
        return ctl_error(
                r == KEY_E_MISSING
                        ? "Standard input has no key; the key is the line that 'wslbridge-helper "
                          "pair --print' shows"
                        : "Standard input is not a key: a key is a line of 64 hexadecimal digits");
}

static int store_key(const char *root, const uint8_t key[WIRE_KEY_SIZE]) {
        _cleanup_free_ char *path = NULL;
        char line[2 * WIRE_KEY_SIZE + 2];
        int r;

        if (asprintf(&path, "%s" KEY_FILE, root) < 0) {
                path = NULL;
                return ctl_error_errno(ENOMEM, "write", KEY_FILE);
        }
        for (size_t i = 0; i < WIRE_KEY_SIZE; i++)
                (void) snprintf(line + 2 * i, 3, "%02x", key[i]);
        line[sizeof(line) - 2] = '\n';
        r = ctl_file_write(path, line, sizeof(line) - 1, 0600);
        session_wipe(line, sizeof(line));
        return r < 0 ? ctl_error_errno(-r, "write", KEY_FILE) : CTL_EXIT_OK;
}

/* "<agent id>/<name>": what the running agent calls itself, because that is what it proves to the
 * host. Without a running agent, what it will call itself. */
static int pair_identity(const char *root, const Report *report, char *ret_text, size_t size) {
        _cleanup_free_ char *directory = NULL;
        char distro[WIRE_DISTRO_MAX + 1];
        WireHello hello;
        Kept kept;
        int r = identity_load(&hello);
        size_t n = 0;

        if (r < 0)
                return ctl_error("Cannot find out the identity of this guest: %s", strerror(-r));
        if (r == IDENTITY_E_VOLATILE)
                return ctl_error("This guest has no machine id, so the key would be useless after "
                                 "the next start; run 'systemd-machine-id-setup', then pair again");
        if (report && strlen(report->agent_id) == (size_t) (2 * WIRE_ID_SIZE) && *report->distro) {
                (void) snprintf(ret_text, size, "%s/%s", report->agent_id, report->distro);
                return CTL_EXIT_OK;
        }
        if (asprintf(&directory, "%s" KEPT_DIRECTORY, root) < 0) {
                directory = NULL;
                return ctl_error_errno(ENOMEM, "read", KEPT_DIRECTORY);
        }
        (void) kept_load(directory, hello.agent_id, &kept);
        wsl_distro_name(&kept, distro);
        for (size_t i = 0; i < WIRE_ID_SIZE; i++)
                n += (size_t) snprintf(ret_text + n, size - n, "%02x", hello.agent_id[i]);
        (void) snprintf(ret_text + n, size - n, "/%s", distro);
        return CTL_EXIT_OK;
}

/* The key is a credential of the service, which is read only when the service starts. */
static bool runs_as_unit(const char *root, int pid) {
        char path[PATH_MAX], text[512];
        ssize_t n = -1;
        int fd;

        (void) snprintf(path, sizeof(path), "%s/proc/%d/cgroup", root, pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
                n = read(fd, text, sizeof(text) - 1);
                (void) close(fd);
        }
        text[n < 0 ? 0 : n] = '\0';
        return strstr(text, "/" CTL_UNIT) != NULL;
}

static bool systemd_runs(const char *root) {
        return *root == '\0' && access("/run/systemd/system", F_OK) == 0;
}

/* @pid: 0 = no agent has written its status. The service may be about to start, and may be reading
 * the old key. */
static void tell_agent(const char *root, int pid) {
        static const char *const argv[] = {"systemctl", "--no-block", "try-restart", CTL_UNIT,
                                           NULL};
        bool runs = ctl_agent_is(pid);
        char output[64];

        if (runs && !runs_as_unit(root, pid))
                (void) kill(pid, SIGHUP);
        else if ((runs || systemd_runs(root)) && ctl_run(argv, output, sizeof(output)) != 0)
                (void) ctl_error(
                        "Cannot restart the agent; run 'systemctl restart wslbridge-agent'");
}

/* Do it in a separate process that nothing waits for, because the host reads our answer only when
 * this process has ended. */
static void tell_agent_later(const char *root, int pid) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (null < 0 || fork() != 0)
                return;
        (void) setsid();
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                (void) dup2(null, fd);
        (void) sleep(PAIR_DELAY_SEC);
        tell_agent(root, pid);
        _exit(EXIT_SUCCESS);
}

int ctl_pair(const CtlOptions *o, int n, char **names) {
        _cleanup_(report_freep) Report *report = NULL;
        _cleanup_free_ char *problem = NULL;
        char identity[2 * WIRE_ID_SIZE + WIRE_DISTRO_MAX + 2];
        uint8_t key[WIRE_KEY_SIZE] = {0};
        int r;

        if (ctl_agent_read(o->root, &report, &problem) == -ENOMEM)
                return ctl_error_errno(ENOMEM, "read", CTL_STATUS_PATH);
        r = pair_identity(o->root, report, identity, sizeof(identity));
        if (r == CTL_EXIT_OK)
                r = read_key(key);
        if (r == CTL_EXIT_OK)
                r = store_key(o->root, key);
        session_wipe(key, sizeof(key));
        if (r != CTL_EXIT_OK)
                return r;
        if (printf("paired %s\n", identity) < 0 || fflush(stdout) != 0)
                return ctl_error_errno(errno, "write", "the answer");
        if (isatty(STDOUT_FILENO))
                tell_agent(o->root, report ? report->pid : 0);
        else
                tell_agent_later(o->root, report ? report->pid : 0);
        return CTL_EXIT_OK;
}
