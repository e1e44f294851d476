/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which distro it is about.
 */

#include "windows-helper/setup/setup.h"

/* Fill in s->distro, and s->guest where the distro is of WSL 2. Return: 0; or negative errno, with
 * the reason in the part SETUP_DISTRO. */
int choose_distro(Setup *s);

/* Ask the distro again what it has. Return: 0; or negative errno, with the reason in @part. */
int choose_probe(Setup *s, SetupPart *part);
