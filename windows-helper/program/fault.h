/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Failures that tests order. The release build has none of this.
 *
 * The environment variable WSLBRIDGE_TEST_FAULT is STEP:KIND, or several with commas. The step
 * fails before it does anything ("before") or when it has done its work ("after"). Or then the
 * process is killed ("kill"), or the installed program disappears ("lose"), or the service manager
 * starts the service again ("revive"), or that of the relay ("relay"). Or taking the step back
 * fails ("undo"). Or it makes the file C:\wslbridge-test-waits and begins when that was deleted
 * ("wait").
 */

#ifdef WSLBRIDGE_TEST_TRANSPORT
/* Each returns -EIO (logged) if that is ordered. Otherwise 0, or @r. */
int fault_before(const char *step);
int fault_after(const char *step, int r);
int fault_undo(const char *step);
#else
static inline int fault_before(const char *step) {
        return 0;
}

static inline int fault_after(const char *step, int r) {
        return r;
}

static inline int fault_undo(const char *step) {
        return 0;
}
#endif
