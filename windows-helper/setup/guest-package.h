/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The guest's package that came with this program: in the folder "guest" beside it, or in that of
 * the installed program.
 */

#include "windows-helper/core/setup/package.h"
#include "windows-helper/setup/setup.h"

typedef struct GuestPackage {
        char version[PACKAGE_VERSION_MAX];
        char sum[PACKAGE_SUM_MAX]; /* SHA-256, which the file has */
        Buffer text;               /* base64 */
} GuestPackage;

/* Find the newest package for @arch and read it. Return: 0; or negative errno, with the reason in
 * @part. Call guest_package_done() in any case. */
int guest_package_load(const char *arch, SetupPart *part, GuestPackage *ret);
void guest_package_done(GuestPackage *p);
