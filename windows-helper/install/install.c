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
#include "windows-helper/install/scm.h"
#include "windows-helper/program/fault.h"
#include "windows-helper/program/report.h"
#include "windows-helper/program/sibling.h"
#include "windows-helper/service/service.h"
#include "windows-helper/win/console.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdio.h>

#define INSTALL_COMMAND_MAX (PATHS_MAX + 256)

typedef struct Install {
        const wchar_t *arguments; /* borrowed */
        bool keep;                /* pairings and local policy, when removing */
        bool back;                /* to an earlier version, whose service was as follows */
        bool back_runs;
        DWORD back_start_type;
        ScmEntry entry;  /* as it was */
        bool stopped;    /* by us: what runs later was not running before */
        bool path_added; /* to PATH, which did not have it */
        Registration registration;
        Programs programs;
        HANDLE lock; /* others wait for it */
} Install;

static int install_open(Install *i, const wchar_t *arguments, const ProgramsFrom *from) {
        int r;

        *i = (Install){.arguments = arguments, .lock = INVALID_HANDLE_VALUE};
        r = lock_take(&i->lock);
        if (r == 0)
                r = scm_read(&i->entry);
        if (r == 0)
                r = programs_open(&i->programs, from);
        if (r == 0)
                registration_look(&i->registration);
        return r;
}

static void install_close(Install *i) {
        programs_close(&i->programs);
        scm_entry_done(&i->entry);
        if (i->lock != INVALID_HANDLE_VALUE)
                (void) CloseHandle(i->lock);
}

static int install_entry(Install *i) {
        wchar_t command[INSTALL_COMMAND_MAX];
        int r;

        /* Without the quotes, Windows would try C:\Program.exe first (fact 9.1.7). */
        (void) win_format(command, INSTALL_COMMAND_MAX, L"\"%ls\" run --service%ls%ls",
                          i->programs.files[PROGRAM_HELPER].exe, i->arguments[0] ? L" " : L"",
                          i->arguments);
        r = scm_write(command);
        /* One that does not run is not to be started by a restart of Windows in between. */
        return r == 0 && i->back && !i->back_runs ? scm_rest(i->back_start_type) : r;
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

/* Rules are only left in force for a service that serves again. */
static int install_stop(Install *i) {
        int r = scm_stop(/* hand_over= */ !i->back || i->back_runs);

        i->stopped = r == 0;
        return r;
}

static int install_start(const Install *i) {
        int r;

        if (i->back && !i->back_runs) {
                report_done("service", SERVICE_NAME L", not started, as before");
                return 0;
        }
        r = scm_start(/* anew= */ true);
        if (r == 0 && i->back)
                r = scm_rest(i->back_start_type);
        if (r == 0)
                report_done("service", SERVICE_NAME L", started now and at each boot");
        return r;
}

static int install_step(Install *i, InstallStep step) {
        switch (step) {
        case INSTALL_COPY:
                return programs_copy(&i->programs);
        case INSTALL_DATA:
                return registration_data();
        case INSTALL_EVENTS:
                return registration_events(i->programs.files[PROGRAM_HELPER].exe);
        case INSTALL_HYPERV:
                return registration_hyperv();
        case INSTALL_PATH:
                return install_path(i);
        case INSTALL_STOP:
                return install_stop(i);
        case INSTALL_PENDING:
                return programs_pend(&i->programs);
        case INSTALL_AWAY:
                return programs_away(&i->programs);
        case INSTALL_PLACE:
                return programs_place(&i->programs);
        case INSTALL_SETTLE:
                return programs_settle(&i->programs);
        case INSTALL_ENTRY:
                return install_entry(i);
        case INSTALL_START:
                return install_start(i);
        case _INSTALL_END:
                break;
        }
        return -ENOSYS;
}

/* The service that was there keeps its rules; a new one takes away what it has made, because its
 * ledger goes, too. */
static int install_start_undo(Install *i) {
        size_t n_rules = 0, n_firewall = 0;
        int r = scm_stop(/* hand_over= */ i->entry.running);

        if (r == 0 && !i->entry.exists)
                r = helper_withdraw(&n_rules, &n_firewall);
        return r;
}

/* Windows starts no service that is disabled. */
static int install_start_again(const Install *i) {
        int r, r2;

        if (!i->entry.disabled)
                return scm_start(/* anew= */ i->stopped);
        r = scm_set_start_type(SERVICE_DEMAND_START);
        if (r < 0)
                return r;
        r = scm_start(/* anew= */ i->stopped);
        r2 = scm_set_start_type(SERVICE_DISABLED);
        return r < 0 ? r : r2;
}

/* The service runs if it was found running. If it had crashed, the service manager may have started
 * it by now, but perhaps the other version. */
static int install_stop_undo(Install *i) {
        if (!i->entry.exists || !(i->entry.running || scm_is_running()))
                return 0;
        return install_start_again(i);
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
        case INSTALL_STOP:
                return install_stop_undo(i);
        case INSTALL_PENDING:
                return programs_pend_undo(&i->programs);
        case INSTALL_AWAY:
                return programs_away_undo(&i->programs);
        case INSTALL_PLACE:
                return programs_place_undo(&i->programs);
        case INSTALL_SETTLE:
                return programs_settle_undo(&i->programs);
        case INSTALL_ENTRY:
                return scm_restore(&i->entry);
        case INSTALL_START:
                return install_start_undo(i);
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
        if (result.error == 0)
                programs_sweep(&i->programs);
        else
                install_say_failed(&result, i->entry.exists);
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

int install_back(const wchar_t *arguments, DWORD start_type, bool runs) {
        Install i;
        int r = install_open(&i, arguments, &(ProgramsFrom){.kept = true});

        i.back = true;
        i.back_runs = runs;
        i.back_start_type = start_type;
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

static int uninstall_entry(void) {
        int r = scm_remove();

        if (r == 0)
                report_done("service", SERVICE_NAME);
        return r == -ENOENT ? 0 : r;
}

/* Until its entry was removed, the service manager may have started the service once more. */
static int uninstall_again(void) {
        size_t n_rules, n_firewall;
        int r = scm_stop(/* hand_over= */ false);

        return r < 0 ? r : helper_withdraw(&n_rules, &n_firewall);
}

static int uninstall_step(Install *i, UninstallStep step) {
        switch (step) {
        case UNINSTALL_STOP:
                return scm_stop(/* hand_over= */ false);
        case UNINSTALL_RULES:
                return uninstall_rules();
        case UNINSTALL_ENTRY:
                return uninstall_entry();
        case UNINSTALL_AGAIN:
                return uninstall_again();
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
        int r = fault_undo(plan_uninstall_name(step));

        return r == 0 && step == UNINSTALL_STOP ? install_stop_undo(userdata) : r;
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
