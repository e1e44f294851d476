/* SPDX-License-Identifier: MIT */

/*
 * The steps of installing and removing, and what the user is told. core/install/plan.c has their
 * order.
 */

#include "windows-helper/install/install.h"
#include "windows-helper/core/install/plan.h"
#include "windows-helper/install/environment.h"
#include "windows-helper/install/exchange/programs.h"
#include "windows-helper/install/lock.h"
#include "windows-helper/install/registration.h"
#include "windows-helper/install/services.h"
#include "windows-helper/program/fault.h"
#include "windows-helper/program/report.h"
#include "windows-helper/program/sibling.h"
#include "windows-helper/service/service.h"
#include "windows-helper/win/console.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdio.h>

typedef struct Install {
        bool keep;       /* pairings and local policy, when removing */
        bool path_added; /* to PATH, which did not have it */
        Services services;
        Registration registration;
        Programs programs;
        HANDLE lock; /* others wait for it */
} Install;

static int install_open(Install *i, const wchar_t *arguments, const ProgramsFrom *from) {
        int r;

        *i = (Install){.lock = INVALID_HANDLE_VALUE};
        r = lock_take(&i->lock);
        if (r == 0)
                r = services_look(&i->services, &i->programs, arguments);
        if (r == 0)
                r = programs_open(&i->programs, from);
        if (r == 0)
                registration_look(&i->registration);
        return r;
}

static void install_close(Install *i) {
        programs_close(&i->programs);
        services_done(&i->services);
        if (i->lock != INVALID_HANDLE_VALUE)
                (void) CloseHandle(i->lock);
}

static int install_path(Install *i) {
        int r = environment_path_add(i->programs.folder, &i->path_added);

        if (r == 0 && i->path_added) {
                report_done("path", i->programs.folder);
                report_remark("terminals that are open do not know it yet: type the whole path of "
                              "the program there, in quotes, or open a new one");
        }
        return r;
}

static int install_step(Install *i, InstallStep step) {
        switch (step) {
        case INSTALL_COPY:
                return programs_copy(&i->programs);
        case INSTALL_DATA:
                return registration_data(i->programs.files[PROGRAM_RELAY].wanted);
        case INSTALL_EVENTS:
                return registration_events(i->programs.files[PROGRAM_HELPER].exe);
        case INSTALL_HYPERV:
                return registration_hyperv();
        case INSTALL_PATH:
                return install_path(i);
        case INSTALL_RELAY:
                return services_relay(&i->services);
        case INSTALL_STOP:
                return services_stop(&i->services);
        case INSTALL_PENDING:
                return programs_pend(&i->programs);
        case INSTALL_AWAY:
                return programs_away(&i->programs);
        case INSTALL_PLACE:
                return programs_place(&i->programs);
        case INSTALL_SETTLE:
                return programs_settle(&i->programs);
        case INSTALL_ENTRY:
                return services_entry(&i->services);
        case INSTALL_START:
                return services_start(&i->services);
        case _INSTALL_END:
                break;
        }
        return -ENOSYS;
}

static int install_step_undo(Install *i, InstallStep step) {
        switch (step) {
        case INSTALL_COPY:
                return programs_copy_undo(&i->programs);
        case INSTALL_DATA:
                return registration_data_undo(&i->registration);
        case INSTALL_EVENTS:
                return registration_events_undo(&i->registration);
        case INSTALL_HYPERV:
                return registration_hyperv_undo(&i->registration);
        case INSTALL_PATH:
                return i->path_added ? environment_path_remove(i->programs.folder) : 0;
        case INSTALL_RELAY:
                return services_relay_undo(&i->services);
        case INSTALL_STOP:
                return services_stop_undo(&i->services);
        case INSTALL_PENDING:
                return programs_pend_undo(&i->programs);
        case INSTALL_AWAY:
                return programs_away_undo(&i->programs);
        case INSTALL_PLACE:
                return programs_place_undo(&i->programs);
        case INSTALL_SETTLE:
                return programs_settle_undo(&i->programs);
        case INSTALL_ENTRY:
                return services_entry_undo(&i->services);
        case INSTALL_START:
                return services_start_undo(&i->services);
        case _INSTALL_END:
                break;
        }
        return -ENOSYS;
}

static int install_run(void *userdata, int step) {
        const char *name = plan_install_name(step);
        int r = fault_before(name);

        return fault_after(name, r < 0 ? r : install_step(userdata, step));
}

static int install_undo(void *userdata, int step) {
        int r = fault_undo(plan_install_name(step));

        return r < 0 ? r : install_step_undo(userdata, step);
}

