/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * DumpSocket: a blocking netlink socket over which the kernel's tables are read. Only the files
 * that know what is in the tables use it.
 */

#include <linux/netlink.h>
#include <stddef.h>

/* Called for each message. Return: 0 or negative errno. */
typedef int DumpFn(struct nlmsghdr *hdr, void *userdata);

typedef struct DumpSocket {
        /* configuration */
        DumpFn *fn;
        void *userdata;

        /* owned */
        struct nl_sock *sk; /* NULL: closed */

        /* state: of the last dump */
        size_t n_messages;
        int error;    /* with which the kernel ended it; 0 or negative errno */
        int fn_error; /* the same of @fn, which ends it, too */
} DumpSocket;

#define DUMP_TRIES 3 /* for a dump that the kernel marks as inconsistent, or an empty one */

/* @protocol: as NETLINK_ROUTE. @fn and @userdata of @s are set already. Return: 0 or negative
 * errno. */
int dump_socket_open(DumpSocket *s, int protocol);

/* May be called for a closed one, and to clean up (cleanup.h). */
void dump_socket_close(DumpSocket *s);

/**
 * dump_socket_read() - ask for a table, and call @fn for each message
 * @request: what follows the header of the message
 *
 * After an error other than -EAGAIN and @s->error the socket must be closed: a late answer would be
 * taken for the answer to another question.
 *
 * Return: 0; -EAGAIN when the table changed meanwhile, so that it is worth another try; or negative
 * errno. If that is @s->error, the dump has ended, and what came before was handed over.
 */
int dump_socket_read(DumpSocket *s, int type, const void *request, size_t size);

/* The same for one entry of a table, for which the kernel has one message. */
int dump_socket_ask(DumpSocket *s, int type, const void *request, size_t size);
