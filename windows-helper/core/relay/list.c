/* SPDX-License-Identifier: MIT */

/*
 * A circle of nodes.
 */

#include "windows-helper/core/relay/list.h"

void list_init(ListNode *head) {
        head->previous = head->next = head;
}

bool list_is_empty(const ListNode *head) {
        return head->next == head;
}

ListNode *list_first(const ListNode *head) {
        return list_next(head, head);
}

ListNode *list_next(const ListNode *head, const ListNode *node) {
        return node->next != head ? node->next : NULL;
}

void list_append(ListNode *head, ListNode *node) {
        node->previous = head->previous;
        node->next = head;
        head->previous->next = node;
        head->previous = node;
}

void list_remove(ListNode *node) {
        node->previous->next = node->next;
        node->next->previous = node->previous;
        list_init(node);
}

void list_take(ListNode *to, ListNode *from) {
        if (list_is_empty(from))
                return;
        *to = *from;
        to->next->previous = to->previous->next = to;
        list_init(from);
}
