/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What is said of a value that is not ours where it is in the way, and the commands against it.
 * Values of PortProxy can be seen and deleted with netsh. Those of the relay's table are only in
 * the registry, so the key and the value are named.
 */

#include "windows-helper/core/rules/rule.h"

#include "protocol/wire/wire-types.h"

#define CONFLICT_COMMAND_MAX 128

/**
 * conflict_command() - the command that deletes a value of the relay's table
 * @ret_command: "reg.exe delete HKLM\SOFTWARE\wslbridge\Relay\v4tov4\udp /v 0.0.0.0/53 /f"
 *
 * Return: whether there is one. There is none for values of PortProxy, nor for a name that is no
 * endpoint: somebody may have chosen it so that a shell does something else with it.
 */
bool conflict_command(const RuleValue *value, char ret_command[CONFLICT_COMMAND_MAX]);

/* "NAME = DATA", on one line whatever somebody has put there; what is too long is cut. */
void conflict_value_text(const RuleValue *value, char ret_text[WIRE_TEXT_MAX + 1]);

/* The text of a service whose endpoint @value has. It has the offer of ADOPTION_TEXT where that can
 * work and there is room for it. */
void conflict_text(const RuleValue *value, char ret_text[WIRE_TEXT_MAX + 1]);

/* The same, to be put behind the endpoint, for a value that came after the decision was made.
 * @found: its data; "" if it is no plain string, and so cannot be adopted */
void conflict_text_new(const IpEndpoint *listen, const char *found,
                       char ret_text[WIRE_TEXT_MAX + 1]);
