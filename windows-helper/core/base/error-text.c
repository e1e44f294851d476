/* SPDX-License-Identifier: MIT */

/*
 * The table of the words.
 */

#include "windows-helper/core/base/error-text.h"

#include <errno.h>
#include <stddef.h>

static const struct {
        int number;
        const char *text;
} error_texts[] = {
        {ENOENT, "it does not exist"},
        {EACCES, "access denied"},
        {EPERM, "access denied"},
        {ENOMEM, "out of memory"},
        {ENOBUFS, "no buffers are left"},
        {ENOSPC, "the disk is full"},
        {EFBIG, "it is too large"},
        {EMSGSIZE, "it is longer than expected"},
        {ENAMETOOLONG, "its name is too long"},
        {EINVAL, "it is not valid"},
        {EILSEQ, "it is not valid text"},
        {EPROTO, "the answer cannot be understood"},
        {ENOSYS, "this Windows does not have it"},
        {ESRCH, "the service does not run or is disabled"},
        {EAGAIN, "it is busy"},
        {EBUSY, "it is busy"},
        {ETIMEDOUT, "no answer in time"},
        {ECANCELED, "cancelled"},
        {EADDRINUSE, "the address is in use"},
        {EADDRNOTAVAIL, "the address is not one of this host"},
        {EAFNOSUPPORT, "this Windows does not have that kind of address"},
        {ECONNRESET, "the connection was reset"},
        {ECONNABORTED, "the connection was cut"},
        {ENOTCONN, "there is no connection"},
        {EEXIST, "it exists already"},
};

const char *error_text(int error) {
        int number = error < 0 ? -error : error;

        for (size_t i = 0; i < sizeof(error_texts) / sizeof(error_texts[0]); i++)
                if (error_texts[i].number == number)
                        return error_texts[i].text;
        return "Windows reported an error";
}
