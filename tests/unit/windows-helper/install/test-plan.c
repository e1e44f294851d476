/* SPDX-License-Identifier: MIT */

/*
 * Installing, updating and removing over a made-up machine: each step fails, before or after it has
 * done its work, or the process is killed behind it. Then: who serves, what is left, what does a
 * restart of Windows do, and does the same command complete it?
 */

#include "tests/unit/windows-helper/install/machine.h"

#include "tests/suite.h"

#include <errno.h>

static const Machine *const machines[] = {&machine_fresh, &machine_served, &machine_single,
                                          &machine_stopped, &machine_removed};
#define N_MACHINES (sizeof(machines) / sizeof(machines[0]))

static void expect_installed(const Machine *m) {
        Machine after = *m;

        machine_restart(&after);
        ck_assert(m->serves == NEW && after.serves == NEW);
        ck_assert(machine_is_whole(m) && machine_is_whole(&after));
        ck_assert(m->entry == NEW);
        for (size_t i = 0; i < N_FILES; i++)
                ck_assert(m->files[i].program == NEW && !m->files[i].copy && !m->files[i].aside);
        ck_assert(m->relay && after.relay);
        ck_assert(m->relays == NONE || m->relays == NEW);
        ck_assert(m->data && m->events && m->hyperv && m->path && !m->promised &&
                  !m->delete_program);
}

START_TEST(test_install_and_uninstall) {
        for (size_t i = 0; i < N_MACHINES; i++) {
                Machine m = *machines[i];
                Run run = {.m = &m, .fault = -1, .revive = -1};

                ck_assert_int_eq(machine_install(&run).error, 0);
                expect_installed(&m);
                ck_assert_int_eq(m.relays, machines[i]->relays != NONE ? NEW : NONE);
                ck_assert_int_eq(machine_uninstall(&run).error, 0);
                machine_restart(&m);
                ck_assert(machine_equal(&m, &machine_fresh));
        }
}
END_TEST

START_TEST(test_each_step_of_install_fails) {
        for (size_t i = 0; i < N_MACHINES; i++) {
                for (int step = 0; step < _INSTALL_END; step++) {
                        for (int kind = FAIL_BEFORE; kind <= FAIL_AFTER; kind++) {
                                Machine m = *machines[i];
                                Run run = {.m = &m, .fault = step, .revive = -1, .kind = kind};
                                PlanResult result = machine_install(&run);

                                ck_assert_int_eq(result.error, -EIO);
                                ck_assert_int_eq(result.step, step);
                                ck_assert(result.undone);
                                ck_assert_msg(machine_equal(&m, machines[i]), "step %s",
                                              plan_install_name(step));
                                run.fault = -1;
                                ck_assert_int_eq(machine_install(&run).error, 0);
                                expect_installed(&m);
                        }
                }
        }
}
END_TEST

START_TEST(test_a_version_that_does_not_start) {
        Machine m = machine_served;
        Run run = {.m = &m, .fault = -1, .revive = -1, .no_start = true};
        PlanResult result = machine_install(&run);

        ck_assert(result.error == -ECHILD && result.step == INSTALL_START && result.undone);
        ck_assert(machine_equal(&m, &machine_served));
}
END_TEST

/* The service had crashed, so the service manager starts it at any moment: with the old program,
 * with the new one, or with none. */
START_TEST(test_started_by_the_service_manager) {
        for (int revive = 0; revive < INSTALL_START; revive++) {
                for (int step = revive; step <= _INSTALL_END; step++) {
                        Machine m = machine_stopped;
                        Run run = {.m = &m, .fault = step, .kind = FAIL_AFTER, .revive = revive};
                        PlanResult result = machine_install(&run);

                        if (step == _INSTALL_END) {
                                ck_assert_int_eq(result.error, 0);
                                expect_installed(&m);
                        } else {
                                ck_assert(result.undone && m.files[0].program == OLD &&
                                          m.entry == OLD);
                                ck_assert(m.serves != NEW);
                        }
                }
        }
}
END_TEST

START_TEST(test_started_by_the_service_manager_while_removed) {
        for (int revive = 0; revive < _UNINSTALL_END; revive++) {
                Machine m = machine_stopped;
                Run run = {.m = &m, .fault = -1, .revive = revive};
                PlanResult result = machine_uninstall(&run);

                if (revive == UNINSTALL_STOP) {
                        ck_assert(result.error == -EBUSY && result.undone && m.serves == OLD);
                        run.revive = -1;
                        result = machine_uninstall(&run);
                }
                ck_assert_int_eq(result.error, 0);
                ck_assert(m.serves == NONE && !m.rules);
                ck_assert(!m.relay && m.relays == NONE);
        }
}
END_TEST

START_TEST(test_killed_behind_each_step_of_install) {
        for (size_t i = 0; i < N_MACHINES; i++) {
                for (int step = 0; step < 2 * _INSTALL_END; step++) {
                        for (int restarted = 0; restarted < 2; restarted++) {
                                Machine m = *machines[i];
                                Run run = {.m = &m,
                                           .fault = step / 2,
                                           .revive = -1,
                                           .kind = step % 2 ? KILL_HALF : KILL};

                                (void) machine_install(&run);
                                if (restarted) {
                                        machine_restart(&m);
                                        ck_assert(machines[i]->serves == NONE || m.serves != NONE);
                                        ck_assert(m.serves == m.files[0].program ||
                                                  m.entry == NONE);
                                        ck_assert_msg(machine_is_whole(&m), "step %s",
                                                      plan_install_name(step / 2));
                                }
                                run = (Run){.m = &m, .fault = -1, .revive = -1};
                                ck_assert_int_eq(machine_install(&run).error, 0);
                                expect_installed(&m);
                        }
                }
        }
}
END_TEST

