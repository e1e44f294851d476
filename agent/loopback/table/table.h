/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * LoopbackTable: what the agent tells wslbridge-loopback, as a value and as the text of a file:
 *
 *      wslbridge-loopback 1
 *      host 172.20.1.2 172.20.1.1 eth0
 *      tcp 8080
 *      udp 53
 *
 * The line 'host' has the guest's published address, its gateway, which is the host (fact 6.3.2)
 * and the only peer that is let in, and the interface of both. Each further line is a port of that
 * address, which is carried to the same port of 127.0.0.1. TCP comes first, and ports are in
 * ascending order, so that a table has exactly one text. A table without ports is its first line
 * alone. Pure.
 */

#include "common/buffer.h"
#include "common/ip.h"

#define LOOPBACK_PORTS_MAX     1024        /* of all services */
#define LOOPBACK_INTERFACE_MAX 15          /* IFNAMSIZ - 1 */
#define LOOPBACK_TEXT_MAX      (16 * 1024) /* more than 1,024 ports take */

/* The files, in the agent's folder of /run/wslbridge. The second one is there exactly while the
 * table has ports: systemd starts the program for it. */
#define LOOPBACK_TABLE_FILE  "loopback.table"
#define LOOPBACK_WANTED_FILE "loopback.wanted"

typedef struct LoopbackPort {
        bool udp;
        uint16_t port;
} LoopbackPort;

typedef struct LoopbackHost {
        IpAddr guest, gateway; /* of one family */
        char interface[LOOPBACK_INTERFACE_MAX + 1];
        /* Of the interface. Not in the file: both sides look it up. A socket is tied to the number,
         * so one of before is deaf when the interface was deleted and another got its name. */
        unsigned index;
} LoopbackHost;

typedef struct LoopbackTable {
        LoopbackHost host; /* zero in a table without ports */
        LoopbackPort ports[LOOPBACK_PORTS_MAX];
        size_t n_ports;
} LoopbackTable;

/* Return: NULL; or why nothing can be carried there, as the end of a sentence about this guest. */
const char *loopback_host_problem(const LoopbackHost *host);

/* Whether the two are the same in every member. */
bool loopback_host_equal(const LoopbackHost *x, const LoopbackHost *y);

/* The same but for the index, which is not in the files. */
bool loopback_host_alike(const LoopbackHost *x, const LoopbackHost *y);

bool loopback_table_equal(const LoopbackTable *x, const LoopbackTable *y);

/* Add a port at its place, unless it is there. Return: false when the table is full. */
bool loopback_table_add(LoopbackTable *t, bool udp, uint16_t port);

/* Return: by protocol, then by port, as memcmp(3). */
int loopback_port_compare(const LoopbackPort *x, const LoopbackPort *y);

/**
 * loopback_table_parse() - read the text of the file
 * @ret_table: written only when the text is good
 *
 * Only what loopback_table_format() writes is good.
 *
 * Return: NULL, or a constant phrase that says what is wrong.
 */
const char *loopback_table_parse(const char *text, LoopbackTable *ret_table);

/* Append the text of the file. */
void loopback_table_format(const LoopbackTable *t, Buffer *out);

/* For the report: the line 'host', as above. @line: without its end, which is changed. */
const char *loopback_host_parse(char *line, LoopbackHost *ret_host);
void loopback_host_format(const LoopbackHost *host, Buffer *out);

/* For the parsers of this folder: cut the first line, or the first word of a line, off @at. Return:
 * it, or NULL when there is none. A line must end with '\n'. */
char *loopback_cut_line(char **at);
char *loopback_cut_word(char **at);

/* Cut "tcp" or "udp" and a port off a line. Return: whether they were there. */
bool loopback_cut_port(char **at, LoopbackPort *ret_port);

/* Read "1" to "@max", as the formatters write it. Return: 0 when it is not such a number. */
unsigned loopback_parse_number(const char *text, unsigned max);
