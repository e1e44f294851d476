/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Cuts a large plan into slices, so that one guest's thousands of changes do not delay another's
 * single one. After each slice the helper looks at its connections again and makes a new plan.
 *
 * Guests with few changes are always in the next slice. Of those with many, one is in it, and they
 * take turns. If there are both, the one with many is left out every second time, so that the
 * others need not wait for its changes. Within a guest, existing rules that change come first: they
 * lead to an old address, and people notice that.
 */

#include "windows-helper/core/rules/reconcile.h"

/* In one slice at most, besides the changes of guests with few; it takes about 20 ms. A plan for
 * fewer endpoints has smaller slices, so that others wait less for one. But each slice is flushed
 * to the disk, so such a plan has SLICE_DIVIDE slices at most. */
#define SLICE_CHANGES       512
#define SLICE_CHANGES_LEAST 128
#define SLICE_DIVIDE        8
#define SLICE_FEW_DIVIDE    16 /* "few" is this part of a slice */

/* How many changes of a guest with many are in the next slice of @plan; at most @most. */
size_t slice_size(const ReconcilePlan *plan, size_t most);

/**
 * slice_take() - leave in @plan only the changes of the next slice
 * @max: changes of a guest with many in one slice, 2 at least; SIZE_MAX: do not cut
 * @waited: for each guest of the input, and behind them once for all owners that are not in it: how
 *          many slices left it out while it had changes; brought up to date
 *
 * Fills .left, .n_left and .completes of @plan. A guest with changes left has no results in @plan,
 * because it is answered after the last of them.
 *
 * Return: 0 or -ENOMEM (nothing was changed).
 */
int slice_take(ReconcilePlan *plan, size_t max, unsigned *waited);

/* Free the results of the guest with this index. It is not answered after this slice. */
void slice_drop_results(ReconcilePlan *plan, size_t guest);
