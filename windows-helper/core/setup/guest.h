/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the probe script says of a distro, and whether it can have the agent. Pure.
 */

#include "windows-helper/core/setup/answer.h"
#include "windows-helper/core/setup/setup-report.h"

typedef enum GuestInit {
        GUEST_INIT_NONE,    /* PID 1 is WSL's own */
        GUEST_INIT_RUNNING, /* systemd is PID 1 and answers */
        GUEST_INIT_OFFLINE, /* systemd is installed and PID 1, and does not answer */
        GUEST_INIT_OTHER,   /* another init, or no systemd installed */
} GuestInit;

typedef struct GuestFacts {
        char os_id[SETUP_VALUE_MAX];   /* ID of os-release */
        char os_name[SETUP_VALUE_MAX]; /* PRETTY_NAME */
        char arch[SETUP_VALUE_MAX];    /* dpkg's name, or that of uname */
        bool dpkg;                     /* packages of Debian can be installed */
        char libc[SETUP_VALUE_MAX];    /* the version of libc6; "": not known */
        GuestInit init;
        bool systemd_asked;              /* wsl.conf has systemd=true, which is not in force yet */
        char package[SETUP_VALUE_MAX];   /* the version of our package; "": none */
        char files[SETUP_VALUE_MAX];     /* the version installed without a package; "": none */
        bool enabled, active, connected; /* the agent's unit; its connection to this host */
        char owner[SETUP_VALUE_MAX];     /* ID/NAME of the running agent; "": not known */
} GuestFacts;

/* Read all marker lines of the probe. Return: 0, or -EPROTO when the last one is missing, so that
 * the script has not come to its end. */
int guest_read(const char *text, GuestFacts *ret_facts);

/* Whether there is an agent for the distro, or a package of it, whatever its systemd does. */
bool guest_fits(const GuestFacts *g);

/* Whether the distro can have the agent as it is now. If not, why, in @part; systemd that is only
 * turned off is the caller's to offer. Return: SETUP_ALREADY or SETUP_FAILED. */
SetupOutcome guest_verdict(const GuestFacts *g, SetupPart *part);

/* What the distro lacks, in a word or two, for a list: "the agent", "systemd is off", …. */
const char *guest_lacks(const GuestFacts *g);
