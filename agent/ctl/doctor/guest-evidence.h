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
        WSL_SYSTEMD_ODD,    /* there is such a line, but not one that WSL understands */
        WSL_SYSTEMD_UNREAD, /* unset before .wsl_conf_line, at which WSL stops reading */
} WslSystemd;

typedef struct GuestEvidence {  /* everything is borrowed */
        const char *pid1;       /* the name of process 1, "" = unknown */
        bool systemd;           /* process 1 is systemd */
        bool systemd_installed; /* it could run, if somebody started it */
        bool wsl, wsl1, vmbus, vsock;
        bool shm_link;     /* /dev/shm is a link, as before WSL 1.1.0 (fact 7.1.9) */
        bool ufw;          /* … is turned on */
        bool drive_silent; /* drive C: of Windows does not answer, so nothing of it is known */
        bool status_bad;   /* there is a status file, but it cannot be used */
        bool unread;       /* the agent has not read the files of @config since they changed */
        WslSystemd wsl_systemd;
        unsigned wsl_conf_line; /* 0 = WSL reads all of /etc/wsl.conf */
        IdleStop idle;
        Unit unit;                    /* CTL_UNIT */
        Unit loopback, loopback_path; /* asked only when a service is not carried */
        Unit firewalld;
        const char *status_problem; /* a sentence: why there is no @report */
        const Report *report;       /* NULL = the agent does not run */
        const Config *config;       /* as the files are now */
        const PortMap *ports;       /* of TCP, as they are now */
        const PortMap *udp_ports;
        const char *firewall_off; /* the .wslconfig with firewall=false; "": none is known */
        const char *mirrored;     /* the same with networkingMode=mirrored */
        const char *containers; /* networks of containers that are up: "docker0, cni0"; "" = none */
        const char *way_out;    /* the interface of what we answer the gateway; "" = unknown */
        uint64_t now_usec;      /* CLOCK_MONOTONIC */
} GuestEvidence;
