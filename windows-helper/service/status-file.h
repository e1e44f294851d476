/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the helper knows, for people and programs, in C:\ProgramData\wslbridge\status.json. The file
 * is replaced as a whole soon after anything in it has changed. Every user may read it; it contains
 * no secrets.
 */

#include "windows-helper/core/controller/controller.h"
#include "windows-helper/service/surroundings.h"
#include "windows-helper/vm/vms.h"

#define STATUS_FILE_NAME  L"status.json"
#define STATUS_FILE_USEC  UINT64_C(200000) /* write it at most this often … */
#define STATUS_FILE_SHARE 50 /* … and spend at most one part in so many of the time on it */

typedef struct StatusFile {
        uint64_t generation, due_usec;
        bool written;
        bool warned;    /* that it cannot be written */
        LogLimit limit; /* of lines about why, since each change of a guest is a try */
} StatusFile;

/* Write the file when it is due. @vms may be NULL. */
void status_file_tick(StatusFile *s, const Controller *controller, const Surroundings *surroundings,
                      const Vms *vms, uint64_t now_usec);

/* LOOP_NO_DEADLINE when nothing has changed. */
uint64_t status_file_deadline(const StatusFile *s, const Controller *controller,
                              const Surroundings *surroundings, const Vms *vms);

/* The helper ends: delete the file, so that nobody believes what it says. */
void status_file_remove(void);
