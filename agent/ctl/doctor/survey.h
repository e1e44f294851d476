/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: looks at this guest for the doctor, and changes nothing.
 */

#include "agent/ctl/doctor/guest-evidence.h"

#include <net/if.h>

#define WSLCONFIG_PATH_SIZE 256 /* a longer one is cut */

typedef struct WslConfigSurvey { /* of the files of Windows */
        IdleStop idle;
        char firewall_off[WSLCONFIG_PATH_SIZE], mirrored[WSLCONFIG_PATH_SIZE];
} WslConfigSurvey;

typedef struct GuestSurvey {
        GuestEvidence evidence; /* borrows from the rest */
        /* owned */
        Config *config;
        Report *report;
        char *status_problem;
        PortMap *ports, *udp_ports;
        WslConfigSurvey wslconfig;
        char pid1[32], containers[128], way_out[IF_NAMESIZE];
} GuestSurvey;

/**
 * guest_survey_take() - collect the evidence
 * @root: files are looked up below it; systemd is asked only when it is ""
 * @ret: to be freed with guest_survey_done(), also after an error
 *
 * What cannot be found out stays unknown. Return: 0 or -ENOMEM.
 */
int guest_survey_take(const char *root, GuestSurvey *ret);
void guest_survey_done(GuestSurvey *s);
