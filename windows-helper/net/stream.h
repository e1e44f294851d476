/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One connected, overlapped stream socket: reads until told otherwise, sends from a bounded queue,
 * and closes so that the peer still gets what was queued. The same for every address family; how a
 * socket comes to be connected is transport.h's business.
 *
 * A stream frees itself when it is closed and its last operation has completed, so whoever holds
 * one only ever asks it to close. Events come from completions alone, never from within a call.
 */

#include "protocol/wire/wire.h"
#include "windows-helper/win/loop.h"

#include <stdbool.h>

/* A peer that lets two of the largest RESULTs pile up is not reading; its connection ends. */
#define STREAM_QUEUE_MAX (2 * (WIRE_RESULT_PAYLOAD_MAX + WIRE_HEADER_SIZE))
/* After a close: time for the queue to drain and the peer to close its end. */
#define STREAM_LINGER_USEC (2 * 1000000ULL)

typedef struct Stream Stream;

typedef struct StreamEvents {
        void (*received)(Stream *s, const uint8_t *data, size_t n);
        /* It ended, whoever ended it; told once, and before the stream is freed. Not for one that
         * stream_new() did not return. */
        void (*ended)(Stream *s);
} StreamEvents;

/* The streams of one owner, closing ones included. */
typedef struct StreamList {
        Stream *first;
        size_t n_streams;
} StreamList;

#define STREAM_LIST_NULL ((StreamList){0})

/**
 * stream_new() - take over a connected socket and start to read
 * @list: where the stream lives until it is gone; must outlive it
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

/* Queue a copy. Return: 0; -EPIPE when it is not open any more; -ENOBUFS when the queue is full
 * (the stream is cut: the next bytes would make no sense without these), -ENOMEM (same). */
int stream_send(Stream *s, const uint8_t *data, size_t n);

/* Send what is queued, then close; at once when the peer is gone or does not read. */
void stream_close(Stream *s);

/* Close now. */
void stream_abort(Stream *s);

/* Cut the stream that has been closing for longest. Return: false when none is closing. */
bool stream_list_shed(StreamList *list);

/* When stream_list_expire() is due next, and what it does: end closings that take too long. */
uint64_t stream_list_deadline(const StreamList *list);
void stream_list_expire(StreamList *list, uint64_t now_usec);
