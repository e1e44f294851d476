/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which virtual machines run, by the Host Compute Service (fact 2.2). It may take its time, so each
 * question is asked by a thread of its own.
 */

#include "windows-helper/core/vm/vm-list.h"
#include "windows-helper/win/loop.h"

typedef struct Hcs Hcs;

/* @error: 0; -ENOSYS: this Windows has no such service; -EACCES; -EPROTO: its answer cannot be
 * read; -EIO. Called in the loop's thread. */
typedef void (*HcsFn)(void *userdata, int error, const VmList *list);

/* Ask and wait for the answer, up to some seconds. Return: as @error of an HcsFn. */
int hcs_list(VmList *ret_list);

/* Return: 0 or -ENOMEM. */
int hcs_new(Hcs **ret_hcs, Loop *loop, HcsFn fn, void *userdata);

/* Takes NULL, returns NULL. The loop may hold a packet of it: it must not turn afterwards. */
Hcs *hcs_free(Hcs *h);

/* Ask. While a question is open, one more is asked when it was answered. */
void hcs_ask(Hcs *h);
