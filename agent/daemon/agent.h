/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Agent: the whole daemon. It owns the event loop and all other parts, decides what is sent to the
 * helper and when, and is the only one that logs.
 */

#include "agent/util/cleanup.h"

typedef struct Agent Agent;

enum {
        _AGENT_E_SUCCESS,
        AGENT_E_RUNS, /* another agent has the same folder for its status */
};

/**
 * agent_new() - read the configuration, take the first dump, start connecting
 * @root: "" or a directory without trailing slash below which configuration is looked up; borrowed
 *
 * Blocks SIGTERM, SIGINT, SIGHUP and SIGCHLD for the whole process. Logs what goes wrong.
 *
 * Return: 0, AGENT_E_RUNS, or negative errno.
 */
int agent_new(Agent **ret_agent, const char *root);
Agent *agent_free(Agent *a); /* NULL is allowed; returns NULL */
DEFINE_CLEANUP(Agent *, agent_free);

/* Run until SIGTERM or SIGINT, then say goodbye to the helper. Return: 0 or negative errno. */
int agent_run(Agent *a);
