/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * status.json is the only interface of the running agent to people and tools. Building its text is
 * pure; file.h writes it. docs/wslbridge-agent.8 describes the members.
 */

#include "agent/channel/channel.h"
#include "agent/config/config.h"
#include "agent/guest/wsl.h"
#include "agent/loopback/table/outcome.h"
#include "agent/network/netwatch.h"
#include "agent/network/port-map.h"
#include "agent/network/snapshot.h"
#include "protocol/wire/modes.h"

#include "common/buffer.h"

#define STATUS_SCHEMA       1 /* grows when a member changes its meaning or is removed */
#define STATUS_UPDATE_NEVER UINT64_MAX

/* A moment, on the wall clock for people and on CLOCK_MONOTONIC for arithmetic. The two are never
 * compared with each other. */
typedef struct StatusTime {
        uint64_t realtime_usec, monotonic_usec;
} StatusTime;

/* State of one configured service, parallel to Config.services. */
typedef struct StatusService {
        uint8_t state;   /* WireServiceState */
        uint16_t reason; /* WireReason */
        char *text;      /* owned, may be NULL */
        StatusTime since;

        uint8_t forwarder, why; /* as in WireServiceResult */

        uint8_t guest;        /* GuestPort: the worst of its ports in the guest */
        uint8_t guest_logged; /* what was last logged about it */
        uint16_t guest_port;  /* the first port for which that is so, or 0 */
        uint64_t guest_usec;  /* monotonic: since when 'guest' is so */

        LoopbackOutcome loopback;
        uint8_t loopback_logged; /* LoopbackState that was last logged */

        /* What was last logged about it. A lost helper makes every service pending; a helper that
         * comes back with the same answer is not news. */
        bool logged;
        uint8_t logged_state;
        uint16_t logged_reason;
} StatusService;

#define STATUS_LISTENING_MAX 32
typedef struct StatusPorts {
        uint16_t ports[STATUS_LISTENING_MAX]; /* the first ones */
        size_t n;                             /* all */
} StatusPorts;

/* Which ports of the guest listen at its own address, where other machines reach it there. */
typedef struct StatusListening {
        bool known;
        StatusPorts tcp, udp;
} StatusListening;

typedef struct StatusHelper {
        char address[CONFIG_HELPER_PATH_MAX + 8];
        ChannelState state;
        StatusTime since;                     /* when it became connected, or not connected */
        char software[WIRE_SOFTWARE_MAX + 1]; /* of the last session */
        bool failed; /* the members below say how the last connection ended */
        ChannelDown error;
        StatusTime unanswered_since; /* sessions end because it answers no STATE; 0: it does,
                                        or there are no sessions */
} StatusHelper;

typedef struct Status { /* everything borrowed */
        const WireHello *identity;
        int pid; /* lets a reader see that the writer has ended */
        const WslAnswers *wsl;
        WireReach reach;
        const StatusListening *listening;
        const Choice *choice;
        StatusTime choice_since;
        const Candidate *candidates;
        size_t n_candidates;
        const StatusHelper *helper;
        bool paired;
        const char *key_problem; /* or NULL */
        const Config *config;
        const StatusService *services; /* config->n_services */
        const char *loopback_problem;  /* for LOOPBACK_NO_HOST; or NULL */
        StatusTime config_read;        /* when its files were read */
        uint64_t update_usec; /* from the kernel's event to the RESULT, of the last update; or
                                 STATUS_UPDATE_NEVER */
        uint32_t apply_usec;  /* of that, on the host */
        NetWatchStats net;
        uint64_t n_connects;
        StatusTime now;
} Status;

/* "2026-01-31T12:00:00.000000Z" */
#define STATUS_TIME_TEXT_SIZE 32
void status_time_format(uint64_t realtime_usec, char ret_text[STATUS_TIME_TEXT_SIZE]);
StatusTime status_time_now(void);

/**
 * status_format_part() - append a part of the text
 * @most: services in this part, at least 1
 * @next: the service that comes next; 0 at first
 * @out: the parts so far; empty at first
 *
 * With thousands of services the text takes long. In parts, there is time for other things between
 * them; but if anything in the status changes meanwhile, the text has to begin anew.
 *
 * Return: 1 when there are more parts, 0 when the text is whole, or -ENOMEM.
 */
int status_format_part(const Status *s, size_t most, size_t *next, Buffer *out);

/* The line in 'systemctl status': "172.20.1.2 on eth0; helper connected; 2 of 3 services active".
 */
void status_summary(const Status *s, char *ret_text, size_t size);
