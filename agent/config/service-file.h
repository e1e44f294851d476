/* SPDX-License-Identifier: MIT */
#pragma once

/* Internal to config*.c: one service file, bytes to value. Pure. */

#include "agent/config/problem.h"

#define SERVICE_PROFILES_DEFAULT (WIRE_PROFILE_PRIVATE | WIRE_PROFILE_DOMAIN)

/* The values of one file, all of fixed size: files are read one after the other into the same
 * object, and only what is kept is copied. */
typedef struct ServiceFile {
        char description[CONFIG_LINE_MAX + 1]; /* "" = none */
        bool enabled;
        uint8_t profiles; /* WIRE_PROFILE_* */
        uint8_t remote;   /* WireRemote */
        WireListen listens[WIRE_LISTENS_MAX];
        unsigned listen_lines[WIRE_LISTENS_MAX];
        WirePrefix remotes[WIRE_REMOTES_MAX];
        uint32_t n_listens, n_remotes;
} ServiceFile;

/**
 * service_file_parse() - read the bytes of NAME.ini
 * @ret: filled as far as possible; of use only when the file has no problem
 * @problems: where the file was announced with config_problems_begin()
 */
void service_file_parse(const uint8_t *data, size_t n, ServiceFile *ret, ConfigProblems *problems);
