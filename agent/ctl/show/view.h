/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: what 'status', 'list' and 'expose' show of a report. Pure.
 */

#include "agent/config/config.h"
#include "agent/ctl/show/table.h"
#include "agent/status/read.h"

/* Append the lines about the agent: address, mode, helper, last update, problems of the
 * configuration. */
void view_header(const Report *r, const Style *style, uint64_t now_usec, Buffer *out);

/**
 * view_services() - append a table of services: NAME, LISTEN, GUEST PORT, STATE,
 * FORWARDER
 *
 * Below a service that is not active it says why.
 *
 * @names: show only these; NULL-terminated, or NULL for all
 */
void view_services(const Report *r, const char *const *names, const Style *style, Buffer *out);

/* Append one line for each service, with its description. @r: NULL while the agent does not run. */
void view_list(const Config *config, const Report *r, const Style *style, Buffer *out);

/* The same for programs; owned by the caller. Return: NULL when out of memory. */
json_t *view_list_json(const Config *config, const Report *r);
