/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The helper as a whole: loop, listener, streams, controller and its hands, from start to a clean
 * stop. Who runs it (a console, later the service manager) only starts it and sets the stop event.
 */

#include "windows-helper/core/controller/controller.h"
#include "windows-helper/net/transport.h"

typedef struct Helper Helper;

typedef struct HelperOptions {
        ControllerOptions controller;
        const Transport *transport; /* borrowed; NULL: don't listen */
        TransportAddress address;
        HANDLE stop; /* borrowed, or NULL; an auto-reset event that ends helper_run() when it is set
                      */
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
        HELPER_HAND_OVER, /* end, but leave all as it is for a successor */
        HELPER_REFRESH,   /* read everything again: the machine has resumed, or somebody asks */
        _HELPER_CONTROL_END,
} HelperControl;

/* May be called by any thread, while the helper lives. */
void helper_control(Helper *h, HelperControl control);

/* Without serving: withdraw what a service that died has left, firewall rules included, and count
 * it. Return: 0 or negative errno (logged). */
int helper_withdraw(size_t *ret_rules, size_t *ret_firewall);

/* Serve until .stop is set, then withdraw every rule of ours. Return: 0 or negative errno. */
int helper_run(Helper *h);
