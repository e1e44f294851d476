/* SPDX-License-Identifier: MIT */
#pragma once

/* Internal to config*.c: agent.conf, bytes to settings. Pure. */

#include "agent/config/problem.h"

/* The settings of an agent without agent.conf. */
void agent_file_defaults(Config *c);

/**
 * agent_file_parse() - read the bytes of agent.conf into @c
 * @problems: where the file was announced with config_problems_begin()
 *
 * Keys stand for themselves: one that is wrong leaves its default in force, the others hold.
 */
void agent_file_parse(const uint8_t *data, size_t n, Config *c, ConfigProblems *problems);
