/* SPDX-License-Identifier: MIT */

/*
 * The life of a stream, with one read and at most one write in flight.
 */

#include "windows-helper/net/stream.h"
#include "common/buffer.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdlib.h>

#define STREAM_INPUT_SIZE (16 * 1024)
#define STREAM_TURN_BYTES (64 * 1024) /* after so many, the stream rests until the next turn */

/*
 *   OPEN ──stream_close()──> DRAINING ──queue empty──> LINGERING ──peer's end, or deadline──> DEAD
 *     └──────peer's end, failure, stream_abort()───────────────────────────────────────────> DEAD
 *
 * A LINGERING stream has sent all it had. It reads on and discards what it reads, because closing a
 * socket with unread bytes resets the connection, and a reset overtakes the REFUSED or BYE that
 * explains it (fact 9.3.4).
 */
typedef enum StreamState {
        STREAM_OPEN,
        STREAM_DRAINING,
        STREAM_LINGERING,
        STREAM_DEAD, /* the socket is closed; its operations have yet to complete */
} StreamState;

struct Stream {
        const StreamEvents *events; /* borrowed */
        void *userdata;
        StreamList *list; /* borrowed */
        Stream *next, *previous;

        SOCKET socket; /* owned */
        StreamState state;
        bool reported; /* the owner knows that it ended */
        unsigned n_pending;
        size_t n_turn; /* bytes received in this turn */
        bool rests;    /* nothing is in flight for reading, and it is not freed meanwhile */
        uint64_t deadline_usec;

        LoopOp receive_op, send_op;
        bool sending_now;
        Buffer queue;   /* not passed to the socket yet */
        Buffer sending; /* must not move while the socket reads it */
        uint8_t input[STREAM_INPUT_SIZE];
};

void *stream_userdata(const Stream *s) {
        return s->userdata;
}

void stream_set_userdata(Stream *s, void *userdata) {
        s->userdata = userdata;
}

bool stream_is_open(const Stream *s) {
        return s->state == STREAM_OPEN;
}

Stream *stream_next(const Stream *s) {
        return s->next;
}

static void stream_free(Stream *s) {
        if (s->previous)
                s->previous->next = s->next;
        else
                s->list->first = s->next;
        if (s->next)
                s->next->previous = s->previous;
        s->list->n_streams--;
        buffer_done(&s->queue);
        buffer_done(&s->sending);
        free(s);
}

/* Closing the socket makes its operations complete with an error, except in Wine 8: there, a send
 * to a peer that does not read keeps the connection open after its handle is closed. So operations
 * are cancelled first (facts 9.3.3, 10.1.5). */
static void stream_kill(Stream *s) {
        if (s->state != STREAM_DEAD) {
                s->state = STREAM_DEAD;
                (void) CancelIoEx((HANDLE) s->socket, NULL);
                (void) closesocket(s->socket);
        }
}

/* Called at the end of every completion, and of a rest: report the end to the owner, and free the
 * stream when nothing is in flight any more. */
static void stream_settle(Stream *s) {
        if (s->state == STREAM_DEAD && !s->reported) {
                s->reported = true;
                s->events->ended(s);
        }
        if (s->state == STREAM_DEAD && s->n_pending == 0 && !s->rests)
                stream_free(s);
}

static void stream_receive(Stream *s) {
        WSABUF buffer = {.len = sizeof(s->input), .buf = (char *) s->input};
        DWORD flags = 0;

        if (WSARecv(s->socket, &buffer, 1, NULL, &flags, loop_op_prepare(&s->receive_op), NULL) ==
                    SOCKET_ERROR &&
            WSAGetLastError() != WSA_IO_PENDING) {
                stream_kill(s);
                return;
        }
        s->n_pending++; /* an immediate success completes through the port too (fact 9.3.2) */
}

static void stream_flush(Stream *s) {
        WSABUF buffer;
        Buffer swap;

        if (s->sending_now || s->state == STREAM_DEAD || s->state == STREAM_LINGERING)
                return;
        if (buffer_length(&s->sending) == 0) {
                swap = s->sending;
                s->sending = s->queue;
                s->queue = swap;
        }
        if (buffer_length(&s->sending) == 0) {
                if (s->state == STREAM_DRAINING) {
                        s->state = STREAM_LINGERING;
                        (void) shutdown(s->socket, SD_SEND);
                }
                return;
        }
        buffer.len = (ULONG) buffer_length(&s->sending);
        buffer.buf = (char *) (uintptr_t) buffer_bytes(&s->sending);
        if (WSASend(s->socket, &buffer, 1, NULL, 0, loop_op_prepare(&s->send_op), NULL) ==
                    SOCKET_ERROR &&
            WSAGetLastError() != WSA_IO_PENDING) {
                stream_kill(s);
                return;
        }
        s->sending_now = true;
        s->n_pending++;
}

