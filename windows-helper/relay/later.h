/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What Windows had no memory for, and what is tried again after a moment (fact 9.3.27). No
 * completion tells when that is.
 */

#include "windows-helper/core/relay/list.h"

#include <stdint.h>

#define LATER_USEC 50000ULL /* until the next attempt */

typedef struct Later Later;

struct Later {
        ListNode node;
        void (*again)(Later *later); /* may put it into the list again */
};

typedef struct LaterList {
        ListNode all;
        uint64_t deadline_usec; /* for all of them; UINT64_MAX: there is none */
} LaterList;

void later_list_init(LaterList *list);
void later_list_tick(LaterList *list, uint64_t now_usec);

/* @again is called at one of the next ticks. */
void later_init(Later *later, void (*again)(Later *later));
void later_add(LaterList *list, Later *later);
void later_remove(Later *later); /* one that is in no list may be taken out, too */
