/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to agent/config: one service file, from bytes to values. Pure.
 */

#include "agent/config/problem.h"

#define SERVICE_PROFILES_DEFAULT (WIRE_PROFILE_PRIVATE | WIRE_PROFILE_DOMAIN)

/* The values of one file. All have a fixed size, so that files can be read one after the other into
 * the same object; only what is kept is copied. */
typedef struct ServiceFile {
        char description[CONFIG_LINE_MAX + 1]; /* "" = none */
        bool enabled;
        uint8_t profiles; /* WIRE_PROFILE_* */
        uint8_t remote;   /* WireRemote */
        uint8_t options[_WIRE_OPTION_END];
        WireListen listens[WIRE_LISTENS_MAX];
        unsigned listen_lines[WIRE_LISTENS_MAX];
        WirePrefix remotes[WIRE_REMOTES_MAX];
        uint32_t n_listens, n_remotes;
} ServiceFile;

/**
 * service_file_parse() - read the bytes of NAME.ini
 * @ret: filled as far as possible; usable only when the file has no problem
 * @problems: the file was announced to it with config_problems_begin()
 */
void service_file_parse(const uint8_t *data, size_t n, ServiceFile *ret, ConfigProblems *problems);
