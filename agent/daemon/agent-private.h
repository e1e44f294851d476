/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The Agent, part by part. Each part is written by the one file named above it; the others only
 * read it. The files are listed so that each calls only those below it, and deferred-work.h and
 * the other folders:
 *
 *      agent.c       start, signals, end
 *      reload.c      configuration: at start, on reload, when a file was saved
 *      guest.c       who and what this guest is: identity, networking mode, sleep
 *      address.c     the choice of the guest's address
 *      connection.c  the channel to the helper: key, callbacks, outages
 *      push.c        the STATE for the helper, and its RESULT
 *      loopback.c    what is carried to the guest's own loopback, and by whom
 *      ports.c       whether programs of the guest listen for the services
 *      services.c    the state of each service
 *      report.c      status.json and the service manager
 *      place.c       where the guest is, as the helper sees it
 *
 * Where a part comes with agent_new_*() and agent_done_*(), these set it up and free it.
 * Functions return 0 or negative errno, which ends the event loop, unless they say otherwise.
 */

#include "agent/channel/channel.h"
#include "agent/config/watch.h"
#include "agent/daemon/agent.h"
#include "agent/daemon/deferred-work.h"
#include "agent/guest/clockwatch.h"
#include "agent/guest/mode-state.h"
#include "agent/guest/wsl.h"
#include "agent/loop/again.h"
#include "agent/loop/folder-watch.h"
#include "agent/network/doubt.h"
#include "agent/network/netwatch.h"
#include "agent/status/file.h"
#include "agent/status/status.h"
#include "agent/util/catalog-ids.h"
#include "agent/util/journal.h"

#include "common/log-limit.h"

#define AGENT_LOGGED_SERVICES 20  /* lines for one RESULT; the rest is one line with a number */
#define AGENT_LOG_BURST       100 /* lines at once that the helper may cause */
#define AGENT_SUMMARY_SIZE    512

/* reload.c */
typedef struct AgentConfig {
        const char *root; /* borrowed; "" or a directory without trailing slash */
        ConfigWatch *watch;
        int watch_error; /* of the watch, as last logged */
        Again *again;    /* reads once more what could not be read or watched */
        Config *current; /* what is in force, with the problems of the files that are not */
        StatusTime read; /* when the files were read last */
} AgentConfig;

int agent_new_config(Agent *a, const char *root); /* starts watching, loads nothing yet */
void agent_done_config(Agent *a);
int agent_load(Agent *a);   /* at start */
int agent_reload(Agent *a); /* later; a file with a problem keeps what it had in force */

/* guest.c */
typedef struct AgentGuest {
        WireHello identity;
        WslAnswers answers; /* those in force */
        char *directory;    /* where they are kept over restarts; owned */
        char *lock;         /* the file there that keeps a second agent out; owned */
        int lock_fd;
        Kept kept;        /* what is there */
        bool keep_failed; /* they could not be kept, and that was logged */
        Again *keep;      /* keeps them once more */
        Wsl *wsl;
        DeferredWork *ask_mode; /* asks WSL for the networking mode again */
        ClockWatch *clock;
} AgentGuest;

int agent_lock_guest(Agent *a, const char *root); /* before all else; also returns AGENT_E_RUNS */
int agent_load_identity(Agent *a);
int agent_new_guest(Agent *a, const char *root); /* before the connection; asks for the mode */
void agent_done_guest(Agent *a);

/* address.c */
typedef struct AgentAddress {
        NetWatch *netwatch;
        bool early; /* there has been no address since the start, and it may still come */
        sd_event_source *patience; /* … until this timer ends */
        bool asked;                /* the dump of this moment is one that the agent wants */
        bool known;                /* the first dump was made, the members below are valid */
        Doubt doubt;               /* about a choice that is worse than the one in force */
        Choice choice;             /* in force */
        StatusTime since;          /* when the choice was made */
        Candidate candidates[SNAPSHOT_CANDIDATES_MAX];
        size_t n_candidates;
} AgentAddress;

int agent_new_address(Agent *a);     /* takes the first snapshot */
int agent_refresh_address(Agent *a); /* takes another one; believes it, unless a window is open */
void agent_done_address(Agent *a);

/* connection.c */
typedef struct AgentConnection {
        Channel *channel;
        StatusHelper helper;
        uint32_t outage;   /* bits: what was logged since the helper was last connected */
        bool paired;       /* there is a key */
        bool key_unread;   /* it could not be read, for a reason that passes */
        char *key_problem; /* or NULL */
} AgentConnection;

int agent_new_connection(Agent *a); /* starts connecting */
void agent_done_connection(Agent *a);
int agent_connect(Agent *a); /* (re)configure the channel from the set in force and the key */

/* push.c */
typedef struct AgentPush {
        uint64_t sequence;     /* of the STATE with what is in force; 0 = none sent yet */
        bool unanswered;       /* its RESULT has not come yet */
        uint64_t event_usec;   /* the kernel's event that it answers; 0 = none */
        uint64_t pending_usec; /* the same, for a STATE that waits for the socket */
        uint64_t update_usec;  /* as in Status */
        uint32_t apply_usec;   /* as in Status */
        /* Which services the STATE has. All, unless the helper speaks an older version, or the
         * networking mode leaves no way to this guest's loopback. */
        uint32_t n_sent;
        uint32_t *sent_as; /* owned; of the services of the set in force: the index in STATE, or
                              AGENT_NOT_SENT; NULL: all have the same index */
} AgentPush;

