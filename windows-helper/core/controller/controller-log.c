/* SPDX-License-Identifier: MIT */

/*
 * The controller's log lines. See controller-log-private.h for what limits them.
 */

#include "common/hash.h"
#include "windows-helper/core/controller/controller-log-private.h"

#include <stdio.h>
#include <string.h>

/* Lines at once: of a peer with a session or of the host, and of strangers of one VM. */
#define CONTROLLER_LOG_BURST          50
#define CONTROLLER_LOG_STRANGER_BURST 10

static uint64_t log_hash(const void *data, size_t n) {
        uint64_t hash = hash_bytes(HASH_START, data, n);

        return hash ? hash : 1;
}

static void log_put(const ControllerLog *log, LogLevel level, EventId event, const char *text) {
        log->host->log(log->host->userdata, level, event, text);
}

/* @left_out: by the limit. Repetitions come on top. */
static void log_put_left_out(const ControllerLog *log, LogPeer *p, unsigned left_out) {
        char text[WIRE_TEXT_MAX + 1];

        left_out += p->n_repeated;
        p->n_repeated = 0;
        if (left_out == 0)
                return;
        result_text(text, "log lines left out about %s: %u",
                    p->key ? p->name : "the port forwardings", left_out);
        log_put(log, LOG_LEVEL_WARNING, EVENT_PROBLEM, text);
}

/* The entry for @key. If there is none, it takes the place of the one that was used least
 * recently. */
static LogPeer *log_peer(ControllerLog *log, uint64_t key) {
        LogPeer *oldest = log->peers;

        for (size_t i = 0; i < log->n_peers; i++) {
                if (log->peers[i].key == key)
                        return &log->peers[i];
                if (log->peers[i].used_usec < oldest->used_usec)
                        oldest = &log->peers[i];
        }
        if (log->n_peers < CONTROLLER_LOG_PEERS_MAX)
                oldest = &log->peers[log->n_peers++];
        else
                log_put_left_out(log, oldest, oldest->limit.left_out);
        *oldest = (LogPeer){.key = key};
        return oldest;
}

static LogPeer *log_peer_of(ControllerLog *log, const LogCause *cause) {
        LogPeer *p = log_peer(log, cause->keyed ? log_hash(cause->owner, strlen(cause->owner))
                                                : log_hash(cause->vm, sizeof(*cause->vm)));

        controller_log_name(cause->owner[0] ? cause->owner : "unknown peer", p->name);
        return p;
}

/* Return: whether the line was written. */
static bool log_limited(ControllerLog *log, LogPeer *p, unsigned burst, LogLevel level,
                        EventId event, const char *text) {
        unsigned left_out;

        p->used_usec = log->now_usec;
        if (!log_limit_take(&p->limit, burst, p->used_usec, &left_out))
                return false;
        if (left_out > 0)
                log_put_left_out(log, p, left_out);
        log_put(log, level, event, text);
        return true;
}

void controller_log(ControllerLog *log, LogLevel level, EventId event, const char *format, ...) {
        char text[WIRE_TEXT_MAX + 1];
        va_list args;

        va_start(args, format);
        result_text_v(text, format, args);
        va_end(args);
        if (level == LOG_LEVEL_DEBUG) /* nobody else has asked for these */
                log_put(log, level, event, text);
        else
                (void) log_limited(log, log_peer(log, 0), CONTROLLER_LOG_BURST, level, event, text);
}

void controller_log_peer(ControllerLog *log, const LogCause *cause, LogLevel level, EventId event,
                         const char *format, ...) {
        char text[WIRE_TEXT_MAX + 1];
        va_list args;

        va_start(args, format);
        result_text_v(text, format, args);
        va_end(args);
        (void) log_limited(log, log_peer_of(log, cause), CONTROLLER_LOG_BURST, level, event, text);
}

void controller_log_stranger(ControllerLog *log, const LogCause *cause, const char *format, ...) {
        LogCause stranger = {.owner = cause->owner, .vm = cause->vm};
        LogPeer *p = log_peer_of(log, &stranger);
        char text[WIRE_TEXT_MAX + 1];
        va_list args;
        uint64_t hash;

        va_start(args, format);
        result_text_v(text, format, args);
        va_end(args);
        hash = log_hash(text, strlen(text));
        for (size_t i = 0; i < CONTROLLER_LOG_REPEATS; i++)
                if (p->written[i] == hash) { /* it is written already */
                        p->n_repeated++;
                        p->used_usec = log->now_usec;
                        return;
                }
        if (log_limited(log, p, CONTROLLER_LOG_STRANGER_BURST, LOG_LEVEL_WARNING,
                        EVENT_AGENT_REFUSED, text))
                p->written[p->n_written++ % CONTROLLER_LOG_REPEATS] = hash;
}

void controller_log_refusal(ControllerLog *log, const LogCause *cause, const char *text) {
        char name[CONTROLLER_NAME_MAX];

        controller_log_name(cause->owner[0] ? cause->owner : "unknown peer", name);
        controller_log_stranger(log, cause, "%s: refused: %s", name, text);
}

void controller_log_admitted(ControllerLog *log, const LogCause *cause) {
        LogPeer *p = log_peer(log, log_hash(cause->vm, sizeof(*cause->vm)));

        log_put_left_out(log, p, 0);
        memset(p->written, 0, sizeof(p->written));
}

void controller_log_flush(ControllerLog *log, uint64_t now_usec) {
        log->now_usec = now_usec;
        for (size_t i = 0; i < log->n_peers; i++) {
                unsigned left_out = log_limit_flush(&log->peers[i].limit, now_usec);

                if (left_out > 0)
                        log_put_left_out(log, &log->peers[i], left_out);
        }
}

uint64_t controller_log_deadline(const ControllerLog *log) {
        uint64_t first = UINT64_MAX;

        for (size_t i = 0; i < log->n_peers; i++)
                if (log_limit_deadline(&log->peers[i].limit) < first)
                        first = log_limit_deadline(&log->peers[i].limit);
        return first;
}

void controller_log_name(const char *owner, char ret_name[CONTROLLER_NAME_MAX]) {
        const char *distro = strchr(owner, '/');
        char *p = ret_name + 1;

        (void) snprintf(ret_name, CONTROLLER_NAME_MAX, "'%.*s", WIRE_DISTRO_MAX,
                        distro ? distro + 1 : owner);
        for (; *p; p++)
                if (*p == '\'') /* nobody ends the name before its end */
                        *p = '?';
        (void) snprintf(p, CONTROLLER_NAME_MAX - (size_t) (p - ret_name), "' (%.8s)", owner);
}
