/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Wsl: what only WSL itself can tell, asked through its tools wslinfo and wslpath: networking mode,
 * name of the distribution, id of the VM (fact 6.2, section 7). They speak to WSL's init over a
 * private protocol that changes between versions, so they are executed, as child processes and
 * without waiting for them.
 *
 * Every failure is an answer, too: without the tools (a plain Hyper-V guest, an old WSL) nothing is
 * known, and the agent forwards as in mode nat. An answer stays until another one comes: that a
 * tool was slow says nothing about the mode.
 */

#include "agent/guest/wsl-words.h"
#include "agent/util/cleanup.h"

#include <systemd/sd-event.h>

/* A tool that takes longer is killed. */
#define WSL_LIMIT_USEC (2 * USEC_PER_SEC)

/* At the start of a distribution the tools may fail until WSL has made its socket; so long, and
 * only in WSL and while the socket is missing, they are tried again (fact 6.2). */
#define WSL_RETRY_USEC (30 * USEC_PER_SEC)

/* So long (and up to one more try) a guest waits for the first answers before it does without. */
#define WSL_DELAY_MAX_USEC (5 * USEC_PER_SEC)

/* For tests: the folder that has the tools and the socket 1_interop, instead of /usr/bin, /bin and
 * /run/WSL; and the guest counts as one of WSL. */
#define WSL_FOLDER_VARIABLE "WSLBRIDGE_WSL_FOLDER"

typedef struct Wsl Wsl;

typedef struct WslAnswers {
        bool wsl;                         /* the kernel is WSL's */
        uint8_t mode;                     /* WireMode; UNKNOWN also when nobody could tell */
        char word[WSL_WORD_MAX + 1];      /* what wslinfo said, cleaned; "" = nothing */
        char distro[WIRE_DISTRO_MAX + 1]; /* "" = not known */
        bool has_vm_id;
        uint8_t vm_id[WIRE_ID_SIZE];
} WslAnswers;

/* The facts have changed, or are settled now. Must not free the object. Return: 0, or negative
 * errno to end the event loop. */
typedef int (*WslFn)(Wsl *w, void *userdata);

/**
 * wsl_new() - nothing is asked yet
 * @event: borrowed, must outlive the object; SIGCHLD has to be blocked in the process
 *
 * Return: 0 or negative errno.
 */
int wsl_new(Wsl **ret_wsl, sd_event *event, WslFn fn, void *userdata);
Wsl *wsl_free(Wsl *w); /* kills what runs */
DEFINE_CLEANUP(Wsl *, wsl_free);

/* Ask for the mode, and for what else is not known yet; while that runs, ask once more after it.
 * The answers come through the callback, never from inside this call. Return: 0 or negative errno.
 */
int wsl_ask(Wsl *w);

/* Whether the first answers are there, or none are to be waited for. False before wsl_ask(). */
bool wsl_settled(const Wsl *w);
const WslAnswers *wsl_answers(const Wsl *w);

/**
 * wsl_distro_name() - the name under which the helper knows this distribution; waits for it
 *
 * The agent's identity has the same: what wslpath says, else $WSL_DISTRO_NAME, else the host name.
 * For programs without an event loop; takes WSL_LIMIT_USEC at most. Never empty.
 */
void wsl_distro_name(char ret_name[WIRE_DISTRO_MAX + 1]);
