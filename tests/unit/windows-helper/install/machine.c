/* SPDX-License-Identifier: MIT */

/*
 * What each step does to the made-up machine, and what takes it back.
 */

#include "tests/unit/windows-helper/install/machine.h"

#include <check.h>
#include <errno.h>

#define ALL_OLD                        \
        {                              \
                {.program = OLD}, {    \
                        .program = OLD \
                }                      \
        }

#define ALL_THERE \
        .data = true, .events = true, .hyperv = true, .path = true, .rules = true, .pairings = true

const Machine machine_fresh = {.entry = NONE};
const Machine machine_served = {
        .files = ALL_OLD, .entry = OLD, .serves = OLD, .relay = true, .relays = OLD, ALL_THERE};
const Machine machine_single = {
        .files = {{.program = OLD}}, .entry = OLD, .serves = OLD, ALL_THERE};
const Machine machine_stopped = {.files = ALL_OLD,
                                 .entry = OLD,
                                 .relay = true,
                                 .data = true,
                                 .events = true,
                                 .hyperv = true,
                                 .pairings = true};
const Machine machine_removed = {.files = {{.program = OLD}}, .delete_program = true};

/* Whether the process is killed behind this file. */
static bool is_killed_at(const Run *run, int step, size_t file) {
        return run->kind == KILL_HALF && run->fault == step && file == 0;
}

/* A step that goes from file to file. */
static int install_files(Run *run, InstallStep step) {
        for (size_t i = 0; i < N_FILES; i++) {
                File *f = &run->m->files[i];

                if (step == INSTALL_COPY) {
                        f->copy = true;
                } else if (step == INSTALL_AWAY) {
                        f->aside = f->program != NONE;
                        f->program = NONE;
                } else {
                        ck_assert(f->copy);
                        f->copy = false;
                        f->program = NEW;
                }
                if (is_killed_at(run, step, i))
                        return -EINTR;
        }
        return 0;
}

static void promise(Machine *m) {
        for (size_t i = 0; i < N_FILES; i++)
                m->files[i].had = m->files[i].program == OLD || m->files[i].aside;
        m->promised = true;
        m->delete_program = false;
}

static int install_do(Run *run, InstallStep step) {
        Machine *m = run->m;

        switch (step) {
        case INSTALL_COPY:
        case INSTALL_AWAY:
        case INSTALL_PLACE:
                return install_files(run, step);
        case INSTALL_DATA:
                m->data = true;
                return 0;
        case INSTALL_EVENTS:
                m->events = true;
                return 0;
        case INSTALL_HYPERV:
                m->hyperv = true;
                return 0;
        case INSTALL_PATH:
                m->path = true;
                return 0;
        case INSTALL_RELAY:
                m->relay = true;
                return 0;
        case INSTALL_STOP:
                m->serves = m->relays = NONE;
                return 0;
        case INSTALL_PENDING:
                promise(m);
                return 0;
        case INSTALL_SETTLE:
                m->promised = false;
                return 0;
        case INSTALL_ENTRY:
                m->entry = NEW;
                return 0;
        case INSTALL_START:
                ck_assert(machine_is_whole(m));
                ck_assert_int_eq(m->files[0].program, NEW);
                ck_assert_int_eq(m->entry, NEW);
                ck_assert(m->relay);
                m->serves = NONE; /* what runs already is ended first */
                m->relays = run->before.relays != NONE ? NEW : NONE;
                if (run->no_start)
                        return -ECHILD;
                m->serves = NEW;
                return 0;
        case _INSTALL_END:
                break;
        }
        return -ENOSYS;
}

static void install_files_undo(Run *run, InstallStep step) {
        for (size_t i = 0; i < N_FILES; i++) {
                File *f = &run->m->files[i];

                if (step == INSTALL_COPY) {
                        f->copy = false;
                } else if (step == INSTALL_AWAY) {
                        if (f->aside)
                                f->program = OLD;
                        f->aside = false;
                } else if (f->program == NEW) {
                        f->program = NONE;
                        f->copy = true;
                }
        }
}

static int install_undo(void *userdata, int step) {
        Run *run = userdata;
        Machine *m = run->m;

        if (run->killed)
                return 0;
        switch ((InstallStep) step) {
        case INSTALL_COPY:
        case INSTALL_AWAY:
        case INSTALL_PLACE:
                install_files_undo(run, step);
                break;
        case INSTALL_DATA:
                m->data = run->before.data;
                break;
        case INSTALL_EVENTS:
                m->events = run->before.events;
                break;
        case INSTALL_HYPERV:
                m->hyperv = run->before.hyperv;
                break;
        case INSTALL_PATH:
                m->path = run->before.path;
                break;
        case INSTALL_RELAY:
                ck_assert(run->before.relay || m->relays == NONE);
                m->relay = run->before.relay;
                break;
        case INSTALL_STOP:
                m->relays = run->before.relays;
                if (run->before.serves != NONE || m->serves != NONE) {
                        ck_assert(machine_is_whole(m));
                        ck_assert_int_eq(m->files[0].program, OLD);
                        ck_assert_int_eq(m->entry, OLD);
                        m->serves = OLD;
                }
                break;
        case INSTALL_PENDING:
                m->promised = false;
                m->delete_program = run->before.delete_program;
                break;
        case INSTALL_SETTLE:
                promise(m);
                break;
        case INSTALL_ENTRY:
                m->entry = run->before.entry;
                break;
        case INSTALL_START:
                m->serves = m->relays = NONE;
                break;
        case _INSTALL_END:
                ck_abort();
        }
        return 0;
}