START_TEST(test_killed_and_then_removed) {
        for (int step = 0; step < _INSTALL_END; step++) {
                Machine m = machine_served;
                Run run = {.m = &m, .fault = step, .revive = -1, .kind = KILL};

                (void) machine_install(&run);
                run = (Run){.m = &m, .fault = -1, .revive = -1};
                ck_assert_int_eq(machine_uninstall(&run).error, 0);
                machine_restart(&m);
                machine_sweep_aside(&m);
                ck_assert(machine_equal(&m, &machine_fresh));
        }
}
END_TEST

START_TEST(test_each_step_of_uninstall_fails) {
        for (int step = 0; step < _UNINSTALL_END; step++) {
                for (int kind = FAIL_BEFORE; kind <= FAIL_AFTER; kind++) {
                        Machine m = machine_served;
                        Run run = {.m = &m, .fault = step, .revive = -1, .kind = kind};
                        PlanResult result = machine_uninstall(&run);

                        ck_assert_int_eq(result.error, -EIO);
                        ck_assert_int_eq(result.step, step);
                        if (step < UNINSTALL_ENTRY || (step == UNINSTALL_ENTRY && !kind)) {
                                ck_assert(result.undone && machine_equal(&m, &machine_served));
                        } else if (step > UNINSTALL_ENTRY) {
                                /* All that could be removed is gone. */
                                ck_assert(m.serves == NONE && m.entry == NONE && !m.rules);
                                ck_assert(m.data == (step == UNINSTALL_DATA && !kind));
                                ck_assert((m.files[0].program == NONE) ==
                                          !(step == UNINSTALL_PROGRAM && !kind));
                        }
                        run.fault = -1;
                        ck_assert_int_eq(machine_uninstall(&run).error, 0);
                        machine_restart(&m);
                        machine_sweep_aside(&m);
                        ck_assert(machine_equal(&m, &machine_fresh));
                }
        }
}
END_TEST

START_TEST(test_killed_behind_each_step_of_uninstall) {
        for (int step = 0; step < _UNINSTALL_END; step++) {
                for (int next = 0; next < 3; next++) { /* a restart, removing again, installing */
                        Machine m = machine_served;
                        Run run = {.m = &m, .fault = step, .revive = -1, .kind = KILL};

                        (void) machine_uninstall(&run);
                        ck_assert(m.entry == OLD || !m.rules); /* none without its owner */
                        run = (Run){.m = &m, .fault = -1, .revive = -1};
                        if (next == 0) {
                                machine_restart(&m);
                                ck_assert_int_eq(m.serves, m.entry);
                        } else if (next == 1) {
                                ck_assert_int_eq(machine_uninstall(&run).error, 0);
                                machine_restart(&m);
                                machine_sweep_aside(&m);
                                ck_assert(machine_equal(&m, &machine_fresh));
                        } else {
                                ck_assert_int_eq(machine_install(&run).error, 0);
                                expect_installed(&m);
                        }
                }
        }
}
END_TEST

/* No way of failing costs a pairing that was to be kept, or one of a service that is still there.
 */
START_TEST(test_what_happens_to_the_pairings) {
        for (int step = -1; step < _UNINSTALL_END; step++) {
                for (int kind = FAIL_BEFORE; kind <= KILL; kind++) {
                        for (int keep = 0; keep < 2; keep++) {
                                Machine m = machine_served, wanted = machine_fresh;
                                Run run = {.m = &m,
                                           .fault = step,
                                           .revive = -1,
                                           .kind = kind,
                                           .keep = keep};

                                (void) machine_uninstall(&run);
                                ck_assert(m.pairings || (!keep && m.entry == NONE));
                                run = (Run){.m = &m, .fault = -1, .revive = -1, .keep = keep};
                                ck_assert_int_eq(machine_uninstall(&run).error, 0);
                                machine_restart(&m);
                                machine_sweep_aside(&m);
                                wanted.pairings = keep;
                                ck_assert(machine_equal(&m, &wanted));
                                ck_assert_int_eq(machine_install(&run).error, 0);
                                ck_assert(m.pairings == (bool) keep);
                        }
                }
        }
}
END_TEST

static int fail_all(void *userdata, int step) {
        return step == INSTALL_ENTRY ? -EACCES : 0;
}

static int undo_all(void *userdata, int step) {
        size_t *n = userdata;

        (*n)++;
        return step == INSTALL_AWAY ? -EBUSY : 0;
}

START_TEST(test_the_way_back_goes_on_after_an_error) {
        size_t n = 0;
        PlanHost host = {fail_all, undo_all, &n};
        PlanResult result = plan_install(&host);

        ck_assert_uint_eq(n, INSTALL_ENTRY + 1);
        ck_assert(result.error == -EACCES && result.undo_error == -EBUSY && !result.undone);
}
END_TEST

int main(void) {
        TCase *cases = tcase_create("plan");
        Suite *suite = suite_create("plan");

        tcase_add_test(cases, test_install_and_uninstall);
        tcase_add_test(cases, test_each_step_of_install_fails);
        tcase_add_test(cases, test_a_version_that_does_not_start);
        tcase_add_test(cases, test_started_by_the_service_manager);
        tcase_add_test(cases, test_started_by_the_service_manager_while_removed);
        tcase_add_test(cases, test_killed_behind_each_step_of_install);
        tcase_add_test(cases, test_killed_and_then_removed);
        tcase_add_test(cases, test_each_step_of_uninstall_fails);
        tcase_add_test(cases, test_killed_behind_each_step_of_uninstall);
        tcase_add_test(cases, test_what_happens_to_the_pairings);
        tcase_add_test(cases, test_the_way_back_goes_on_after_an_error);
        suite_add_tcase(suite, cases);
        return suite_run(suite);
}
