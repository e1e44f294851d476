/* SPDX-License-Identifier: MIT */

/* Translates libnl's error codes; see netlink-error.h for the reason. */

#include "agent/network/netlink-error.h"

#include <errno.h>
#include <netlink/errno.h>

int netlink_errno(int nle) {
        switch (nle) {
        case -NLE_NOMEM:
                return -ENOMEM;
        case -NLE_AGAIN:
                return -ETIMEDOUT;
        case -NLE_DUMP_INTR:
                return -EAGAIN;
        case -NLE_PERM:
        case -NLE_NOACCESS:
                return -EPERM;
        case -NLE_AF_NOSUPPORT:
                return -EAFNOSUPPORT;
        case -NLE_OBJ_NOTFOUND:
                return -ENOENT;
        case -NLE_BAD_SOCK:
                return -EBADF;
        default: /* libnl's codes, not an enum of ours */
                return -EIO;
        }
}
