/* SPDX-License-Identifier: MIT */

/*
 * A process with pipes to its standard streams, in a job that ends with us.
 */

#include "windows-helper/selftest/tools/child.h"
#include "windows-helper/vm/wsl-run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHILD_COMMAND_MAX 1024
#define CHILD_PATH_MAX    WSL_PATH_MAX
#define CHILD_POLL_MS     10
#define CHILD_PIPE_SIZE   65536
#define CHILD_KEEP_MAX    65536 /* bytes of a stream */
#define CHILD_LET_GO_MS   1000

static void child_close(HANDLE *handle) {
        if (*handle)
                (void) CloseHandle(*handle);
        *handle = NULL;
}

/* @mine: the end that the child does not inherit */
static bool child_pipe(HANDLE *ret_read, HANDLE *ret_write, HANDLE *mine) {
        SECURITY_ATTRIBUTES inherit = {sizeof(inherit), NULL, TRUE};

        return CreatePipe(ret_read, ret_write, &inherit, CHILD_PIPE_SIZE) &&
               SetHandleInformation(*mine, HANDLE_FLAG_INHERIT, 0);
}

/* Without a job the program goes on when we are killed, but does no harm. */
static HANDLE child_job(HANDLE process) {
        JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {.BasicLimitInformation.LimitFlags =
                                                               JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE};
        HANDLE job = CreateJobObjectW(NULL, NULL);

        if (job) {
                (void) SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits,
                                               sizeof(limits));
                (void) AssignProcessToJobObject(job, process);
        }
        return job;
}

/* wsl.exe may be elsewhere. Return: whether there is such a program. */
static bool child_find(const wchar_t *program, wchar_t ret_exe[CHILD_PATH_MAX]) {
        wchar_t folder[MAX_PATH];
        UINT n = GetSystemDirectoryW(folder, MAX_PATH);

        if (wcscmp(program, L"wsl.exe") == 0)
                return wsl_run_find(ret_exe) == 0;
        (void) win_format(ret_exe, CHILD_PATH_MAX, L"%ls\\%ls", folder, program);
        return n > 0 && n < MAX_PATH;
}

static DWORD child_create(const wchar_t *program, const wchar_t *arguments, STARTUPINFOW *start,
                          ChildPipes *p) {
        wchar_t exe[CHILD_PATH_MAX], command[CHILD_COMMAND_MAX];
        PROCESS_INFORMATION info;

        if (!child_find(program, exe))
                return ERROR_FILE_NOT_FOUND;
        (void) win_format(command, ARRAYSIZE(command), L"%ls %ls", program, arguments);
        if (!CreateProcessW(exe, command, NULL, NULL, TRUE, CREATE_NO_WINDOW | CREATE_SUSPENDED,
                            NULL, NULL, start, &info))
                return GetLastError();
        p->process = info.hProcess;
        p->job = child_job(info.hProcess);
        (void) ResumeThread(info.hThread);
        (void) CloseHandle(info.hThread);
        return ERROR_SUCCESS;
}

static DWORD child_start(const wchar_t *program, const wchar_t *arguments, ChildPipes *p) {
        STARTUPINFOW start = {.cb = sizeof(start), .dwFlags = STARTF_USESTDHANDLES};
        DWORD error;

        if (child_pipe(&start.hStdInput, &p->input, &p->input) &&
            child_pipe(&p->output, &start.hStdOutput, &p->output) &&
            child_pipe(&p->errors, &start.hStdError, &p->errors))
                error = child_create(program, arguments, &start, p);
        else
                error = GetLastError();
        child_close(&start.hStdInput);
        child_close(&start.hStdOutput);
        child_close(&start.hStdError);
        return error;
}

/* Take what is there. Return: bytes. */
static DWORD child_read(HANDLE pipe, Buffer *to) {
        static const DWORD most = 4096;
        DWORD there = 0, got = 0;
        uint8_t *room;

        if (!PeekNamedPipe(pipe, NULL, 0, NULL, &there, NULL) || there == 0)
                return 0;
        if (buffer_reserve(to, most, &room) < 0 ||
            !ReadFile(pipe, room, there < most ? there : most, &got, NULL))
                return 0;
        if (buffer_length(to) < CHILD_KEEP_MAX)
                buffer_commit(to, got);
        return got;
}

static void child_wait(const Step *s, const ChildPipes *p, DWORD limit_ms, Child *c) {
        ULONGLONG end = GetTickCount64() + limit_ms;

        while (GetTickCount64() <= end && (!s || step_is_open(s))) {
                DWORD n = child_read(p->output, &c->output) + child_read(p->errors, &c->errors);

                if (n > 0)
                        continue;
                if (c->ended)
                        return;
                c->ended = WaitForSingleObject(p->process, CHILD_POLL_MS) == WAIT_OBJECT_0;
        }
}

void child_run(const Step *s, const wchar_t *program, const wchar_t *arguments, const char *input,
               DWORD limit_ms, Child *ret_child) {
        ChildPipes p = {0};
        DWORD n;

        *ret_child = CHILD_NULL;
        ret_child->error = child_start(program, arguments, &p);
        if (ret_child->error == ERROR_SUCCESS) {
                /* The pipe has room for it, so this does not wait. */
                (void) WriteFile(p.input, input, (DWORD) strlen(input), &n, NULL);
                child_close(&p.input);
                child_wait(s, &p, limit_ms, ret_child);
                if (!ret_child->ended)
                        (void) TerminateProcess(p.process, EXIT_FAILURE);
                (void) GetExitCodeProcess(p.process, &ret_child->exit_code);
        }
        child_close(&p.input);
        child_close(&p.output);
        child_close(&p.errors);
        child_close(&p.process);
        child_close(&p.job);
}

DWORD child_hold(const wchar_t *program, const wchar_t *arguments, ChildPipes *ret_held) {
        DWORD error;

        *ret_held = CHILD_PIPES_NULL;
        error = child_start(program, arguments, ret_held);
        if (error != ERROR_SUCCESS)
                child_let_go(ret_held);
        return error;
}

bool child_is_held(const ChildPipes *held, DWORD *ret_code) {
        *ret_code = 0;
        return held->process && (WaitForSingleObject(held->process, 0) != WAIT_OBJECT_0 ||
                                 !GetExitCodeProcess(held->process, ret_code));
}

/* What has not ended with its input ends with its job. */
void child_let_go(ChildPipes *held) {
        child_close(&held->input);
        if (held->process && WaitForSingleObject(held->process, CHILD_LET_GO_MS) != WAIT_OBJECT_0)
                (void) TerminateProcess(held->process, EXIT_FAILURE);
        child_close(&held->output);
        child_close(&held->errors);
        child_close(&held->process);
        child_close(&held->job);
}

void child_done(Child *c) {
        buffer_done(&c->output);
        buffer_done(&c->errors);
}

DWORD child_error(const Child *c) {
        return c->error ? c->error : c->ended ? ERROR_SUCCESS : ERROR_TIMEOUT;
}
