/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reads what the Hyper-V firewall does with connections to guests of WSL. Only the doctor asks; it
 * may take seconds.
 */

#include "windows-helper/core/firewall/hyperv-sight.h"

#define HYPERV_STORE L"ActiveStore" /* what is in force (fact 5.2.4) */

void hyperv_firewall_read(HypervSight *ret_sight);
