/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Errors of libnl as errno values. The two overlap in number (5 is both NLE_NOMEM and EIO), so no
 * libnl code may leave the file that got it.
 */

/* @nle: a negative libnl code. Return: the negative errno that says the same. */
int netlink_errno(int nle);
