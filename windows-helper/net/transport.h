/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where connections come from. A transport is a kind of stream socket: which family it is, what
 * has to be set on each socket, and how a listen address is written. All else (AcceptEx on the
 * completion port, streams) is the same for all kinds and stands in listener.c and stream.c.
 *
 * A new kind is one file with one Transport in it, and one line in transport.c.
 */

#include "windows-helper/core/controller/controller.h"
#include "windows-helper/win/win.h"

#include <stdbool.h>
#include <stdint.h>

#define TRANSPORT_ADDRESS_MAX 128 /* bytes of a socket address, all kinds */
#define TRANSPORT_TEXT_MAX    128

typedef struct TransportAddress {
        union {
                SOCKADDR header;
                uint8_t bytes[TRANSPORT_ADDRESS_MAX];
        };
        int size;
} TransportAddress;

typedef struct Transport {
        const char *name; /* what stands before ':' in --transport */
        int family, protocol;

        /* Read what stands behind "name:". Return: 0 or -EINVAL. */
        int (*parse)(const char *text, TransportAddress *ret_address);
        void (*format)(const TransportAddress *address, char ret_text[TRANSPORT_TEXT_MAX]);

        /* Options for a listening or accepting socket before it is used. Return: 0 or a Winsock
         * error. */
        int (*prepare)(SOCKET socket, bool listening);

        /* The address that one VM's guests reach, VM_ID_NULL for any VM's; NULL when this kind
         * knows no VMs. Return: 0 or -ENOTSUP. */
        int (*vm_address)(const VmId *vm, TransportAddress *ret_address);

        /* What the peer's address tells, added to what is known of the listener; may be NULL. */
        void (*peer)(const SOCKADDR *address, int size, Peer *peer);
} Transport;

/**
 * transport_parse() - find the kind and the address of "name:address"
 *
 * Return: 0; -EPROTONOSUPPORT when this build has no such kind; -EINVAL for a bad address.
 */
int transport_parse(const char *text, const Transport **ret_transport,
                    TransportAddress *ret_address);

extern const Transport transport_hyperv;
#ifdef WSLBRIDGE_TEST_TRANSPORT
extern const Transport transport_tcp_vm;
extern const Transport transport_tcp; /* 127.0.0.1 only, stands in for AF_HYPERV in tests */
#endif
