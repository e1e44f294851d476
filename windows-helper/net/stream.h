/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One connected stream socket. It reads until it is closed, sends from a bounded queue, and
 * delivers what is queued before it closes. It is the same for every address family;
 * net/transport.h describes how a socket comes to be connected.
 *
 * A stream frees itself after it was closed and its last operation has completed, or in
 * stream_list_turn() if it had none; its owner only asks it to close. Events come only from
 * completions and from stream_list_turn(), never from within another call.
 */

#include "common/log-limit.h"
#include "protocol/wire/wire.h"
#include "windows-helper/win/loop.h"

#include <stdbool.h>

/* If two of the largest RESULTs pile up, the peer does not read, and its connection is ended. */
#define STREAM_QUEUE_MAX (2 * (WIRE_RESULT_PAYLOAD_MAX + WIRE_HEADER_SIZE))
/* Time after a close for the queue to drain and for the peer to close its end. */
#define STREAM_LINGER_USEC (2 * 1000000ULL)

typedef struct Stream Stream;

typedef struct StreamEvents {
        void (*received)(Stream *s, const uint8_t *data, size_t n);
        /* The stream has ended, at either end. Called once, before the stream is freed, but not for
         * a stream that stream_new() did not return. */
        void (*ended)(Stream *s);
} StreamEvents;

/* The streams of one owner, including those that are closing. */
typedef struct StreamList {
        Stream *first;
        size_t n_streams;
        LogLimit refused; /* lines about sockets for which there was no room */
        LogLimit ended;   /* and about those that ended before they were read */
} StreamList;

#define STREAM_LIST_NULL ((StreamList){0})

/**
 * stream_new() - take over a connected socket and start reading
 * @list: contains the stream until it is freed; must outlive it
 * @socket: consumed, also on failure
 * @events: borrowed
 * @userdata: for stream_userdata()
 *
 * Return: 0 or negative errno (logged).
 */
int stream_new(Stream **ret_stream, StreamList *list, Loop *loop, SOCKET socket,
               const StreamEvents *events, void *userdata);

void *stream_userdata(const Stream *s);
void stream_set_userdata(Stream *s, void *userdata);
bool stream_is_open(const Stream *s); /* false after stream_close() and after the end */
Stream *stream_next(const Stream *s);

/* Queue a copy of @n bytes. Return: 0; -EPIPE when the stream is not open any more; -ENOBUFS when
 * the queue is full, or -ENOMEM. After the last two the stream is closed, because the following
 * bytes would make no sense without these. */
int stream_send(Stream *s, const uint8_t *data, size_t n);

/* Send what is queued, then close. If the peer is gone or does not read, close at once or after
 * STREAM_LINGER_USEC. */
void stream_close(Stream *s);

/* Close at once. */
void stream_abort(Stream *s);

/* Make room for @socket among at most @max streams, if need be by cutting the one that has been
 * closing for the longest time. Return: false when none is closing; then @socket is closed without
 * a word, which is logged from time to time. The system is slow then to complete what was
 * cancelled, and without a stream nothing can be sent. */
bool stream_list_make_room(StreamList *list, size_t max, SOCKET socket);

/* Call this between two turns of the loop. A stream receives a bounded number of bytes in one turn:
 * a peer that sends without a pause does not put off what the owner does between them. And yet one
 * turn takes from each stream what has arrived, up to that. */
void stream_list_turn(StreamList *list);

/* stream_list_expire() ends streams whose closing takes too long; it is due at the deadline. */
uint64_t stream_list_deadline(const StreamList *list);
void stream_list_expire(StreamList *list, uint64_t now_usec);
