/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A list whose nodes are members of what is in it, so that taking something out needs no search and
 * no memory. The head is a node, too: an empty list points to itself.
 */

#include <stdbool.h>
#include <stddef.h>

typedef struct ListNode ListNode;

struct ListNode {
        ListNode *previous, *next;
};

/* The structure that has @node_ as its member @member_. */
#define LIST_ITEM(node_, type_, member_) \
        ((type_ *) (void *) ((char *) (node_) -offsetof(type_, member_)))

void list_init(ListNode *head);
bool list_is_empty(const ListNode *head);

/* Return: the first node, and the one behind @node; NULL when there is none. */
ListNode *list_first(const ListNode *head);
ListNode *list_next(const ListNode *head, const ListNode *node);

void list_append(ListNode *head, ListNode *node);

/* Take @node out of its list. It may be taken out again, which does nothing. */
void list_remove(ListNode *node);

/* Move all nodes of @from to the empty list @to. */
void list_take(ListNode *to, ListNode *from);
