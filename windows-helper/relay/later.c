/* SPDX-License-Identifier: MIT */

/*
 * One deadline for all, so that thousands of attempts cost one look at the clock.
 */

#include "windows-helper/relay/later.h"
#include "windows-helper/win/loop.h"

void later_list_init(LaterList *list) {
        list_init(&list->all);
        list->deadline_usec = UINT64_MAX;
}

void later_list_tick(LaterList *list, uint64_t now_usec) {
        ListNode all;

        if (now_usec < list->deadline_usec)
                return;
        /* Those that fail again are put back with a new deadline, so the list is taken over first.
         */
        list_init(&all);
        list_take(&all, &list->all);
        list->deadline_usec = UINT64_MAX;
        while (!list_is_empty(&all)) {
                Later *later = LIST_ITEM(list_first(&all), Later, node);

                later_remove(later);
                later->again(later);
        }
}

void later_init(Later *later, void (*again)(Later *later)) {
        list_init(&later->node);
        later->again = again;
}

void later_add(LaterList *list, Later *later) {
        if (list_is_empty(&list->all))
                list->deadline_usec = loop_now_usec() + LATER_USEC;
        list_append(&list->all, &later->node);
}

void later_remove(Later *later) {
        list_remove(&later->node);
}
