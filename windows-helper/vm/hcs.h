/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The list of running virtual machines, from the Host Compute Service (fact 2.2.2). An answer may
 * take some time, so each query runs in a thread of its own.
 */

#include "windows-helper/core/vm/vm-list.h"
#include "windows-helper/win/loop.h"

typedef struct Hcs Hcs;

/* @error: 0; -ENOSYS: this Windows does not have the service; -ENOEXEC: its library does not load;
 * -EACCES; -EPROTO: the answer is not understood; -EIO, also while it hangs in a question; -ENOMEM:
 * nobody could ask. With any error @list may be NULL. Called in the loop's thread, for the last two
 * also by hcs_ask(). */
typedef void (*HcsFn)(void *userdata, int error, const VmList *list);

/**
 * hcs_query() - ask the service, and wait some seconds for the answer
 * @ret_json: its answer; owned by the caller, NULL without one
 * @ret_code: its HRESULT
 *
 * Return: as @error of an HcsFn, but for an answer that is not understood.
 */
int hcs_query(char **ret_json, uint32_t *ret_code);

/* The same, read as a list. Return: as @error of an HcsFn. */
int hcs_list(VmList *ret_list);

/* Return: 0 or -ENOMEM. */
int hcs_new(Hcs **ret_hcs, Loop *loop, HcsFn fn, void *userdata);

/* Takes NULL, returns NULL. The loop may still hold a packet of it, so it must not turn again. */
Hcs *hcs_free(Hcs *h);

/* Start a query. If one is running, start another when it has been answered; one that hangs is told
 * of at once. */
void hcs_ask(Hcs *h);

/* A query that is not answered in time is told of, once; its answer may still come. */
uint64_t hcs_deadline(const Hcs *h);
void hcs_tick(Hcs *h, uint64_t now_usec);
