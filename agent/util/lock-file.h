/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A file that is locked for as long as a process lives, so that there is one process of a kind.
 *
 * The lock is one of fcntl(2). The kernel drops it when the process ends, in whatever way, and
 * names its holder. The file is for its owner only, because whoever can open a file can lock it.
 */

#include <stdbool.h>
#include <sys/types.h>

enum {
        _LOCK_FILE_E_SUCCESS,
        LOCK_FILE_E_HELD, /* another process has the lock */
};

/**
 * lock_file_take() - make the file, unless it is there, and lock it
 * @ret_fd: has the lock until it is closed; the process must not open the file a second time,
 * because closing that would drop the lock
 * @ret_pid: with LOCK_FILE_E_HELD: who has it; 0 when it is in another PID namespace
 *
 * If root makes the file, it belongs to the owner of its folder, so that a service which has the
 * folder can open it.
 *
 * Return: 0, LOCK_FILE_E_HELD or negative errno.
 */
int lock_file_take(const char *path, int *ret_fd, pid_t *ret_pid);

/* Whether @path is still the file behind @fd. */
bool lock_file_is(const char *path, int fd);

/* Remove the file if it is still ours, and give the lock up. @fd becomes -1, which it may be. */
void lock_file_drop(const char *path, int *fd);
