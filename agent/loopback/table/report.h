/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * LoopbackReport: what wslbridge-loopback tells the agent, as a value and as the text of a file:
 *
 *      wslbridge-loopback 2
 *      host 172.20.1.2 172.20.1.1 eth0
 *      tcp 8080 98
 *      udp 53 0
 *
 * It has the host and the ports of the table that is in force, each with the number of the error
 * that keeps the program from listening there, or 0. So the agent sees whether what it has written
 * is in force already. The file is there while the program has a table. Pure.
 */

#include "agent/loopback/table/table.h"

#define LOOPBACK_REPORT_FILE "report" /* in the program's folder of /run/wslbridge */
#define LOOPBACK_ERROR_MAX   4095     /* the kernel's MAX_ERRNO */

typedef struct LoopbackReported {
        LoopbackPort port;
        uint16_t error; /* positive errno; 0: it listens */
} LoopbackReported;

typedef struct LoopbackReport {
        LoopbackHost host;                          /* without .index */
        LoopbackReported ports[LOOPBACK_PORTS_MAX]; /* in the order of the table */
        size_t n_ports;
} LoopbackReport;

/* As loopback_table_parse(). */
const char *loopback_report_parse(const char *text, LoopbackReport *ret_report);

/* Append the text of the file. */
void loopback_report_format(const LoopbackReport *r, Buffer *out);

/* What the program says about a port of this host. @ret_error: positive errno; 0 when it listens.
 * Return: false when it says nothing, because another table is in force. */
bool loopback_report_has(const LoopbackReport *r, const LoopbackHost *host, LoopbackPort port,
                         int *ret_error);

/* Whether the program has this table in force. */
bool loopback_report_covers(const LoopbackReport *r, const LoopbackTable *table);