#define AGENT_NOT_SENT UINT32_MAX

#define AGENT_PUSH_NULL ((AgentPush){.update_usec = STATUS_UPDATE_NEVER})

int agent_push(Agent *a, uint64_t event_usec); /* @event_usec: 0 when no kernel event caused it */
int agent_take_result(Agent *a, const WireResult *result);
void agent_outdate_push(Agent *a); /* answers on their way are about another set of services */
void agent_forget_push(Agent *a);  /* the connection has ended: no answer will come */
void agent_done_push(Agent *a);

/* loopback.c */
typedef struct AgentLoopback {
        char *folder, *table_path, *wanted_path, *report_path; /* owned */
        DeferredWork *update;      /* writes the table, reads the report, judges the services */
        FolderWatch *watch;        /* of the report; only while there is such a service */
        sd_event_source *patience; /* timer: the program has had its time to start */
        sd_event_source *again;    /* timer: look once more at what must not last */
        LoopbackTable table;       /* as written last */
        bool written, failed;      /* it was; it could not be, and that was logged */
        bool runs;                 /* the program does, and the report is its */
        LoopbackReport report;
        uint64_t missed_usec; /* since when it is wanted and does not run, or has another table in
                               * force; 0: neither */
        const char *host_problem; /* loopback_host_problem(), or agent_host_problem() */
        uint64_t lost_usec;       /* since when it has one that is not believed yet; 0: not */
} AgentLoopback;

int agent_new_loopback(Agent *a);
void agent_done_loopback(Agent *a); /* removes the files */

/* ports.c */
typedef struct AgentPorts {
        DeferredWork *check; /* looks whether the guest listens */
        StatusListening listening;
} AgentPorts;

int agent_new_ports(Agent *a);
void agent_done_ports(Agent *a);

/* services.c */
typedef struct AgentServices {
        StatusService *states; /* one for each service of the configuration in force */
        size_t n_states;
} AgentServices;

void agent_done_services(Agent *a);

/* Make room for the services of @config, which is about to be in force; what is unchanged keeps its
 * state. After a failure all is as before. */
int agent_set_services(Agent *a, const Config *config);

/* Take over what a RESULT for the set in force says. @ret_changed: set to true when it says
 * anything new, otherwise left alone. @ret_active: number of active services. */
int agent_set_results(Agent *a, const WireResult *result, bool *ret_changed, size_t *ret_active);

/* Give every enabled service the same state. @text: copied, may be NULL. */
int agent_set_all_services(Agent *a, uint8_t state, uint16_t reason, const char *text);

int agent_set_unanswered(Agent *a); /* the state that services have without a helper */

/* report.c */
typedef struct AgentReport {
        const char *directory; /* of status.json; borrowed */
        StatusFile file;
        Buffer text;         /* of the report that is being made … */
        size_t next_service; /* … from here */
        uint64_t since_usec; /* when the first change came that no report has; 0: there is none */
        sd_event_source *source;        /* deferred: writes when nothing else is to do */
        sd_event_source *maximum_delay; /* timer: begin no later than this, even while we wait for
                                           an answer */
        bool ready;                     /* READY=1 was sent */
        bool failed;                    /* status.json could not be written, and that was logged */
        char summary[AGENT_SUMMARY_SIZE]; /* the last STATUS= */
        LogLimit limit;                   /* of log lines that the helper causes */
        sd_event_source *left_out;        /* timer: tell how many were left out */
        Again *again;                     /* writes and tells once more */
} AgentReport;

int agent_lock_report(Agent *a); /* before all else; also returns AGENT_E_RUNS */
/* Say that process @pid, which has @directory, is the agent here. Return: AGENT_E_RUNS. */
int agent_refuse_to_run(Agent *a, const char *directory, pid_t pid);
/* Whether one more log line that the helper has caused may be written. */
bool agent_may_log(Agent *a);
int agent_new_report(Agent *a);
void agent_done_report(Agent *a);  /* removes status.json */
void agent_report_later(Agent *a); /* something in status.json has changed */
void agent_notify_reloading(Agent *a);
void agent_notify_ready(Agent *a); /* after a reload */
void agent_notify_stopping(Agent *a);

/* place.c */
typedef struct AgentPlace {
        bool known;     /* the helper has said it … */
        IpAddr gateway; /* … of an address with this gateway, and holds as long as that */
        uint8_t place;  /* WirePlace */
} AgentPlace;

/* The address that the helper connects to; of IP_FAMILY_NONE when there is none. */
const WireAddress *agent_published(const Agent *a);

/* How other machines reach the ports of this guest, by its networking mode and its place. */
WireReach agent_reach(const Agent *a);

/* Whether it is certain that the gateway is the host, and so the one that forwards. */
bool agent_is_behind_host(const Agent *a);

/* Return: NULL; or why that is not certain although the helper has answered, as the end of a
 * sentence about this guest. */
const char *agent_host_problem(const Agent *a);

/* Take over what a RESULT for the address in force says. Return: whether one of these changes. */
bool agent_set_place(Agent *a, uint8_t place);

struct Agent {
        sd_event *event;
        Journal journal; /* opened by agent.c; reload.c sets the level that is configured */
        AgentConfig config;
        AgentGuest guest;
        AgentAddress address;
        AgentConnection connection;
        AgentPush push;
        AgentLoopback loopback;
        AgentPorts ports;
        AgentServices services;
        AgentReport report;
        AgentPlace place;
};
