/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to agent/config: agent.conf, from bytes to settings. Pure.
 */

#include "agent/config/problem.h"

/* The settings of an agent without agent.conf. */
void agent_file_defaults(Config *c);

/**
 * agent_file_parse() - read the bytes of agent.conf into @c
 * @problems: the file was announced to it with config_problems_begin()
 *
 * Keys are independent: a wrong value leaves the default of its key in force, and the others count.
 */
void agent_file_parse(const uint8_t *data, size_t n, Config *c, ConfigProblems *problems);
