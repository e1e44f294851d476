/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the unit hides from the agent. Somebody at a shell sees these files, and so does a program
 * that checks the configuration for them. Pure.
 */

/**
 * sandbox_hides() - whether the service cannot see a file, whatever its mode is
 * @path: absolute, without links
 *
 * Return: for people, the place that is hidden ("home directories", "/mnt", …), or NULL.
 */
const char *sandbox_hides(const char *path);
