/* SPDX-License-Identifier: MIT */

/*
 * Running the steps in order, and back.
 */

#include "windows-helper/core/install/plan.h"

static const char *const install_names[_INSTALL_END] = {
        [INSTALL_COPY] = "copy",      [INSTALL_DATA] = "data",       [INSTALL_EVENTS] = "events",
        [INSTALL_HYPERV] = "hyper-v", [INSTALL_PATH] = "path",       [INSTALL_RELAY] = "relay",
        [INSTALL_STOP] = "stop",      [INSTALL_PENDING] = "pending", [INSTALL_AWAY] = "away",
        [INSTALL_PLACE] = "place",    [INSTALL_SETTLE] = "settle",   [INSTALL_ENTRY] = "entry",
        [INSTALL_START] = "start",
};

static const char *const uninstall_names[_UNINSTALL_END] = {
        [UNINSTALL_STOP] = "stop",       [UNINSTALL_RULES] = "rules",
        [UNINSTALL_ENTRY] = "entry",     [UNINSTALL_AGAIN] = "again",
        [UNINSTALL_RELAY] = "relay",     [UNINSTALL_SETTINGS] = "settings",
        [UNINSTALL_EVENTS] = "events",   [UNINSTALL_HYPERV] = "hyper-v",
        [UNINSTALL_PATH] = "path",       [UNINSTALL_DATA] = "data",
        [UNINSTALL_PROGRAM] = "program",
};

/* Run steps up to @end. When one fails, it and all before it are taken back, the last one first. */
static PlanResult plan_run(const PlanHost *host, int end) {
        PlanResult result = {.error = 0};

        for (int step = 0; step < end && result.error == 0; step++) {
                result.step = step;
                result.error = host->run(host->userdata, step);
        }
        if (result.error == 0)
                return result;
        for (int step = result.step; step >= 0; step--) {
                int r = host->undo(host->userdata, step);

                if (result.undo_error == 0)
                        result.undo_error = r;
        }
        result.undone = result.undo_error == 0;
        return result;
}

PlanResult plan_install(const PlanHost *host) {
        return plan_run(host, _INSTALL_END);
}

PlanResult plan_uninstall(const PlanHost *host) {
        PlanResult result = plan_run(host, UNINSTALL_ENTRY + 1);

        if (result.error < 0)
                return result;
        for (int step = UNINSTALL_ENTRY + 1; step < _UNINSTALL_END; step++) {
                int r = host->run(host->userdata, step);

                if (r < 0 && result.error == 0) {
                        result.error = r;
                        result.step = step;
                }
        }
        return result;
}

const char *plan_install_name(InstallStep step) {
        return install_names[step];
}

const char *plan_uninstall_name(UninstallStep step) {
        return uninstall_names[step];
}
