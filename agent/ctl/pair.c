/* SPDX-License-Identifier: MIT */

/*
 * wslbridgectl pair: the guest's end of "Pairing" in docs/protocol.md. The lines that the host
 * looks for go to standard output.
 *
 * The new key is first written beside the old one, then the host is told, and only then it takes
 * the old one's place. So whatever fails leaves the old key in force, and a run that is killed
 * leaves a file that nobody reads and that the next run replaces.
 */

#include "agent/channel/key.h"
#include "agent/ctl/client/agent-state.h"
#include "agent/ctl/client/run.h"
#include "agent/ctl/client/service-files.h"
#include "agent/ctl/ctl.h"
#include "agent/guest/identity.h"
#include "agent/guest/wsl.h"
#include "agent/util/read-all.h"

#include "protocol/session/session.h"

#include "common/hex.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Without --confirm, the host stores the key after it has our answer. An agent that connected
 * earlier would be refused, and it would try again only half a minute later. */
#define PAIR_DELAY_SEC 1

/* The host answers at once. It may also be gone without our input ending, when WSL's relay hangs.
 */
#define PAIR_CONFIRM_MSEC 60000

#define KEY_FILE_NEXT KEY_FILE ".next"

/* Read one line, or everything when there is no newline. The host writes nothing behind its line
 * before it has our answer. Return: bytes, or negative errno. */
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
        if (n >= 0 && n <= KEY_FILE_MAX)
                r = key_parse(text, (size_t) n, ret_key);
        session_wipe(text, sizeof(text));
        if (n < 0)
                return ctl_error_errno((int) -n, "read", "the key");
        if (r == 0)
                return CTL_EXIT_OK;
        return ctl_error(
                r == KEY_E_MISSING
                        ? "Standard input has no key; the key is the line that 'wslbridge-helper "
                          "pair --print' shows"
                        : "Standard input is not a key: a key is a line of 64 hexadecimal digits");
}

/* Write the key beside the one in force. */
static int write_key(const char *path, const uint8_t key[WIRE_KEY_SIZE]) {
        char line[2 * WIRE_KEY_SIZE + 2];
        int r;

        hex_format(key, WIRE_KEY_SIZE, line);
        line[sizeof(line) - 2] = '\n';
        r = ctl_file_write(path, line, sizeof(line) - 1, 0600);
        session_wipe(line, sizeof(line));
        return r < 0 ? ctl_error_errno(-r, "write", KEY_FILE) : CTL_EXIT_OK;
}

/* Who this guest is: what the running agent calls itself, because that is what it proves to the
 * host. Without a running agent, what it will call itself. */
typedef struct Identity {
        char *directory;           /* where the name is kept; owned */
        Installation installation; /* that it is kept for */
        bool wsl;
        char name[WIRE_DISTRO_MAX + 1];
        char text[2 * WIRE_ID_SIZE + WIRE_DISTRO_MAX + 2]; /* "<agent id>/<name>" */
} Identity;

static void identity_done(Identity *id) {
        free(id->directory);
}

static int find_identity(const char *root, const Report *report, Identity *id) {
        char agent_id[2 * WIRE_ID_SIZE + 1];
        WireHello hello;
        Kept kept;
        int r = identity_load(&hello);

        if (r < 0)
                return ctl_error("Cannot find out the identity of this guest: %s", strerror(-r));
        if (r == IDENTITY_E_VOLATILE)
                return ctl_error("This guest has no machine id, so the key would be useless after "
                                 "the next start; run 'systemd-machine-id-setup', then pair again");
        if (asprintf(&id->directory, "%s" KEPT_DIRECTORY, root) < 0) {
                id->directory = NULL;
                return ctl_error_errno(ENOMEM, "read", KEPT_DIRECTORY);
        }
        id->wsl = report ? report->wsl : wsl_is_here();
        memcpy(id->installation.id, hello.agent_id, WIRE_ID_SIZE);
        if (!id->wsl)
                identity_of_machine(root, /* credentials= */ NULL, hello.agent_id,
                                    &id->installation);
        hex_format(hello.agent_id, WIRE_ID_SIZE, agent_id);
        if (report && strlen(report->agent_id) == (size_t) (2 * WIRE_ID_SIZE) && *report->distro) {
                memcpy(agent_id, report->agent_id, sizeof(agent_id));
                (void) snprintf(id->name, sizeof(id->name), "%s", report->distro);
        } else {
                (void) kept_load(id->directory, &id->installation, &kept);
                wsl_distro_name(&kept, id->name);
        }
        (void) snprintf(id->text, sizeof(id->text), "%s/%s", agent_id, id->name);
        return CTL_EXIT_OK;
}

