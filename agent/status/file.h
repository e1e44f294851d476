/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * StatusFile: status.json in the folder of one agent. The agent locks the folder for as long as it
 * lives, so that a second one can neither replace nor remove the file.
 */

#include "agent/util/cleanup.h"
#include "agent/util/lock-file.h"

#include <stdbool.h>
#include <sys/types.h>

#define STATUS_FILE      "status.json"
#define STATUS_LOCK_FILE "lock"

/* The first is the default without $RUNTIME_DIRECTORY. The second is that of the service; a link in
 * the first leads to it. */
#define STATUS_DIRECTORY         "/run/wslbridge"
#define STATUS_SERVICE_DIRECTORY STATUS_DIRECTORY "/agent"

typedef struct StatusFile {
        const char *directory; /* borrowed */
        int lock_fd;           /* owned; -1: not locked */
        bool locked;           /* it was, so nothing is written without the lock */
        bool written;          /* the members below are those of the file that we wrote last */
        dev_t device;
        ino_t inode;
} StatusFile;

#define STATUS_FILE_NULL ((StatusFile){.lock_fd = -1})

/**
 * status_file_lock() - take the folder for this process; make it if only the last part is missing
 * @directory: borrowed, must outlive the object
 * @ret_pid: with LOCK_FILE_E_HELD: who has it; see lock-file.h
 *
 * After a negative errno @f can be used all the same, without the lock.
 *
 * Return: 0, LOCK_FILE_E_HELD, or negative errno.
 */
int status_file_lock(StatusFile *f, const char *directory, pid_t *ret_pid);

/* Replace the file atomically. Readers see the old text or the new one, never a part of one. All
 * users may read it, whatever the umask is. Return: 0 or negative errno; -EBUSY when the lock was
 * removed and another agent has the folder now. */
int status_file_write(StatusFile *f, const char *text);

/* Remove what this object has made, and nothing else, and give the folder up. */
void status_file_done(StatusFile *f);
