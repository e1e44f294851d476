/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A static mapping of WinNAT: a UDP port of the host that leads to the same port of a guest
 * (fact 6.1.6).
 */

#include "common/ip.h"
#include "windows-helper/selftest/tools/step.h"

#define NAT_MAPPING_WHAT 64 /* of the text for the journal, "PORT=ADDRESS" */
#define NAT_NAME_MAX     128

/* The text by which the mapping is found again. */
void nat_mapping_format(uint16_t port, const IpAddr *guest, char ret_what[NAT_MAPPING_WHAT]);

/* Make it. @nat: the name of the MSFT_NetNat whose network has the guest. Return: 0 or an HRESULT.
 */
DWORD nat_mapping_add(const char *nat, uint16_t port, const IpAddr *guest);

/* Whether there is a mapping of that UDP port, whosever it is. */
bool nat_mapping_exists(uint16_t port);

/* Remove it, and look whether it has gone. @what: as above; one of that port that leads elsewhere
 * is somebody else's and stays. Return: 0 when it is not there (any more), or an HRESULT. */
DWORD nat_mapping_undo(const char *what);