/* The host name may change. In WSL the agent keeps the name, and knows it better. */
static void keep_name(const Identity *id) {
        Kept kept = {0};
        int r;

        if (id->wsl)
                return;
        memcpy(kept.distro, id->name, sizeof(kept.distro));
        r = kept_save(id->directory, &id->installation, &kept);
        if (r < 0)
                (void) ctl_error("Cannot keep the name '%s' in " KEPT_DIRECTORY ", ignoring: %s; "
                                 "if this guest is renamed, pair it again",
                                 id->name, strerror(-r));
}

static int answer(const char *word, const char *identity) {
        if (printf("%s %s\n", word, identity) < 0 || fflush(stdout) != 0)
                return ctl_error_errno(errno, "write", "the answer");
        return CTL_EXIT_OK;
}

/* Wait for the host to say that it has stored the key. Its end of input means that it has not. */
static int await_host(void) {
        static const char stored[] = "stored\n";
        struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
        char text[KEY_FILE_MAX + 1] = "";
        ssize_t n = 0;
        int r;

        do
                r = poll(&p, 1, PAIR_CONFIRM_MSEC);
        while (r < 0 && errno == EINTR);
        if (r > 0)
                n = read_line(text);
        if (n == sizeof(stored) - 1 && memcmp(text, stored, sizeof(stored) - 1) == 0)
                return CTL_EXIT_OK;
        return ctl_error("The host has not stored the key, so this guest keeps what it had before; "
                         "pair again");
}

/* Tell the host, and put the key at @next in force. */
static int agree(const char *next, const char *path, const Identity *id, bool confirm) {
        int r = answer("paired", id->text), error;

        if (r == CTL_EXIT_OK && confirm)
                r = await_host();
        if (r != CTL_EXIT_OK)
                return r;
        error = ctl_file_move(next, path);
        if (error < 0)
                return ctl_error_errno(-error, "replace", KEY_FILE);
        if (confirm)
                r = answer("confirmed", id->text);
        keep_name(id); /* last, because the pairing does not depend on it */
        return r;
}

/* One at a time: two keys at once could become the host's and the guest's. */
static int store_key(const CtlOptions *o, const uint8_t key[WIRE_KEY_SIZE], const Identity *id) {
        _cleanup_free_ char *path = NULL, *next = NULL;
        _cleanup_close_ int lock = ctl_pairing_lock(o->root);
        int r;

        if (lock < 0)
                return ctl_lock_error(-lock, "the key");
        if (asprintf(&path, "%s" KEY_FILE, o->root) < 0)
                path = NULL;
        if (asprintf(&next, "%s" KEY_FILE_NEXT, o->root) < 0)
                next = NULL;
        if (!path || !next)
                return ctl_error_errno(ENOMEM, "write", KEY_FILE);
        r = write_key(next, key);
        if (r == CTL_EXIT_OK)
                r = agree(next, path, id, o->confirm);
        (void) unlink(next); /* where something failed */
        return r;
}

/* The key is a credential of the service, which is read only when the service starts. */
static bool runs_as_unit(const char *root, int pid) {
        char path[PATH_MAX], text[512];
        ssize_t n = -1;
        int fd;

        (void) snprintf(path, sizeof(path), "%s/proc/%d/cgroup", root, pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
                n = read_all(fd, text, sizeof(text) - 1);
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
        static const char unit[] = CTL_UNIT;
        static const char *const argv[] = {"systemctl", "--no-block", "try-restart", unit, NULL};
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
static void tell_agent_later(const char *root, int pid, unsigned delay_sec) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        pid_t child = null < 0 ? -1 : fork();

        if (child < 0)
                (void) ctl_error("Cannot tell the agent of the new key: %s; run 'systemctl restart "
                                 "wslbridge-agent'",
                                 strerror(errno));
        if (child != 0)
                return;
        (void) setsid();
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                (void) dup2(null, fd);
        (void) sleep(delay_sec);
        tell_agent(root, pid);
        _exit(EXIT_SUCCESS);
}

int ctl_pair(const CtlOptions *o, int n, char **names) {
        _cleanup_(report_freep) Report *report = NULL;
        _cleanup_free_ char *problem = NULL;
        _cleanup_(identity_done) Identity id = {0};
        uint8_t key[WIRE_KEY_SIZE] = {0};
        int r;

        if (ctl_agent_read(o->root, &report, &problem) == -ENOMEM)
                return ctl_error_errno(ENOMEM, "read", CTL_STATUS_PATH);
        r = find_identity(o->root, report, &id);
        if (r == CTL_EXIT_OK)
                r = read_key(key);
        if (r == CTL_EXIT_OK)
                r = store_key(o, key, &id);
        session_wipe(key, sizeof(key));
        if (r != CTL_EXIT_OK)
                return r;
        if (isatty(STDOUT_FILENO))
                tell_agent(o->root, report ? report->pid : 0);
        else
                tell_agent_later(o->root, report ? report->pid : 0,
                                 o->confirm ? 0 : PAIR_DELAY_SEC);
        return CTL_EXIT_OK;
}
