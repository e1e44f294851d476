/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the helper knows, for people and programs: C:\ProgramData\wslbridge\status.json, replaced
 * as a whole soon after anything in it changed. Every user may read it; there is no secret in it.
 */

#include "windows-helper/core/controller/controller.h"
#include "windows-helper/service/surroundings.h"
#include "windows-helper/vm/vms.h"

#define STATUS_FILE_NAME  L"status.json"
#define STATUS_FILE_USEC  UINT64_C(200000) /* no more often than that … */
#define STATUS_FILE_SHARE 20 /* … and no more of the time than one part in so many */

typedef struct StatusFile {
        uint64_t generation, due_usec;
        bool written, told;
} StatusFile;

/* Write it when it is due. @vms may be NULL. */
void status_file_tick(StatusFile *s, const Controller *controller, const Surroundings *facts,
                      const Vms *vms, uint64_t now_usec);

/* LOOP_NO_DEADLINE when nothing has changed. */
uint64_t status_file_deadline(const StatusFile *s, const Controller *controller,
                              const Surroundings *facts, const Vms *vms);

/* The helper ends: the file goes, so that nobody takes it for the truth. */
void status_file_remove(void);
