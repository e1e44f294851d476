/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: by which interface the kernel would answer somebody. It goes by the
 * rules of policy routing ('ip rule'), too, of which the agent knows nothing.
 */

#include "common/ip.h"

#include <net/if.h>

/* @from: an address of this guest. Both are of IPv4. Return: 0, or negative errno when nothing
 * is known or there is no way; then @ret_interface is "". */
int way_out_find(const IpAddr *to, const IpAddr *from, char ret_interface[IF_NAMESIZE]);
