/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a guest was told last about its services, so that it is told, and logged, once.
 */

#include "windows-helper/core/controller/controller-private.h"

/* Whether @results, of the guest's present state, say something else than what was reported last.
 */
bool reported_changed(const Guest *guest, const WireServiceResult *results);
/* Write lines about the services whose result is another one than was reported last. */
void reported_log(ControllerLog *log, const Guest *guest, const WireServiceResult *results);
/* Remember @results, which are taken over, as what was reported last. */
void reported_remember(Guest *guest, WireServiceResult *results);
