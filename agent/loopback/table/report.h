/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * LoopbackReport: what wslbridge-loopback tells the agent, as a value and as the text of a file:
 *
 *      wslbridge-loopback 1
 *      tcp 8080 98
 *
 * Each further line is a port of the table on which it does not listen, with the number of the
 * error. The file is there exactly while the program runs. Pure.
 */

#include "agent/loopback/table/table.h"

#define LOOPBACK_REPORT_FILE "report" /* in the program's folder of /run/wslbridge */
#define LOOPBACK_ERROR_MAX   4095     /* the kernel's MAX_ERRNO */

typedef struct LoopbackFailure {
        LoopbackPort port;
        uint16_t error; /* positive errno */
} LoopbackFailure;

typedef struct LoopbackReport {
        LoopbackFailure failures[LOOPBACK_PORTS_MAX]; /* in the order of the table */
        size_t n_failures;
} LoopbackReport;

/* As loopback_table_parse(). */
const char *loopback_report_parse(const char *text, LoopbackReport *ret_report);

/* Append the text of the file. */
void loopback_report_format(const LoopbackReport *r, Buffer *out);

/* Why the program does not listen on this port. Return: positive errno, or 0. */
int loopback_report_error(const LoopbackReport *r, bool udp, uint16_t port);
