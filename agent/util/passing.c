/* SPDX-License-Identifier: MIT */

/* Says which errors may be gone at the next try; see passing.h. */

#include "agent/util/passing.h"

#include <errno.h>

bool error_passes(int error) {
        switch (error) {
        case EAGAIN:
        case EBUSY:
        case EDQUOT:
        case EINTR:
        case EIO:
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
        case ENOSPC:
        case ESTALE:
        case ETIMEDOUT:
                return true;
        default: /* errno values, not an enum of ours */
                return false;
        }
}
