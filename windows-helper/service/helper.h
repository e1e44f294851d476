/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The helper as a whole, from its start to a clean stop: loop, listener, streams, controller and
 * the controller's host. Its caller (a console or the service manager) only starts and stops
 * it.
 */

#include "windows-helper/core/controller/controller.h"
#include "windows-helper/net/transport.h"

typedef struct Helper Helper;

typedef struct HelperOptions {
        ControllerOptions controller;
        const Transport *transport; /* borrowed; NULL: do not listen */
        TransportAddress address;
        HANDLE stop; /* borrowed, or NULL; setting this auto-reset event ends helper_run() */
} HelperOptions;

/**
 * helper_new() - take the machine-wide lock, load the ledger, listen
 *
 * Return: 0; -EBUSY when another helper runs; or negative errno. All logged.
 */
int helper_new(Helper **ret_helper, const HelperOptions *options);
Helper *helper_free(Helper *h); /* takes NULL, returns NULL */

typedef enum HelperControl {
        HELPER_STOP,      /* withdraw every rule and end */
        HELPER_HAND_OVER, /* end, but leave everything as it is for a successor */
        HELPER_REFRESH,   /* read everything again: the machine has resumed, or somebody asks */
        _HELPER_CONTROL_END,
} HelperControl;

/* Any thread may call this while the helper exists. */
void helper_control(Helper *h, HelperControl control);

/* Withdraw and count what a service that died has left, firewall rules included. This does not
 * listen. Return: 0 or negative errno (logged). */
int helper_withdraw(size_t *ret_rules, size_t *ret_firewall);

/* Run until .stop is set, then withdraw every rule of ours. Return: 0 or negative errno. */
int helper_run(Helper *h);
