/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to agent/config: files that nothing reads because of their name or place, although they
 * were probably meant to be configuration. Pure.
 */

#include <stddef.h>

/* A file of services.d whose name does not end in '.ini'. Return: what to do, or NULL when it is
 * there on purpose (README, web.ini~, web.ini.bak, hidden files). */
const char *near_miss_of_service(const char *name);

/**
 * near_miss_of_main() - a file or folder beside agent.conf and services.d
 *
 * Return: what to do, with a newline-free text in @ret_text, or NULL when it is there on purpose.
 */
const char *near_miss_of_main(const char *name, char *ret_text, size_t size);
