/* SPDX-License-Identifier: MIT */

/*
 * The custom actions of the package.
 */

#include "windows-helper/install/msi.h"
#include "windows-helper/core/install/package.h"
#include "windows-helper/install/exchange/programs.h"
#include "windows-helper/install/install.h"
#include "windows-helper/install/package-store.h"
#include "windows-helper/install/registration.h"
#include "windows-helper/install/scm.h"
#include "windows-helper/program/fault.h"
#include "windows-helper/program/report.h"

/* What there is of an installation. */
typedef struct MsiFound {
        bool service, program, settings;
        PackageService state; /* of the service */
} MsiFound;

static int msi_look(MsiFound *ret_found) {
        Registration registration;
        ScmEntry entry;
        int r;

        r = scm_read(SCM_HELPER, &entry);
        if (r < 0)
                return r;
        registration_look(&registration);
        *ret_found = (MsiFound){.service = entry.exists,
                                .program = programs_are_installed(),
                                .settings = registration.had_settings,
                                .state = PACKAGE_SERVICE_USUAL};
        if (entry.config)
                ret_found->state = (PackageService){entry.config->dwStartType, entry.running};
        scm_entry_done(&entry);
        return 0;
}

/* Without a service, or without its program, there is nothing that could serve again. */
static bool msi_could_serve(const MsiFound *found) {
        return found->service && found->program;
}

static int msi_begin(PackageRecord *record, const wchar_t *package) {
        MsiFound found = {.service = false};
        int r = install_repair(); /* what is kept is one version */

        if (r == 0)
                r = msi_look(&found);
        if (r == 0 && msi_could_serve(&found))
                r = programs_keep();
        if (r < 0)
                return r;
        package_begin(record, package, msi_could_serve(&found) ? &found.state : NULL,
                      found.settings);
        return package_store_write(record);
}

static int msi_forget(PackageRecord *record) {
        package_forget(record);
        programs_forget();
        return package_store_write(record);
}

int msi_install(const wchar_t *package, const wchar_t *database, const wchar_t *arguments) {
        ProgramsFrom from = {.package = database};
        PackageRecord record;
        int r;

        package_store_read(&record);
        r = msi_begin(&record, package);
        if (r < 0)
                return r;
        r = install_from(&from, arguments);
        if (r < 0) {
                (void) msi_forget(&record); /* it has taken itself back */
                return r;
        }
        r = fault_before("package");
        if (r == 0) {
                package_own(&record, package);
                r = package_store_write(&record);
        }
        return fault_after("package", r);
}

static int msi_take_back(PackageBack back, const PackageService *service,
                         const wchar_t *arguments) {
        switch (back) {
        case PACKAGE_BACK_NOT:
                return 0;
        case PACKAGE_BACK_REMOVE:
                return uninstall(/* keep= */ false);
        case PACKAGE_BACK_REMOVE_KEEP:
                return uninstall(/* keep= */ true);
        case PACKAGE_BACK_REINSTALL:
                return install_back(&(ProgramsFrom){.kept = true}, arguments, service->start_type,
                                    service->runs);
        }
        return 0;
}

/* If the way back fails, the record stays for the next installation to look at what is there. */
int msi_install_back(const wchar_t *package, const wchar_t *arguments) {
        PackageService service;
        PackageRecord record;
        PackageBack back;
        int r;

        package_store_read(&record);
        back = package_back(&record, package, &service);
        r = msi_take_back(back, &service, arguments);
        if (r == 0 && back == PACKAGE_BACK_REINSTALL)
                r = msi_forget(&record);
        return r;
}

int msi_install_done(void) {
        PackageRecord record;

        package_store_read(&record);
        return msi_forget(&record);
}

/* The record went with the settings. It comes back for as long as there may be a way back. */
static int msi_note_removal(PackageRecord *record, const wchar_t *package, const MsiFound *before) {
        MsiFound now;
        int r = msi_look(&now);

        if (r < 0 || !msi_could_serve(before) || msi_could_serve(&now))
                return r;
        package_removed(record, package, &before->state);
        return package_store_write(record);
}

/* What 'uninstall --keep' has left before stays. */
int msi_remove(const wchar_t *package) {
        PackageRecord record;
        MsiFound found;
        int r = msi_look(&found), r2;

        if (r < 0)
                return r;
        package_store_read(&record);
        if (!package_removes(&record, package, package_store_is_installed(record.owner))) {
                report_done("kept", L"the installation, because it belongs to another package now");
                return 0;
        }
        r = uninstall(/* keep= */ !found.service && !found.program);
        r2 = msi_note_removal(&record, package, &found);
        return r < 0 ? r : r2;
}

int msi_remove_back(const wchar_t *package, const wchar_t *database, const wchar_t *arguments) {
        PackageService service;
        PackageRecord record;
        MsiFound found;
        int r = msi_look(&found);

        if (r < 0 || msi_could_serve(&found))
                return r;
        package_store_read(&record);
        (void) package_back(&record, package, &service);
        r = install_back(&(ProgramsFrom){.package = database}, arguments, service.start_type,
                         service.runs);
        if (r < 0)
                return r;
        package_own(&record, package);
        return package_store_write(&record);
}

int msi_remove_done(const wchar_t *package) {
        PackageRecord record;

        package_store_read(&record);
        return package_is_under_way(&record, package) ? msi_forget(&record) : 0;
}
