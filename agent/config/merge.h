/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to agent/config: decides what is in force, from what all files say now and what was in
 * force before. It finds what can be wrong between files: the same endpoint twice, and too much in
 * total. Pure.
 *
 * Each file stands for itself, so the decision is made for each service:
 *
 *      the file now          in force from now on              problem
 *      gone, or masked       nothing                           -
 *      turned off            nothing                           -
 *      broken                what it said when it was good     that of the file
 *      good, and it fits     what it says                      -
 *      good, but it clashes  what it said when it was good     the clash
 *
 * "What it said when it was good" is what was in force before, so it is nothing for a file that is
 * new, or that was turned off, or when the agent starts.
 *
 * A file that has an endpoint keeps it: what was in force before comes first, and the file that
 * wants its endpoint has the problem. Among files that are equal in this, the first by name comes
 * first.
 * Files that do not clash are in force as they are, whatever was before.
 */

#include "agent/config/build.h"

typedef struct ConfigDrafts {   /* what all files say, in the order of their names */
        ConfigBuilder services; /* of a broken file only the name and the path */
        unsigned *lines;        /* owned: of each of Config.wire.listens */
        size_t n_lines_allocated;
} ConfigDrafts;

void config_drafts_done(ConfigDrafts *d);

/**
 * config_drafts_add() - add what one file says
 * @name: sorts after that of the previous call
 * @file: path for people
 * @s: NULL when the file is broken
 *
 * Return: 0 or -ENOMEM.
 */
int config_drafts_add(ConfigDrafts *d, const char *name, const char *file, const ServiceFile *s);

/* The room of the services in STATE. The rest is for its other members at their longest: sequence,
 * mode, name of the interface, two addresses with gateway, number of services. */
#define CONFIG_STATE_BYTES_MAX (WIRE_STATE_PAYLOAD_MAX - 128u)

/* The bytes that a service takes in STATE; see docs/protocol.md. */
size_t config_item_bytes(const ConfigItem *item);

/**
 * config_merge() - build what is in force
 * @previous: what is in force now, NULL at the start
 * @to: a Config without services, which gets those that are in force, by name
 *
 * Return: 0 or -ENOMEM.
 */
int config_merge(const ConfigDrafts *drafts, const Config *previous, ConfigBuilder *to,
                 ConfigProblems *problems);
