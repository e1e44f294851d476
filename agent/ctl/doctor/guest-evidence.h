/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: what the doctor knows of this guest. survey.c collects it; the checks
 * only draw conclusions from it, so that a test can make it up.
 */

#include "agent/config/config.h"
#include "agent/ctl/doctor/unit.h"
#include "agent/network/port-map.h"
#include "agent/status/read.h"

/* What WSL does to an idle distribution. */
typedef enum IdleStop {
        IDLE_UNKNOWN,
        IDLE_STOPS,
        IDLE_STAYS,
        IDLE_LATER,   /* it stays from the next start of WSL on */
        IDLE_DOUBTED, /* it should stay, but this WSL may be too old to know how */
} IdleStop;

/* What /etc/wsl.conf says about systemd. */
typedef enum WslSystemd {
        WSL_SYSTEMD_UNSET,
        WSL_SYSTEMD_ON,
        WSL_SYSTEMD_OFF,
        WSL_SYSTEMD_ODD, /* there is such a line, but not one that WSL understands */
} WslSystemd;

typedef struct GuestEvidence { /* everything is borrowed */
        bool systemd;          /* process 1 is systemd */
        const char *pid1;      /* the name of process 1, "" = unknown */
        bool wsl, wsl1, vmbus, vsock;
        WslSystemd wsl_systemd;
        bool systemd_installed;       /* it could run, if somebody started it */
        Unit unit;                    /* CTL_UNIT */
        Unit loopback, loopback_path; /* asked only when a service is not carried */
        Unit firewalld;
        bool ufw;                   /* … is turned on */
        const char *status_problem; /* a sentence: why there is no @report */
        bool status_bad;            /* there is a status file, but it cannot be used */
        const Report *report;       /* NULL = the agent does not run */
        const Config *config;       /* as the files are now */
        bool unread;                /* … but the agent has not read them since they changed */
        const PortMap *ports;       /* of TCP, as they are now */
        const PortMap *udp_ports;
        bool drive_silent; /* drive C: of Windows does not answer, so nothing of it is known */
        IdleStop idle;
        const char *firewall_off; /* the .wslconfig with firewall=false; "": none is known */
        const char *mirrored;     /* the same with networkingMode=mirrored */
        const char *containers; /* networks of containers that are up: "docker0, cni0"; "" = none */
        uint64_t now_usec;      /* CLOCK_MONOTONIC */
} GuestEvidence;
