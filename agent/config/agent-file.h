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
 * @c: has the defaults; its settings are usable only when the file has no problem
 * @problems: the file was announced to it with config_problems_begin()
 */
void agent_file_parse(const uint8_t *data, size_t n, Config *c, ConfigProblems *problems);