/* @before: there was an installation. The cause was logged where it happened. */
static void install_say_failed(const PlanResult *result, bool before) {
        if (!result->undone && before && result->step <= INSTALL_PENDING)
                log_write(LOG_LEVEL_ERROR,
                          "Installing failed at the step '%s'. The version that was installed is "
                          "still in place, but it may not be running. Follow what is said above, "
                          "then run 'wslbridge-helper install' again",
                          plan_install_name(result->step));
        else if (!result->undone)
                log_write(
                        LOG_LEVEL_ERROR,
                        "Installing failed at the step '%s', and not all could be taken back. Fix "
                        "the causes named above, then run 'wslbridge-helper install' again. If "
                        "the program is gone, a restart of Windows brings it back",
                        plan_install_name(result->step));
        else if (before)
                log_write(LOG_LEVEL_ERROR,
                          "Installing failed at the step '%s'. Nothing has changed: the version "
                          "that was installed is in place again. Fix the cause named above, then "
                          "run 'wslbridge-helper install' again",
                          plan_install_name(result->step));
        else
                log_write(LOG_LEVEL_ERROR,
                          "Installing failed at the step '%s', so nothing was installed. Fix the "
                          "cause named above, then run 'wslbridge-helper install' again",
                          plan_install_name(result->step));
}

static int install_all(Install *i) {
        PlanHost host = {install_run, install_undo, i};
        PlanResult result;

        programs_repair(&i->programs);
        result = plan_install(&host);
        if (result.error == 0) {
                services_sweep(&i->services);
                if (!i->programs.files[PROGRAM_RELAY].wanted)
                        registration_sweep_relay();
                programs_sweep(&i->programs);
        } else {
                install_say_failed(&result, services_had_helper(&i->services));
        }
        return result.error;
}

int install_from(const ProgramsFrom *from, const wchar_t *arguments) {
        Install i;
        int r = install_open(&i, arguments, from);

        if (r == 0)
                r = install_all(&i);
        install_close(&i);
        return r;
}

int install(const wchar_t *arguments) {
        return install_from(&(ProgramsFrom){.kept = false}, arguments);
}

int install_repair(void) {
        Install i;
        int r = install_open(&i, L"", &(ProgramsFrom){.kept = false});

        if (r == 0)
                programs_repair(&i.programs);
        install_close(&i);
        return r;
}

int install_back(const ProgramsFrom *from, const wchar_t *arguments, DWORD start_type, bool runs) {
        Install i;
        int r = install_open(&i, arguments, from);

        i.services.back = true;
        i.services.back_runs = runs;
        i.services.back_start_type = start_type;
        if (r == 0)
                r = install_all(&i);
        install_close(&i);
        return r;
}

static int uninstall_rules(void) {
        size_t n_rules = 0, n_firewall = 0;
        int r = helper_withdraw(&n_rules, &n_firewall);

        if (r < 0)
                return r;
        (void) console_printf("  %-10s %zu left by the service\n", "rules", n_rules);
        (void) console_printf("  %-10s %zu left by the service\n", "firewall", n_firewall);
        return 0;
}

static int uninstall_step(Install *i, UninstallStep step) {
        switch (step) {
        case UNINSTALL_STOP:
                return services_end(&i->services);
        case UNINSTALL_RULES:
                return uninstall_rules();
        case UNINSTALL_ENTRY:
                return services_remove_helper(&i->services);
        case UNINSTALL_AGAIN:
                return services_end_again(&i->services);
        case UNINSTALL_RELAY:
                return services_remove_relay(&i->services);
        case UNINSTALL_SETTINGS:
                return registration_remove_settings(i->keep);
        case UNINSTALL_EVENTS:
                return registration_remove_events();
        case UNINSTALL_HYPERV:
                return registration_remove_hyperv();
        case UNINSTALL_PATH:
                return environment_path_remove(i->programs.folder);
        case UNINSTALL_DATA:
                return registration_remove_data();
        case UNINSTALL_PROGRAM:
                return programs_remove(&i->programs);
        case _UNINSTALL_END:
                break;
        }
        return -ENOSYS;
}

static int uninstall_run(void *userdata, int step) {
        const char *name = plan_uninstall_name(step);
        int r = fault_before(name);

        return fault_after(name, r < 0 ? r : uninstall_step(userdata, step));
}

/* Once it serves again, the service makes its rules again. */
static int uninstall_undo(void *userdata, int step) {
        Install *i = userdata;
        int r = fault_undo(plan_uninstall_name(step));

        return r == 0 && step == UNINSTALL_STOP ? services_stop_undo(&i->services) : r;
}

static void uninstall_say_failed(const PlanResult *result) {
        if (result->step > UNINSTALL_ENTRY)
                log_write(LOG_LEVEL_ERROR,
                          "The service was removed, but not all that belongs to it. "
                          "Fix the causes named above, then run "
                          "'wslbridge-helper uninstall' again");
        else
                log_write(
                        LOG_LEVEL_ERROR,
                        "Nothing was removed, because the step '%s' failed%s. Fix the cause named "
                        "above, then run 'wslbridge-helper uninstall' again",
                        plan_uninstall_name(result->step),
                        result->undone ? "; the service is as it was"
                                       : ", and the service could not be started again");
}

int uninstall(bool keep) {
        Install i;
        PlanHost host = {uninstall_run, uninstall_undo, &i};
        PlanResult result;
        int r;

        r = install_open(&i, L"", &(ProgramsFrom){.kept = false});
        i.keep = keep;
        if (r == 0) {
                sibling_selftest_clean(); /* what it has to take back goes with the settings */
                result = plan_uninstall(&host);
                r = result.error;
                if (r < 0)
                        uninstall_say_failed(&result);
        }
        install_close(&i);
        return r;
}
