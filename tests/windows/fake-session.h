/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One proxied TCP connection of the fake iphlpsvc: an accepted socket, a connection to the target,
 * and bytes going both ways. It lives in the list of its rule and frees itself.
 */

#include "windows-helper/win/loop.h"

#include <stdbool.h>

typedef struct Session Session;

typedef struct SessionList {
        Session *first;
} SessionList;

/* Take over @client and connect it to @target. @list must outlive the session. */
void session_start(SessionList *list, Loop *loop, SOCKET client, const SOCKADDR_STORAGE *target);

/* Cut all sessions. They leave the list at once and free themselves after their operations. */
void session_cut_all(SessionList *list);

/* Size of an address of the family in @address. */
int session_address_size(const SOCKADDR_STORAGE *address);
