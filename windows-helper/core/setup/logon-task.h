/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The task that starts a distro when its user logs on, as Task Scheduler reads it. Pure.
 */

#include "common/buffer.h"

typedef struct LogonTask {
        const char *distro;
        const char *user;   /* his SID: "S-1-5-21-…" */
        const char *folder; /* of conhost.exe: "C:\Windows\System32" */
        const char *wsl;    /* wsl.exe, with its folder */
} LogonTask;

/* False for a name that wsl.exe cannot be told, or that cannot be in XML. */
bool logon_task_possible(const LogonTask *t);

/* Append the name of the task. Tasks of all users are in one folder, so the SID is part of it. */
void logon_task_name(const LogonTask *t, Buffer *out);

/**
 * logon_task_xml() - append the definition of the task
 *
 * It runs as the user, with his ordinary rights, while he is logged on. It is not ended after three
 * days (fact 9.5.2), also runs on battery, and is there once. It keeps a program of Windows running
 * for the distro, so the distro stays (fact 7.1.2). When that program has ended, the task starts it
 * again within five minutes (fact 9.5.5).
 */
void logon_task_xml(const LogonTask *t, Buffer *out);

/* Whether @xml, as Task Scheduler gives it back, does what logon_task_xml() asks for. It may have
 * been written anew: with other space, order and defaults (fact 9.5.3). */
bool logon_task_is(const LogonTask *t, const char *xml);
