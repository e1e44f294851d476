/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Who this guest is for the helper. A key belongs to the pair of agent id and distro name: cloned
 * WSL images have the same agent id, and the distros of one VM have the same boot id (fact 6.1.4).
 * Where there is no WSL, the name is the host name at the time of the pairing (kept.h), so a guest
 * that is renamed stays paired.
 */

#include "agent/guest/kept.h"

#include "protocol/wire/wire.h"

#define IDENTITY_UUID_FILE  "sys/class/dmi/id/product_uuid" /* below the root */
#define IDENTITY_CREDENTIAL "machine"                       /* below $CREDENTIALS_DIRECTORY */

enum {
        _IDENTITY_E_SUCCESS,
        IDENTITY_E_VOLATILE, /* no machine id: the agent id is random and lasts for this run only */
};

/**
 * identity_load() - fill in agent id, boot id, distro name, software and version range
 *
 * The agent id is derived from /etc/machine-id for this application, so that the machine id itself
 * never leaves the guest. The distro is identity_distro()'s.
 *
 * Return: 0, IDENTITY_E_VOLATILE, or negative errno. A machine id that cannot be read for a reason
 * that passes is an error and not a missing one: without it the helper would not know this guest.
 */
int identity_load(WireHello *ret_hello);

/**
 * identity_of_machine() - the agent id, bound to this virtual machine
 * @root: "" or a directory without trailing slash
 * @credentials: value of $CREDENTIALS_DIRECTORY, or NULL
 *
 * A copied disk takes the machine id along, but not the SMBIOS UUID of the virtual machine
 * (fact 2.4.5). Only root can read that; the service gets it as a credential. Without one, this is
 * the agent id itself.
 */
void identity_of_machine(const char *root, const char *credentials,
                         const uint8_t agent_id[WIRE_ID_SIZE], Installation *ret_installation);

/* The name of this distribution when WSL itself does not give one (wsl.h) and none is kept:
 * $WSL_DISTRO_NAME when that is a usable name, otherwise the host name. Never empty. */
void identity_distro(char ret_name[WIRE_DISTRO_MAX + 1]);
