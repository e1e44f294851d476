/* SPDX-License-Identifier: MIT */

/*
 * The intervals, and the proof that notifications work.
 */

#include "windows-helper/core/vm/vm-schedule.h"

#include <stddef.h>

static const uint64_t vm_schedule_retries[] = {500000, 1000000, 2000000, 5000000};

void vm_schedule_doubt(VmSchedule *s) {
        s->soon = true;
}

void vm_schedule_asked(VmSchedule *s) {
        s->soon = false;
}

void vm_schedule_notified(VmSchedule *s) {
        s->notified = true;
}

void vm_schedule_answered(VmSchedule *s, bool changed) {
        if (s->answered && changed)
                s->proven = s->notified;
        s->answered = true;
        s->notified = false;
}

uint64_t vm_schedule_interval(const VmSchedule *s, bool listening) {
        if (s->soon)
                return VM_SCHEDULE_CONFIRM_USEC;
        return s->proven && listening ? VM_SCHEDULE_LONG_USEC : VM_SCHEDULE_SHORT_USEC;
}

uint64_t vm_schedule_retry(unsigned n_failures) {
        const size_t n = sizeof(vm_schedule_retries) / sizeof(vm_schedule_retries[0]);
        size_t i = n_failures > 0 ? n_failures - 1 : 0;

        return vm_schedule_retries[i < n ? i : n - 1];
}
