/* SPDX-License-Identifier: MIT */

/*
 * Winsock's errors come from the call, and those of Windows from the completion, whose status
 * GetQueuedCompletionStatus() translates in its own way.
 */

#include "windows-helper/core/base/client-left.h"

#define WSA_CONNECTION_ABORTED 10053
#define WSA_CONNECTION_RESET   10054
#define WIN_NETNAME_DELETED    64
#define WIN_CONNECTION_ABORTED 1236

bool client_left(uint32_t error) {
        return error == WSA_CONNECTION_ABORTED || error == WSA_CONNECTION_RESET ||
               error == WIN_NETNAME_DELETED || error == WIN_CONNECTION_ABORTED;
}