static void stream_on_sent(LoopOp *op, DWORD error, DWORD n_bytes) {
        Stream *s = op->userdata;

        s->n_pending--;
        s->sending_now = false;
        buffer_consume(&s->sending, n_bytes);
        if (error != ERROR_SUCCESS)
                stream_kill(s);
        else
                stream_flush(s);
        stream_settle(s);
}

static void stream_on_received(LoopOp *op, DWORD error, DWORD n_bytes) {
        Stream *s = op->userdata;

        s->n_pending--;
        if (error != ERROR_SUCCESS || n_bytes == 0)
                stream_kill(s);
        else if (s->state == STREAM_OPEN)
                s->events->received(s, s->input, n_bytes);
        s->n_turn += n_bytes;
        s->rests = s->n_turn >= STREAM_TURN_BYTES;
        if (s->state != STREAM_DEAD && !s->rests)
                stream_receive(s);
        stream_settle(s);
}

void stream_list_turn(StreamList *list) {
        for (Stream *s = list->first, *next; s; s = next) {
                bool rests = s->rests;

                next = s->next;
                s->n_turn = 0;
                s->rests = false;
                if (rests && s->state != STREAM_DEAD)
                        stream_receive(s);
                if (rests)
                        stream_settle(s);
        }
}

int stream_new(Stream **ret_stream, StreamList *list, Loop *loop, SOCKET socket,
               const StreamEvents *events, void *userdata) {
        Stream *s = calloc(1, sizeof(*s));
        int r;

        r = s ? loop_attach(loop, (HANDLE) socket) : -ENOMEM;
        if (r < 0) {
                (void) closesocket(socket);
                free(s);
                return r;
        }
        s->events = events;
        s->userdata = userdata;
        s->socket = socket;
        s->receive_op = (LoopOp){.fn = stream_on_received, .userdata = s};
        s->send_op = (LoopOp){.fn = stream_on_sent, .userdata = s};
        s->list = list;
        s->next = list->first;
        if (s->next)
                s->next->previous = s;
        list->first = s;
        list->n_streams++;

        stream_receive(s);
        if (s->state == STREAM_DEAD) {
                stream_free(s);
                if (log_may(&list->ended))
                        log_write(LOG_LEVEL_WARNING, "A connection ended before it was read");
                return -ECONNABORTED;
        }
        *ret_stream = s;
        return 0;
}

int stream_send(Stream *s, const uint8_t *data, size_t n) {
        int r = 0;

        if (s->state != STREAM_OPEN)
                return -EPIPE;
        if (buffer_length(&s->queue) + buffer_length(&s->sending) + n > STREAM_QUEUE_MAX)
                r = -ENOBUFS;
        else
                r = buffer_append(&s->queue, data, n);
        if (r < 0) {
                stream_kill(s);
                return r;
        }
        stream_flush(s);
        return s->state == STREAM_OPEN ? 0 : -EPIPE;
}

void stream_close(Stream *s) {
        if (s->state == STREAM_OPEN) {
                s->state = STREAM_DRAINING;
                s->deadline_usec = loop_now_usec() + STREAM_LINGER_USEC;
                stream_flush(s);
        }
}

void stream_abort(Stream *s) {
        stream_kill(s);
}

/* The closing stream whose deadline is next, or NULL. */
static Stream *stream_list_closing(const StreamList *list) {
        Stream *first = NULL;

        for (Stream *s = list->first; s; s = s->next)
                if ((s->state == STREAM_DRAINING || s->state == STREAM_LINGERING) &&
                    (!first || s->deadline_usec <= first->deadline_usec))
                        first = s;
        return first;
}

static bool stream_list_shed(StreamList *list) {
        Stream *s = stream_list_closing(list);

        if (!s)
                return false;
        stream_kill(s); /* its completions free it */
        return true;
}

bool stream_list_make_room(StreamList *list, size_t max, SOCKET socket) {
        unsigned left_out;

        if (list->n_streams < max || stream_list_shed(list))
                return true;
        (void) closesocket(socket);
        if (log_limit_take(&list->refused, 1, loop_now_usec(), &left_out))
                log_event(LOG_LEVEL_WARNING, EVENT_PROBLEM,
                          "closed a new connection without an answer, because %zu are open; before "
                          "it, the same happened to %u others that were not logged",
                          list->n_streams, left_out);
        return false;
}

uint64_t stream_list_deadline(const StreamList *list) {
        const Stream *s = stream_list_closing(list);

        return s ? s->deadline_usec : LOOP_NO_DEADLINE;
}

void stream_list_expire(StreamList *list, uint64_t now_usec) {
        while (stream_list_deadline(list) <= now_usec)
                (void) stream_list_shed(list);
}
