/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The logon task in Task Scheduler (core/setup/logon-task.h). A user may register a task that
 * starts at his own logon without being an administrator (fact 9.5.1).
 */

#include "windows-helper/core/setup/logon-task.h"

#include <stdbool.h>

#define TASK_TEXT_MAX 512 /* bytes with the NUL */

/* What a LogonTask needs to know of this process: its user, the folder of Windows' programs, and
 * wsl.exe, "" when there is none. */
typedef struct TaskSelf {
        char user[TASK_TEXT_MAX], folder[TASK_TEXT_MAX], wsl[TASK_TEXT_MAX];
} TaskSelf;

/* Return: 0 or negative errno (logged). */
int task_self(TaskSelf *ret_self);

typedef enum TaskFound {
        TASK_NONE,
        TASK_OTHER, /* there is one, which is not as it should be */
        TASK_SAME,
} TaskFound;

/* Return: TaskFound, or negative errno (logged). */
int task_find(const LogonTask *t);

/* Add or replace the task. Return: 0; -EACCES when an ordinary user may not (not logged); or
 * another negative errno (logged). */
int task_register(const LogonTask *t);

/* Return: 1; 0 when there was none; or as task_register(). */
int task_remove(const LogonTask *t);
