/* SPDX-License-Identifier: MIT */

/*
 * What each step does to the made-up machine, and what takes it back.
 */

#include "tests/unit/windows-helper/install/machine.h"

#include <check.h>
#include <errno.h>

const Machine machine_fresh = {.program = NONE};
const Machine machine_served = {.program = OLD,
                                .entry = OLD,
                                .serves = OLD,
                                .data = true,
                                .events = true,
                                .hyperv = true,
                                .path = true,
                                .rules = true,
                                .pairings = true};
const Machine machine_stopped = {.program = OLD,
                                 .entry = OLD,
                                 .data = true,
                                 .events = true,
                                 .hyperv = true,
                                 .pairings = true};
const Machine machine_removed = {.program = OLD, .delete_program = true};

static int install_do(Run *run, InstallStep step) {
        Machine *m = run->m;

        switch (step) {
        case INSTALL_COPY:
                m->copy = true;
                return 0;
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
        case INSTALL_STOP:
                m->serves = NONE;
                return 0;
        case INSTALL_PENDING:
                m->promised = m->program != NONE;
                m->delete_program = false;
                return 0;
        case INSTALL_AWAY:
                m->aside = m->program != NONE;
                m->program = NONE;
                return 0;
        case INSTALL_PLACE:
                ck_assert(m->copy);
                m->copy = false;
                m->program = NEW;
                return 0;
        case INSTALL_ENTRY:
                m->entry = NEW;
                return 0;
        case INSTALL_START:
                ck_assert_int_eq(m->program, NEW);
                ck_assert_int_eq(m->entry, NEW);
                m->serves = NONE; /* what runs already is ended first */
                if (run->no_start)
                        return -ECHILD;
                m->serves = NEW;
                return 0;
        case _INSTALL_END:
                break;
        }
        return -ENOSYS;
}

static int install_undo(void *userdata, int step) {
        Run *run = userdata;
        Machine *m = run->m;

        if (run->killed)
                return 0;
        switch ((InstallStep) step) {
        case INSTALL_COPY:
                m->copy = false;
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
        case INSTALL_STOP:
                if (run->before.serves != NONE || m->serves != NONE) {
                        ck_assert_int_eq(m->program, OLD);
                        ck_assert_int_eq(m->entry, OLD);
                        m->serves = OLD;
                }
                break;
        case INSTALL_PENDING:
                m->promised = false;
                m->delete_program = run->before.delete_program;
                break;
        case INSTALL_AWAY:
                if (m->aside)
                        m->program = OLD;
                m->aside = false;
                break;
        case INSTALL_PLACE:
                if (m->program == NEW) {
                        m->program = NONE;
                        m->copy = true;
                }
                break;
        case INSTALL_ENTRY:
                m->entry = run->before.entry;
                break;
        case INSTALL_START:
                m->serves = NONE;
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
                m->serves = NONE;
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
        case UNINSTALL_PROGRAM: /* it is the running one, so a restart deletes it */
                m->aside = m->delete_aside = m->program != NONE;
                m->program = NONE;
                m->copy = m->promised = m->delete_program = false;
                return 0;
        case _UNINSTALL_END:
                break;
        }
        return -ENOSYS;
}

static int uninstall_undo(void *userdata, int step) {
        Run *run = userdata;
        Machine *m = run->m;

        if (!run->killed && step == UNINSTALL_STOP &&
            (run->before.serves != NONE || m->serves != NONE)) {
                m->serves = OLD;
                m->rules = true; /* it makes them again */
        }
        return 0;
}

/* A service that is marked for removal is not started any more. */
static void revive(Machine *m) {
        if (m->serves == NONE && m->entry != NONE) {
                m->serves = m->program;
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
        if (run->fault == step && run->kind == KILL)
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
        m->aside = m->promised = m->copy = m->delete_aside = false;
}

static void repair(Machine *m) {
        if (m->program == NONE && m->aside && m->entry != NONE) {
                m->program = OLD;
                m->aside = false;
        }
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
        if (m->promised && m->aside && m->program == NONE) {
                m->program = OLD;
                m->aside = false;
        }
        if (m->delete_program)
                m->program = NONE;
        if (m->delete_aside)
                m->aside = false;
        m->promised = m->delete_program = m->delete_aside = false;
        m->serves = m->entry != NONE ? m->program : NONE;
}

bool machine_equal(const Machine *a, const Machine *b) {
        return a->program == b->program && a->entry == b->entry && a->serves == b->serves &&
               a->copy == b->copy && a->aside == b->aside && a->promised == b->promised &&
               a->delete_program == b->delete_program && a->delete_aside == b->delete_aside &&
               a->data == b->data && a->events == b->events && a->hyperv == b->hyperv &&
               a->path == b->path && a->rules == b->rules && a->pairings == b->pairings;
}
