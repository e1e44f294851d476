/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Wsl: asks WSL's own tools, wslinfo and wslpath, for what only WSL knows: the networking mode, the
 * name of the distribution and the id of the VM (facts 6.2.1, 7.1.1, 2.2.9). The tools talk to
 * WSL's init over a private protocol that changes between versions (fact 6.2.2). So they are
 * executed, as child processes, and nothing waits for them.
 *
 * Every failure is an answer, too: without the tools (a plain Hyper-V guest, an old WSL:
 * fact 6.2.7) nothing is known, and the agent forwards as in mode nat. An answer stays until
 * another one comes, because a slow tool says nothing about the mode (fact 6.2.5); so does one of
 * an earlier run (kept.h). Tools that do not answer are asked again, after longer and longer
 * pauses.
 */

#include "agent/guest/kept.h"
#include "agent/util/cleanup.h"

#include <systemd/sd-event.h>

/* A tool that takes longer is killed. */
#define WSL_LIMIT_USEC (2 * USEC_PER_SEC)

/* While a distribution starts, the tools may fail until WSL has made its socket. They are tried
 * again for this long, but only in WSL and only while the socket is missing (fact 6.2.3). */
#define WSL_RETRY_USEC (30 * USEC_PER_SEC)

/* Later, tools that have not answered are asked again after these pauses, which double. */
#define WSL_SILENT_FIRST_USEC   (30 * USEC_PER_SEC)
#define WSL_SILENT_LONGEST_USEC (15 * 60 * USEC_PER_SEC)

/* WSL answers one question at a time, and may be busy for 10 s while a distro starts (fact 6.2.13).
 * So one round without an answer means nothing, nor do two with less than the first pause between
 * them. */
#define WSL_SILENT_ROUNDS 2

/* For tests: the first of these pauses in milliseconds. */
#define WSL_SILENT_VARIABLE "WSLBRIDGE_WSL_SILENT_MS"

/* A guest waits this long (and up to one more try) for the first answers, then goes on without
 * them. */
#define WSL_DELAY_MAX_USEC (5 * USEC_PER_SEC)

/* For tests: a folder that has the tools and the socket 1_interop, in place of /usr/bin, /bin and
 * /run/WSL. The guest then counts as one of WSL. */
#define WSL_FOLDER_VARIABLE "WSLBRIDGE_WSL_FOLDER"

typedef struct Wsl Wsl;

typedef struct WslAnswers {
        bool wsl;                         /* the kernel is WSL's */
        uint8_t mode;                     /* WireMode; UNKNOWN also when there is no answer */
        char word[WSL_WORD_MAX + 1];      /* what wslinfo printed, cleaned; "" = nothing */
        char distro[WIRE_DISTRO_MAX + 1]; /* "" = not known */
        bool distro_kept, mode_kept;      /* from an earlier run: not yet confirmed in this one */
        bool silent;                      /* wslinfo or wslpath has failed for some time */
        bool has_vm_id;
        uint8_t vm_id[WIRE_ID_SIZE];
} WslAnswers;

/* The answers have changed, or are settled now. Must not free the object. Return: 0, or negative
 * errno to end the event loop. */
typedef int (*WslFn)(Wsl *w, void *userdata);

/**
 * wsl_new() - make the object; nothing is asked yet
 * @event: borrowed, must outlive the object; SIGCHLD has to be blocked in the process
 *
 * Return: 0 or negative errno.
 */
int wsl_new(Wsl **ret_wsl, sd_event *event, WslFn fn, void *userdata);
Wsl *wsl_free(Wsl *w); /* kills what runs */
DEFINE_CLEANUP(Wsl *, wsl_free);

/* Whether this guest is one of WSL: by its kernel, or by WSL_FOLDER_VARIABLE. */
bool wsl_is_here(void);

/* Answers of an earlier run. They hold until WSL gives others, and are asked for all the same. Call
 * it before wsl_ask(). */
void wsl_remember(Wsl *w, const Kept *kept);

/* Ask for the mode, and for everything else that is not known yet. While a round is running, this
 * asks for one more after it. The answers come through the callback, never from inside this call.
 * Return: 0 or negative errno. */
int wsl_ask(Wsl *w);

/* Whether the first answers have come, or the wait for them is over. False before wsl_ask(). */
bool wsl_settled(const Wsl *w);

/* What is known now; lives as long as the object. */
const WslAnswers *wsl_answers(const Wsl *w);

/**
 * wsl_distro_name() - the name under which the helper knows this distribution; waits for it
 *
 * The agent's identity has the same name: what wslpath says, else $WSL_DISTRO_NAME, else the host
 * name; and before these two the one that was kept. For programs without an event loop;
 * takes WSL_LIMIT_USEC at most. Never empty.
 *
 * @kept: may be empty
 */
void wsl_distro_name(const Kept *kept, char ret_name[WIRE_DISTRO_MAX + 1]);