static int uninstall_do(Run *run, UninstallStep step) {
        Machine *m = run->m;

        switch (step) {
        case UNINSTALL_STOP:
                m->serves = m->relays = NONE;
                return 0;
        case UNINSTALL_RULES:
                if (m->serves != NONE) /* it has the lock */
                        return -EBUSY;
                m->rules = false;
                return 0;
        case UNINSTALL_ENTRY:
                m->entry = NONE;
                return 0;
        case UNINSTALL_AGAIN:
                m->serves = NONE;
                m->rules = false;
                return 0;
        case UNINSTALL_RELAY:
                ck_assert_int_eq(m->serves, NONE); /* it would start the relay again */
                m->relay = false;
                m->relays = NONE;
                return 0;
        case UNINSTALL_SETTINGS:
                ck_assert(!m->rules);
                ck_assert_int_eq(m->serves, NONE);
                m->pairings = m->pairings && run->keep;
                return 0;
        case UNINSTALL_EVENTS:
                m->events = false;
                return 0;
        case UNINSTALL_HYPERV:
                m->hyperv = false;
                return 0;
        case UNINSTALL_PATH:
                m->path = false;
                return 0;
        case UNINSTALL_DATA:
                m->data = false;
                return 0;
        case UNINSTALL_PROGRAM: /* they are in use, so a restart deletes them */
                for (size_t i = 0; i < N_FILES; i++) {
                        File *f = &m->files[i];

                        f->aside = f->delete_aside = f->program != NONE;
                        f->program = NONE;
                        f->copy = false;
                }
                m->promised = m->delete_program = false;
                return 0;
        case _UNINSTALL_END:
                break;
        }
        return -ENOSYS;
}

static int uninstall_undo(void *userdata, int step) {
        Run *run = userdata;
        Machine *m = run->m;

        if (run->killed || step != UNINSTALL_STOP)
                return 0;
        m->relays = run->before.relays;
        if (run->before.serves != NONE || m->serves != NONE) {
                m->serves = OLD;
                m->rules = true; /* it makes them again */
        }
        return 0;
}

/* A service that is marked for removal is not started any more. */
static void revive(Machine *m) {
        if (m->serves == NONE && m->entry != NONE) {
                m->serves = m->files[0].program;
                m->relays = m->relay ? m->files[1].program : NONE; /* which it needs */
                m->rules = m->serves != NONE;
        }
}

static int run_step(Run *run, int step, int (*act)(Run *run, int step)) {
        int r;

        if (run->killed)
                return -EINTR;
        if (run->fault == step && run->kind == FAIL_BEFORE)
                return -EIO;
        r = act(run, step);
        if (run->revive == step)
                revive(run->m);
        if (run->fault == step && run->kind >= KILL)
                run->killed = true;
        return run->fault == step ? -EIO : r;
}

static int act_install(Run *run, int step) {
        return install_do(run, step);
}

static int act_uninstall(Run *run, int step) {
        return uninstall_do(run, step);
}

static int host_install(void *userdata, int step) {
        return run_step(userdata, step, act_install);
}

static int host_uninstall(void *userdata, int step) {
        return run_step(userdata, step, act_uninstall);
}

/* As install() does after the last step, and at the beginning of the next try. */
static void sweep(Machine *m) {
        for (size_t i = 0; i < N_FILES; i++)
                m->files[i].aside = m->files[i].copy = m->files[i].delete_aside = false;
}

/* What Windows was told to do. */
static void keep_promise(Machine *m) {
        for (size_t i = 0; i < N_FILES && m->promised; i++) {
                File *f = &m->files[i];

                if (f->aside)
                        f->program = OLD;
                else if (!f->had)
                        f->program = NONE;
                f->aside = false;
        }
        m->promised = false;
}

static void repair(Machine *m) {
        if (m->files[0].had)
                keep_promise(m);
}

PlanResult machine_install(Run *run) {
        PlanHost host = {host_install, install_undo, run};
        PlanResult result;

        repair(run->m);
        run->before = *run->m;
        result = plan_install(&host);
        if (result.error == 0)
                sweep(run->m);
        return result;
}

PlanResult machine_uninstall(Run *run) {
        PlanHost host = {host_uninstall, uninstall_undo, run};

        run->before = *run->m;
        return plan_uninstall(&host);
}

void machine_restart(Machine *m) {
        keep_promise(m);
        if (m->delete_program)
                m->files[0].program = NONE;
        for (size_t i = 0; i < N_FILES; i++) {
                if (m->files[i].delete_aside)
                        m->files[i].aside = false;
                m->files[i].delete_aside = false;
        }
        m->delete_program = false;
        m->serves = m->entry != NONE ? m->files[0].program : NONE;
        m->relays = NONE; /* until the helper needs it */
}

static bool file_equal(const File *a, const File *b) {
        return a->program == b->program && a->copy == b->copy && a->aside == b->aside &&
               a->delete_aside == b->delete_aside;
}

bool machine_equal(const Machine *a, const Machine *b) {
        for (size_t i = 0; i < N_FILES; i++)
                if (!file_equal(&a->files[i], &b->files[i]))
                        return false;
        return a->entry == b->entry && a->serves == b->serves && a->relay == b->relay &&
               a->relays == b->relays && a->promised == b->promised &&
               a->delete_program == b->delete_program && a->data == b->data &&
               a->events == b->events && a->hyperv == b->hyperv && a->path == b->path &&
               a->rules == b->rules && a->pairings == b->pairings;
}

bool machine_is_whole(const Machine *m) {
        for (size_t i = 1; i < N_FILES; i++)
                if (m->files[i].program != m->files[0].program &&
                    !(m->files[0].program == OLD && m->files[i].program == NONE))
                        return false;
        return true;
}

void machine_sweep_aside(Machine *m) {
        for (size_t i = 0; i < N_FILES; i++)
                m->files[i].aside = false;
}
