/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A transport is a kind of stream socket: its address family, the options of its sockets, and how
 * its listen address is written. Everything else (AcceptEx() on the completion port, streams) is
 * the same for all kinds and is in listener.c and stream.c.
 *
 * To add a kind, write one file with one Transport in it, and add a line to transport.c.
 */

#include "windows-helper/core/vm/peer.h"
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
        const char *name; /* the part before ':' in --transport */
        int family, protocol;

        /* Read the part after "name:". Return: 0 or -EINVAL. */
        int (*parse)(const char *text, TransportAddress *ret_address);
        void (*format)(const TransportAddress *address, char ret_text[TRANSPORT_TEXT_MAX]);

        /* Set the options of a listening or accepting socket before it is used. Return: 0 or a
         * Winsock error. */
        int (*prepare)(SOCKET socket, bool listening);

        /* The listen address for guests of one VM, or of any VM for VM_ID_NULL. NULL when this kind
         * has no VMs. Return: 0 or -ENOTSUP. */
        int (*vm_address)(const VmId *vm, TransportAddress *ret_address);

        /* Search @bytes for an address of this kind, and add what it says to what is known from the
         * listener. May be NULL. Return: whether there was one. */
        bool (*peer)(const uint8_t *bytes, size_t size, Peer *peer);
} Transport;

/**
 * transport_parse() - find the kind and the address of "name:address"
 *
 * Return: 0; -EPROTONOSUPPORT when this build does not have the kind; -EINVAL for a bad address.
 */
int transport_parse(const char *text, const Transport **ret_transport,
                    TransportAddress *ret_address);

extern const Transport transport_hyperv;
#ifdef WSLBRIDGE_TEST_TRANSPORT
extern const Transport transport_tcp_vm;
extern const Transport transport_tcp; /* 127.0.0.1 only, replaces AF_HYPERV in tests */
#endif
