/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Looks at this Windows for 'doctor', as far as Windows lets the user look. Changes nothing.
 */

#include "windows-helper/core/doctor/host-checks.h"

typedef struct DoctorLook {
        DiagnoseFacts facts; /* refers to the rest */
        PolicyOrigin policy;
        VmList vms;
        RuleTable rules; /* owned, as the next four */
        Ledger ledger;
        DiagnoseAgent *agents;
        size_t n_agents;
        char *status;
        Hostnet hostnet;
} DoctorLook;

/* Return: 0 or -ENOMEM. */
int doctor_look_new(DoctorLook **ret_look);
DoctorLook *doctor_look_free(DoctorLook *d); /* takes NULL, returns NULL */
