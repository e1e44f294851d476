/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the transport knows of a connection's other end before its first byte has arrived.
 */

#include "windows-helper/core/vm/vm.h"

typedef struct Peer {
        VmId vm;           /* null: the listener accepts connections from any VM */
        bool wsl;          /* the VM is one of WSL */
        bool source_known; /* the transport reports the peer's port, which is … */
        uint32_t source;   /* … this one */
} Peer;
