/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the parts of the agent share:
 *      agent.c           start, signals, the choice of the address, end
 *      reload.c    configuration and key, at start and on reload
 *      guest.c     networking mode, listening ports, sleep: the guest beside its address
 *      connection.c    the channel's callbacks, pushing the state
 *      services.c  what the helper answers for each service
 *      report.c    status.json and the service manager
 */

#include "agent/channel/channel.h"
#include "agent/config/watch.h"
#include "agent/daemon/agent.h"
#include "agent/daemon/deferred-work.h"
#include "agent/guest/clockwatch.h"
#include "agent/guest/wsl.h"
#include "agent/network/netwatch.h"
#include "agent/status/status.h"
#include "agent/util/catalog-ids.h"
#include "agent/util/journal.h"

#define AGENT_LOGGED_SERVICES  20 /* lines for one RESULT; the rest is one line with a number */
#define AGENT_PORTS_PAUSE_USEC (5 * USEC_PER_SEC)
#define AGENT_SUMMARY_SIZE     256

struct Agent {
        /* configuration */
        const char *root;
        const char *directory; /* of status.json */
        WireHello identity;
        Journal log;

        /* owned */
        sd_event *event;
        sd_event_source *report;   /* deferred: status is written when nothing else is to do */
        sd_event_source *patience; /* timer: not later than this, even when an answer is due */
        DeferredWork *check_ports;
        DeferredWork *ask_mode;
        ClockWatch *clock;
        Wsl *wsl;
        NetWatch *netwatch;
        ConfigWatch *configwatch;
        Channel *channel;
        Config *config;
        Config *rejected;        /* newer set that was not taken, for its problems; or NULL */
        StatusService *services; /* config->n_services */
        char *key_problem;       /* or NULL */

        /* state */
        bool paired;
        bool choice_known; /* the first dump was made */
        Choice choice;
        StatusTime choice_since;
        Candidate candidates[SNAPSHOT_CANDIDATES_MAX];
        size_t n_candidates;
        WslFacts facts; /* those in force */
        StatusHelper helper;
        uint32_t outage;       /* bits: what was logged since the helper was last connected */
        uint64_t sequence;     /* of the STATE with what is in force, 0 = none sent yet */
        bool unanswered;       /* no RESULT for it yet */
        uint64_t event_usec;   /* kernel event that it answers, 0 = none */
        uint64_t pending_usec; /* the same for a STATE that waits for the socket */
        uint64_t update_usec;  /* as in Status */
        uint32_t apply_usec;
        bool ready;         /* READY=1 was sent */
        bool status_failed; /* status.json could not be written, and that was logged */
        int watch_error;    /* of the configuration's directories, as last logged */
        char summary[AGENT_SUMMARY_SIZE]; /* last STATUS= */
};

/* address.c */
int agent_new_address(Agent *a); /* takes the first snapshot */

/* push.c */
int agent_push(Agent *a, uint64_t event_usec); /* 0: no kernel event caused it */
int agent_take_result(Agent *a, WireResult *result);

/* connection.c */
int agent_new_channel(Agent *a);
int agent_connect(Agent *a); /* (re)configure the channel from the set in force and the key */

/* services.c */
int agent_new_services(Agent *a);
int agent_set_services(Agent *a, Config *config); /* takes @config over, keeps what is unchanged */
int agent_set_results(Agent *a, const WireResult *result, bool *ret_changed, size_t *ret_active);
int agent_all_services(Agent *a, uint8_t state, uint16_t reason, const char *text);
bool agent_forwards(const Agent *a);     /* the mode is one in which rules are wanted */
int agent_unanswered_services(Agent *a); /* their state while no helper is connected */

/* guest.c */
int agent_new_guest(Agent *a); /* before the channel */

/* reload.c */
int agent_load(Agent *a);   /* at start: problems are logged, the rest is served */
int agent_reload(Agent *a); /* later: any problem keeps the previous set */

/* report.c */
int agent_new_report(Agent *a);
void agent_report_later(Agent *a);
void agent_notify_reloading(Agent *a);
void agent_notify_stopping(Agent *a);
void agent_notify_ready(Agent *a); /* after a reload */
