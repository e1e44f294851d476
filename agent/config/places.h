/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the name and the place of a file mean: files that nothing reads because of them, although
 * they were probably meant to be configuration, and files that the unit hides from the agent.
 * Somebody at a shell sees the latter, and so does a program that checks the configuration for
 * them. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

/* Whether a file in services.d is one of a service, by its name. */
bool is_dropin_name(const char *name);

/* A file of services.d whose name does not end in '.ini'. Return: what to do, or NULL when it is
 * there on purpose (README, web.ini~, web.ini.bak, hidden files). */
const char *near_miss_of_service(const char *name);

/**
 * near_miss_of_main() - a file or folder beside agent.conf and services.d
 *
 * Return: what to do, with a newline-free text in @ret_text, or NULL when it is there on purpose.
 */
const char *near_miss_of_main(const char *name, char *ret_text, size_t size);

/**
 * service_hides() - whether the service cannot see a file, whatever its mode is
 * @path: absolute, without links
 *
 * Return: for people, the place that is hidden ("home directories", "/mnt", …), or NULL.
 */
const char *service_hides(const char *path);
