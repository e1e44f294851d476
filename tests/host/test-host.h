/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * wslbridge-test-host: the helper's core behind a real listener on Linux, with a Windows in memory.
 * Its parts are test-host.c (options, loop), peers.c (sockets), setup.c (keys and addresses),
 * commands.c (standard input, and what is printed) and store.c (a file in place of the registry).
 */

#include "tests/host/memory-host.h"

#include <poll.h>
#include <stdio.h>

#define TEST_HOST_PEERS_MAX 128
#define TEST_HOST_LINE_MAX  4096

typedef struct TestHost TestHost;

typedef struct TestPeer {
        TestHost *host;             /* borrowed */
        PeerConnection *connection; /* borrowed from the controller */
        int fd;                     /* owned */
        Buffer out;
        bool closing;          /* close when .out is empty */
        uint64_t delayed_usec; /* --delay-ms: nothing is sent before this time */
} TestPeer;

/* The STATE of a guest that was printed last. */
typedef struct SeenState {
        char owner[LEDGER_OWNER_MAX + 1];
        uint64_t serial;
} SeenState;

struct TestHost {
        /* configuration */
        const char *listen;
        bool events;
        uint32_t delay_ms;
        ControllerOptions options;
        Hostnet hostnet; /* no address: not checked */
        /* owned */
        MemoryHost memory;
        FirewallSight sight; /* the controller borrows it */
        Controller *controller;
        FILE *store;
        TestPeer *peers[TEST_HOST_PEERS_MAX];
        size_t n_peers;
        int listen_fd;
        /* state */
        char line[TEST_HOST_LINE_MAX]; /* of standard input; not complete yet */
        size_t n_line;
        bool stdin_ended, quit;
        int activate_error;
        SeenState seen[CONTROLLER_GUESTS_MAX];
        size_t n_seen;
        uint64_t n_states, n_results, last_state_usec, last_result_usec;
        uint64_t received_usec; /* when the bytes that are being handled arrived */
};

uint64_t test_host_now(void);

/* peers.c */
int peers_listen(TestHost *h);
void peers_accept(TestHost *h);
void peer_readable(TestPeer *p);
void peer_free(TestPeer *p);
void peers_flush(TestHost *h); /* send what may be sent, and remove peers that are done */
int peers_send(void *userdata, void *handle, const uint8_t *data, size_t n);
void peers_close(void *userdata, void *handle);

/* commands.c */
void commands_readable(TestHost *h);
void commands_note_states(TestHost *h); /* call after the controller got bytes */
void commands_note_result(TestHost *h, const uint8_t *frame, size_t n);
void commands_event(TestHost *h, const char *event);

/* setup.c: who is paired, and which addresses the host has. Print what is wrong. Return: 0 or
 * -EINVAL. */
int setup_key(TestHost *h, const char *text);
int setup_address(TestHost *h, const char *text, bool virtual_switch);

/* store.c: read the file @path if it exists, rewrite it compactly, and append every change from now
 * on. Return: 0 or negative errno. */
int store_open(TestHost *h, const char *path);
