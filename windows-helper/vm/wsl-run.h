/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Running a program in a WSL distro as root: wsl.exe with pipes to its three standard streams, for
 * a limited time. What it writes is kept, its end at least, and decoded (fact 2.1.5).
 */

#include "common/buffer.h"
#include "windows-helper/win/win.h"

#include <stdbool.h>
#include <stdint.h>

#define WSL_PATH_MAX 512 /* characters */
#define WSL_NAME_MAX 256 /* characters of a distro's name, with the NUL */

typedef struct WslStream {
        HANDLE pipe;  /* owned: our end */
        Buffer bytes; /* as they came */
        Buffer text;  /* the same as UTF-8 */
} WslStream;

typedef struct WslRun {
        HANDLE process, input; /* owned */
        HANDLE feeder;         /* owned: the thread of wsl_run_feed() */
        const char *food;      /* borrowed by that thread */
        size_t food_size;
        WslStream output, errors;
        bool ended;
} WslRun;

/* Find wsl.exe. Return: 0; or -ENOENT (not logged) when there is none. */
int wsl_run_find(wchar_t ret_exe[WSL_PATH_MAX]);

/**
 * wsl_run_start() - run a program in a distro
 * @distro: its name
 * @command: program and arguments as wsl.exe takes them after --exec
 *
 * Return: 0; -EINVAL when @distro cannot be the name of a distro (logged); -ENOENT when there is no
 * wsl.exe (logged); or another negative errno (logged). Call wsl_run_done() in any case.
 */
int wsl_run_start(WslRun *w, const char *distro, const wchar_t *command);

/* The same for wsl.exe's own options, such as L"--terminate Debian". */
int wsl_run_start_options(WslRun *w, const wchar_t *options);

/* Kill wsl.exe unless it has ended, and free everything. */
void wsl_run_done(WslRun *w);

/* Write @n bytes, less than a pipe holds, to the program. Return: false when it takes none. */
bool wsl_run_send(WslRun *w, const char *text, size_t n);

/* Write any number of bytes, then close the program's input, while the caller goes on. @text stays
 * the caller's and must outlive @w. Return: 0 or negative errno (logged). */
int wsl_run_feed(WslRun *w, const char *text, size_t n);

/* Take what both streams have, without waiting. Return: bytes of standard output (> 0), 0 when
 * there was nothing, or -ENOMEM. *ret_any: whether either had something. */
int wsl_run_take(WslRun *w, bool *ret_any);

/* Wait a moment for the end of the process. Afterwards .ended is set if it has ended. */
void wsl_run_pause(WslRun *w);

/* The exit code; only when .ended. */
int32_t wsl_run_code(const WslRun *w);
