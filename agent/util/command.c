/* SPDX-License-Identifier: MIT */

/*
 * Runs a program and collects its output; see command.h.
 *
 * The end of the process counts, not the end of its output, because something that it left in the
 * background may hold the pipe. That is killed then. A killed process may take long to end (when a
 * file system of the host does not answer), so the answer does not wait for it: the event source of
 * the child is left to itself, and frees itself when there is something to reap.
 */

#include "agent/util/command.h"

#include "agent/util/reap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/wait.h>

struct Command {
        /* configuration */
        CommandFn fn;
        void *userdata;

        /* owned */
        sd_event_source *child; /* NULL: we no longer wait for it */
        sd_event_source *io;
        sd_event_source *limit;
        int fd; /* its standard output */
        pid_t pid;

        /* state */
        char output[COMMAND_OUTPUT_MAX + 1]; /* one byte of room to notice that there is more */
        size_t n_output;
};

/* The process with all that it has started and that is still in its group. Its number belongs to
 * nobody else until it has been reaped. */
static void command_kill(const Command *c) {
        (void) kill(-c->pid, SIGKILL);
}

/* Kill it, and leave it to be reaped later. */
static void command_abandon(Command *c) {
        if (!c->child)
                return;
        command_kill(c);
        (void) sd_event_source_set_userdata(c->child, NULL);
        (void) sd_event_source_set_floating(c->child, 1);
        c->child = sd_event_source_unref(c->child);
}

static void command_close(Command *c) {
        command_abandon(c);
        c->io = sd_event_source_disable_unref(c->io);
        c->limit = sd_event_source_disable_unref(c->limit);
        closep(&c->fd);
        c->fd = -1;
}

static int command_finish(Command *c, CommandOutcome outcome) {
        command_close(c);
        return c->fn(c, outcome, c->output, c->n_output, c->userdata);
}

/* Read what is there. Return: 1 when more may come, 0 at the end, -EMSGSIZE, or negative errno. */
static int command_read(Command *c) {
        for (;;) {
                ssize_t n = read(c->fd, c->output + c->n_output, sizeof(c->output) - c->n_output);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == EAGAIN ? 1 : -errno;
                if (n == 0)
                        return 0;
                c->n_output += (size_t) n;
                if (c->n_output > COMMAND_OUTPUT_MAX)
                        return -EMSGSIZE;
        }
}

static CommandOutcome outcome_of_read(int r) {
        return r == -EMSGSIZE ? COMMAND_CHATTY : COMMAND_FAILED;
}

static int command_on_output(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        Command *c = userdata;
        int r;

        r = command_read(c);
        if (r < 0)
                return command_finish(c, outcome_of_read(r));
        return r == 0 ? sd_event_source_set_enabled(c->io, SD_EVENT_OFF) : 0;
}

static int command_on_exit(sd_event_source *s, const siginfo_t *si, void *userdata) {
        Command *c = userdata;
        int r;

        if (!c) /* abandoned; this ends the source */
                return sd_event_source_set_floating(s, 0);
        command_kill(c);                            /* what it has left in the background */
        c->child = sd_event_source_unref(c->child); /* the loop reaps it after this */
        r = command_read(c);
        if (r < 0)
                return command_finish(c, outcome_of_read(r));
        return command_finish(c, si->si_code == CLD_EXITED && si->si_status == 0 ? COMMAND_OK
                                                                                 : COMMAND_FAILED);
}

static int command_on_limit(sd_event_source *s, uint64_t usec, void *userdata) {
        return command_finish(userdata, COMMAND_SLOW);
}

/* The program gets a process group of its own, so that it can be killed with its children, and none
 * of our signal settings. Most signals are blocked here and SIGPIPE is ignored, and our own parent
 * may have had more of them ignored, as shells do for background jobs. */
static int spawn_attributes(posix_spawnattr_t *attributes) {
        sigset_t none, defaults;
        int r;

        sigemptyset(&none);
        sigfillset(&defaults);
        r = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                         POSIX_SPAWN_SETSIGDEF);
        if (r == 0)
                r = posix_spawnattr_setpgroup(attributes, 0);
        if (r == 0)
                r = posix_spawnattr_setsigmask(attributes, &none);
        if (r == 0)
                r = posix_spawnattr_setsigdefault(attributes, &defaults);
        return -r;
}

static int spawn_files(posix_spawn_file_actions_t *files, int output) {
        int r;

        r = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(files, output, STDOUT_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_addopen(files, STDERR_FILENO, "/dev/null", O_WRONLY,
                                                     0);
        return -r;
}

static int command_spawn(const char *const argv[], int output, pid_t *ret_pid) {
        static char *const environment[] = {(char *) "LC_ALL=C", (char *) "PATH=/usr/bin:/bin",
                                            NULL};
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attributes;
        int r;

        r = -posix_spawn_file_actions_init(&files);
        if (r < 0)
                return r;
        r = -posix_spawnattr_init(&attributes);
        if (r < 0) {
                (void) posix_spawn_file_actions_destroy(&files);
                return r;
        }
        r = spawn_files(&files, output);
        if (r == 0)
                r = spawn_attributes(&attributes);
        /* POSIX takes argv without const and promises to leave the strings alone. */
        if (r == 0) {
                r = -posix_spawn(ret_pid, argv[0], &files, &attributes, (char *const *) argv,
                                 environment);
        }
        (void) posix_spawnattr_destroy(&attributes);
        (void) posix_spawn_file_actions_destroy(&files);
        return r;
}

static int command_watch(Command *c, sd_event *event, uint64_t limit_usec) {
        int r;

        r = sd_event_add_io(event, &c->io, c->fd, EPOLLIN, command_on_output, c);
        if (r >= 0)
                r = sd_event_source_set_exit_on_failure(c->io, 1);
        if (r >= 0)
                r = sd_event_add_time_relative(event, &c->limit, CLOCK_MONOTONIC, limit_usec,
                                               10 * USEC_PER_MSEC, command_on_limit, c);
        if (r >= 0)
                r = sd_event_source_set_exit_on_failure(c->limit, 1);
        return r < 0 ? r : 0;
}

int command_start(Command **ret_command, sd_event *event, const char *const argv[],
                  uint64_t limit_usec, CommandFn fn, void *userdata) {
        _cleanup_(command_freep) Command *c = NULL;
        _cleanup_close_ int output = -1;
        int r, fds[2];

        c = malloc(sizeof(*c));
        if (!c)
                return -ENOMEM;
        *c = (Command){.fn = fn, .userdata = userdata, .fd = -1};
        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        c->fd = fds[0];
        output = fds[1];
        if (fcntl(c->fd, F_SETFL, O_NONBLOCK) < 0) /* the child's end stays blocking */
                return -errno;
        r = command_watch(c, event, limit_usec);
        if (r < 0)
                return r;
        r = command_spawn(argv, output, &c->pid);
        if (r < 0)
                return r;
        r = sd_event_add_child(event, &c->child, c->pid, WEXITED, command_on_exit, c);
        if (r >= 0)
                r = sd_event_source_set_exit_on_failure(c->child, 1);
        if (r < 0) {
                command_kill(c);
                if (!c->child)
                        (void) reap_within(c->pid, REAP_KILLED_USEC, NULL);
                return r;
        }
        *ret_command = TAKE_PTR(c);
        return 0;
}

Command *command_free(Command *c) {
        if (!c)
                return NULL;
        command_close(c);
        free(c);
        return NULL;
}
