/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * When to look for virtual machines again, and when to open a listener again that has failed.
 */

#include <stdbool.h>
#include <stdint.h>

/* Between two looks: as long as notifications are not proven to work (fact 2.2.8), or something is
 * not listened to; and otherwise. */
#define VM_SCHEDULE_SHORT_USEC UINT64_C(5000000)
#define VM_SCHEDULE_LONG_USEC  UINT64_C(30000000)
/* To the look after an answer that lacks a VM, because one answer may be wrong, and to the look
 * after the appearance of an id that no answer has had. This also limits what a peer can cause. */
#define VM_SCHEDULE_CONFIRM_USEC UINT64_C(200000)

typedef struct VmSchedule {
        bool answered; /* there was an answer: before it, every list is a change */
        bool notified; /* a notification came after the last answer */
        bool proven;   /* a notification came before the last change */
        bool soon;     /* there is a reason to look again, whatever else is known */
} VmSchedule;

/* Something is to be confirmed soon; the next question does that. */
void vm_schedule_doubt(VmSchedule *s);
void vm_schedule_asked(VmSchedule *s);

/* The registry has reported a change. */
void vm_schedule_notified(VmSchedule *s);

/* An answer has arrived, and @changed tells whether it differs from the one before. */
void vm_schedule_answered(VmSchedule *s, bool changed);

/* Time to the next look. @listening: there is a listener, and none has failed. */
uint64_t vm_schedule_interval(const VmSchedule *s, bool listening);

/* Time until a listener is opened again that has failed @n_failures times in a row, at least 1. */
uint64_t vm_schedule_retry(unsigned n_failures);
