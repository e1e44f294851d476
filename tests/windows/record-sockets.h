/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A recorder that takes the place of Winsock, because Wine has no Hyper-V sockets. It notes each
 * call, and fails the one that a test names.
 */

#include "windows-helper/net/listener.h"
#include "windows-helper/net/socket-api.h"

#include <stdbool.h>

#define RECORD_VM    "3b1c2c50-1234-5678-9abc-def012345678"
#define RECORD_OTHER "11111111-2222-3333-4444-555555555555"

/* The calls that can fail. */
enum { SOCKET_CALL = 1, OPTION_CALL, BIND_CALL, LISTEN_CALL, LOAD_CALL, ACCEPT_CALL };

typedef struct Record {
        char calls[4096]; /* what was called since record_clear() */
        int next_socket;
        int fail_call, fail_error;
        LoopOp *pending; /* the last AcceptEx() in flight */
        void *buffer;    /* its buffer */
        uint8_t address[36];
        int address_size;      /* what GetAcceptExSockaddrs() returns … */
        bool no_companion;     /* … if it exists … */
        bool silent_companion; /* … and says anything … */
        bool far_companion;    /* … and names a place in the buffer */
        Peer accepted;         /* the last peer that was delivered */
        unsigned n_accepted;
        int n_failed; /* checks */
} Record;

extern Record record;
extern const SocketApi record_sockets;

void record_clear(void);

/* Print "ok" or "FAILED"; after a failure also the calls. */
void record_check(const char *what, bool good);

/* The ListenerFn that counts. */
void record_on_accepted(void *userdata, SOCKET socket, const Peer *peer);

/* Open a listener for the VM, or for any if it is NULL. Return: as listener_new(). */
int record_open(Listener **ret, const char *vm, DWORD *ret_error);

/* Set the address of the next peer; @last is the last byte of its service GUID, 0xd3 if it is a
 * vsock port. */
void record_set_peer(uint8_t family, const char *vm, uint32_t port, uint8_t last);

/* Complete the accept in flight. */
void record_complete(DWORD error);
