/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to config*.c: which files count, and their bytes. The only part of the configuration
 * that touches the file system; knows no key.
 */

#include "agent/config/problem.h"

typedef struct DropIn { /* a file that is in force */
        char name[WIRE_SERVICE_NAME_MAX + 1];
        unsigned prefix; /* index in config_prefixes */
} DropIn;

typedef struct DropIns {
        /* owned */
        int dir_fds[3]; /* by prefix, -1 when there is no such folder */
        DropIn *items;  /* by name */
        size_t n, n_allocated;
} DropIns;

#define DROP_INS_NULL ((DropIns){.dir_fds = {-1, -1, -1}})

void drop_ins_done(DropIns *d);

/**
 * drop_ins_list() - find the service files below @root
 *
 * Names that cannot be a service's, and files that were probably meant to be one (config-dirs.c
 * says which) are problems; other files are ignored.
 *
 * Return: 0, also with problems, or -ENOMEM.
 */
int drop_ins_list(const char *root, DropIns *ret, ConfigProblems *problems);

/* Path of a service file as the user knows it. NULL when out of memory. */
char *drop_in_path(const DropIn *item);

typedef enum ConfigFileResult {
        CONFIG_FILE_READ,
        CONFIG_FILE_ABSENT,
        CONFIG_FILE_MASKED, /* empty, or a link to /dev/null */
        CONFIG_FILE_BAD,    /* the problem was added */
} ConfigFileResult;

/**
 * config_file_read() - read a whole file, never blocking
 * @dir_fd: where @path starts, as openat(2)
 * @buffer: room for CONFIG_FILE_MAX + 1 bytes
 * @problems: where the file was announced with config_problems_begin()
 */
ConfigFileResult config_file_read(int dir_fd, const char *path, uint8_t *buffer, size_t *ret_n,
                                  ConfigProblems *problems);
