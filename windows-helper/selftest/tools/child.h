/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Running a program of Windows for a limited time, and keeping what it writes. It ends with the
 * self-test, whatever ends that.
 */

#include "common/buffer.h"
#include "windows-helper/selftest/tools/step.h"

typedef struct Child {
        DWORD error;           /* 0, or why it could not be started */
        bool ended;            /* false: it was ended, because it took too long */
        DWORD exit_code;       /* when it has ended */
        Buffer output, errors; /* owned; the bytes as they came, the beginning of them */
} Child;

#define CHILD_NULL ((Child){.error = 0})

/**
 * child_run() - run a program of System32
 * @s: the step, with which it ends; NULL: none
 * @program: such as L"wsl.exe"
 * @arguments: what follows the name in the command line
 * @input: for its standard input, which ends then; at most CHILD_INPUT_MAX bytes
 */
void child_run(const Step *s, const wchar_t *program, const wchar_t *arguments, const char *input,
               DWORD limit_ms, Child *ret_child);
void child_done(Child *c);

#define CHILD_INPUT_MAX 4096

/* 0, the error of its start, or ERROR_TIMEOUT. */
DWORD child_error(const Child *c);

/* Our ends of a program's standard streams, and the program. */
typedef struct ChildPipes {
        HANDLE input, output, errors; /* owned, as the next two; NULL: there is none */
        HANDLE process, job;
} ChildPipes;

#define CHILD_PIPES_NULL ((ChildPipes){.input = NULL})

/* Start a program that goes on until its standard input ends. Nobody reads what it writes. Return:
 * 0 or an error. */
DWORD child_hold(const wchar_t *program, const wchar_t *arguments, ChildPipes *ret_held);
void child_let_go(ChildPipes *held); /* takes CHILD_PIPES_NULL, leaves that */

/* Whether there is one that still runs. If it has ended, *ret_code is its exit code. */
bool child_is_held(const ChildPipes *held, DWORD *ret_code);
