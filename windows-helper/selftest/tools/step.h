/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a step of the self-test works with. A step runs in a thread of its own, because any call of
 * Windows may hang. When its time is over it is left alone: what it says and changes later is
 * refused.
 */

#include "windows-helper/core/selftest/lines.h"
#include "windows-helper/win/win.h"

#define STEP_FOLDER                                                                  \
        L"selftest" /* in our data folder; the name is also the start of files there \
                     */

/* The names of what the self-test makes. Nothing else has them. */
#define STEP_SERVICE_NAME  L"wslbridge-selftest"
#define STEP_RELAY_NAME    L"wslbridge-selftest-relay" /* the same with the relay's account */
#define STEP_FIREWALL_NAME "wslbridge selftest"        /* of a rule, and its grouping */

/* The vsock port on which the self-test listens, "WSLT". The helper's is another one. */
#define STEP_VSOCK_PORT 0x57534c54

typedef struct StepOptions {
        SelftestPass pass;
        bool shutdown;             /* the user agrees to 'wsl --shutdown' */
        bool mapping;              /* … and to a static mapping of WinNAT, for a moment */
        uint32_t watch_s;          /* how long to watch for a sleep; 0: not at all */
        HANDLE stop;               /* borrowed; set when the self-test has to end */
        struct ChildPipes *distro; /* borrowed; where step_hold() puts its program; NULL: it is not
                                    * to hold one */
        bool held;                 /* for the service's pass: the user's holds one */
} StepOptions;

typedef struct Step Step;
typedef void (*StepFn)(Step *s);

/**
 * step_run() - run a step, for a limited time
 * @lines: what it has said is appended
 *
 * Return: whether it has ended. Otherwise its thread goes on until the process ends.
 */
bool step_run(uint8_t number, StepFn fn, uint32_t limit_ms, const StepOptions *options,
              SelftestLines *lines);

const StepOptions *step_options(const Step *s);

/* A clock for step_line(), in microseconds. */
uint64_t step_clock(void);

/**
 * step_line() - what a call of Windows has answered
 * @key: what was asked; see core/selftest/facts.c for those that decide about a fact
 * @api: the function
 * @code: 0 or its error. For an observation of ours, 0 for yes and 1 for no
 * @began: step_clock() before the call
 */
void step_line(Step *s, const char *key, const char *api, DWORD code, uint64_t began,
               const char *format, ...) __attribute__((format(gnu_printf, 6, 7)));

/* The same for a call that could not be made. */
void step_skip(Step *s, const char *key, const char *api, const char *format, ...)
        __attribute__((format(gnu_printf, 4, 5)));

/* Wait. Return: false when the step has to end now. */
bool step_pause(const Step *s, DWORD ms);

/* Whether the step still may say and change something. */
bool step_is_open(const Step *s);

/* A function of a DLL in System32, whose absence is reported. @ret_function: a pointer to it */
bool step_function(Step *s, const char *key, const wchar_t *dll, const char *name,
                   void *ret_function);

/* A limit of a step, which tests make shorter; not for a program, which takes its time to start. */
uint32_t step_limit(uint32_t ms);
