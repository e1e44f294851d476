/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Looks at this Windows for 'doctor', as far as Windows lets the user look. Changes nothing.
 */

#include "windows-helper/core/doctor/host-evidence.h"

#define HOST_SURVEY_PATH_MAX 1024 /* bytes of UTF-8 */

#define HOST_SURVEY_FACTS_MAX 64 /* more than there are */

typedef struct HostSurvey {
        HostEvidence evidence; /* refers to the rest */
        PolicyOrigin policy;
        VmList vms;
        Hostnet hostnet;
        char program[HOST_SURVEY_PATH_MAX], relay[HOST_SURVEY_PATH_MAX];
        const UnverifiedFact *facts[HOST_SURVEY_FACTS_MAX];
        /* owned */
        FirewallSight sight;
        HypervSight hyperv;
        RuleTable rules;
        Ledger ledger;
        EvidenceGuest *guests;
        size_t n_guests;
        char *status;
        bool hangs; /* what it has asked may still answer, so it is not freed */
} HostSurvey;

/* Return: 0 or -ENOMEM. */
int host_survey_new(HostSurvey **ret_survey);
HostSurvey *host_survey_free(HostSurvey *s); /* takes NULL, returns NULL */
