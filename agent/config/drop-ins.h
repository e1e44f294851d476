/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to agent/config: finds the files that count, and reads them. It is the only part of the
 * configuration that touches the file system, and it does not know any key.
 */

#include "agent/config/problem.h"

typedef struct DropIn { /* a file that counts */
        char name[WIRE_SERVICE_NAME_MAX + 1];
        unsigned prefix; /* index in config_prefixes */
        bool unknown;    /* it was there before, but its folder cannot be listed now */
} DropIn;

typedef struct DropIns {
        /* owned */
        int dir_fds[3]; /* by prefix; -1 when the folder does not exist or cannot be listed */
        DropIn *items;  /* by name */
        size_t n, n_allocated;
} DropIns;

#define DROP_INS_NULL ((DropIns){.dir_fds = {-1, -1, -1}})

void drop_ins_done(DropIns *d);

/**
 * drop_ins_list() - find the service files below @root
 * @previous: the services in force, or NULL. When a folder cannot be listed, nobody knows whether a
 * file was removed from it, so those that were in force are listed as unknown. Nor does anybody
 * know which files of later folders it turns off, so of these only those that were in force are
 * listed
 *
 * A name that a service cannot have is a problem, and so is a file that was probably meant to be a
 * service or agent.conf (places.h says which). Other files are ignored.
 *
 * Return: 0, also with problems, or -ENOMEM.
 */
int drop_ins_list(const char *root, const Config *previous, DropIns *ret, ConfigProblems *problems);

/* The path of a service file as the user knows it, owned by the caller. NULL when out of memory. */
char *drop_in_path(const DropIn *item);

typedef enum ConfigFileResult {
        CONFIG_FILE_READ,
        CONFIG_FILE_ABSENT,
        CONFIG_FILE_MASKED, /* empty, or a link to /dev/null */
        CONFIG_FILE_BAD,    /* the problem was added */
} ConfigFileResult;

/**
 * config_file_read() - read a whole file, never blocking
 * @dir_fd: where @path starts, as in openat(2)
 * @buffer: room for CONFIG_FILE_MAX + 1 bytes
 * @problems: the file was announced to it with config_problems_begin()
 */
ConfigFileResult config_file_read(int dir_fd, const char *path, uint8_t *buffer, size_t *ret_n,
                                  ConfigProblems *problems);
