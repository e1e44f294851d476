/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Words for the errors of this program in sentences about Windows. Those of the C library say
 * "No such process" where a service is disabled, and "Unknown error" for a socket.
 */

/**
 * error_text() - a negative errno in words, for parentheses
 * @error: as win_errno() returns it; the sign does not matter
 *
 * Return: a constant text, never NULL.
 */
const char *error_text(int error);
