/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * How the controller writes its log: formatted lines, short names for guests, and limits on what
 * other people can make it write.
 *
 * Every line counts against the one who caused it: an identity that has proven a key; otherwise the
 * VM, because anybody in it can take any name; or the host itself. So nobody silences another. What
 * is left out is counted, and the count is written.
 */

#include "windows-helper/core/base/result.h"
#include "windows-helper/core/controller/controller-host.h"

#include "common/log-limit.h"

#define CONTROLLER_LOG_LINES_MAX 8 /* of one kind in one run */
#define CONTROLLER_NAME_MAX      (WIRE_DISTRO_MAX + 18)

#define CONTROLLER_LOG_PEERS_MAX 96 /* that have a limit of their own at the same time */
#define CONTROLLER_LOG_REPEATS   8  /* lines of strangers that are not written again */

/* Who has caused a line. */
typedef struct LogCause {
        const char *owner; /* "": an unknown peer */
        const VmId *vm;
        bool keyed; /* it has proven a key */
} LogCause;

typedef struct LogPeer {
        uint64_t key; /* a hash of who it is; 0: the host itself */
        uint64_t used_usec;
        LogLimit limit;
        uint64_t written[CONTROLLER_LOG_REPEATS]; /* hashes of lines about strangers */
        unsigned n_written;
        unsigned n_repeated;            /* lines that were left out because they are among these */
        char name[CONTROLLER_NAME_MAX]; /* of the last line */
} LogPeer;

typedef struct ControllerLog {
        const ControllerHost *host; /* borrowed */
        uint64_t now_usec; /* of the last flush, which comes at each turn of the loop. The host's
                              own clock is not that of deadlines */
        LogPeer peers[CONTROLLER_LOG_PEERS_MAX];
        size_t n_peers;
} ControllerLog;

/* A line that the host itself has caused. */
RESULT_PRINTF(4, 5)
void controller_log(ControllerLog *log, LogLevel level, EventId event, const char *format, ...);

/* A line that a peer with a session has caused. The text begins with the peer's name. */
RESULT_PRINTF(5, 6)
void controller_log_peer(ControllerLog *log, const LogCause *cause, LogLevel level, EventId event,
                         const char *format, ...);

/* A warning about a peer without a session. Anybody who can connect can cause these warnings, so
 * few are written, and none twice as long as nobody of that VM is admitted. Repetitions are
 * counted; the count comes with that of what was left out otherwise, or when somebody is admitted.
 */
RESULT_PRINTF(3, 4)
void controller_log_stranger(ControllerLog *log, const LogCause *cause, const char *format, ...);

/* A peer was refused. A refused agent tries again every half minute; as long as nothing else
 * happens, that is one line and not one for each try. */
void controller_log_refusal(ControllerLog *log, const LogCause *cause, const char *text);

/* A peer was admitted: what is said about strangers of its VM is news again. */
void controller_log_admitted(ControllerLog *log, const LogCause *cause);

/* Write the counts of what was left out, where no line has followed that would tell. It is due at
 * the deadline. */
void controller_log_flush(ControllerLog *log, uint64_t now_usec);
uint64_t controller_log_deadline(const ControllerLog *log);

/* How the log calls a guest: its distro, in quotes, and the start of its id. */
void controller_log_name(const char *owner, char ret_name[CONTROLLER_NAME_MAX]);
