/* SPDX-License-Identifier: MIT */

/*
 * What setup does to the settings of a user, one step at a time: .wslconfig and the logon task.
 *
 *   settingstool wslconfig [TEXT]   set the two time-outs; meanwhile, TEXT is written into the file
 *   settingstool held               the same while another program has the file open for writing
 *   settingstool keep-alive         the part of setup that sets one of them, without a change
 *   settingstool undo               the part of setup that takes back what it has set
 *   settingstool at-logon DISTRO    the part of setup that makes the task
 *   settingstool add|find|remove DISTRO
 */

#include "windows-helper/core/setup/ini-edit.h"
#include "windows-helper/setup/parts/task.h"
#include "windows-helper/setup/parts/wslconfig-file.h"
#include "windows-helper/setup/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const IniWant wants[] = {{"general", "instanceIdleTimeout", "-1"},
                                {"wsl2", "vmIdleTimeout", "-1"}};

static HANDLE open_for_writing(const WslconfigFile *f) {
        return CreateFileW(f->path, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                           OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
}

static void write_meanwhile(const WslconfigFile *f, const char *text) {
        HANDLE file = open_for_writing(f);
        DWORD n;

        (void) WriteFile(file, text, (DWORD) strlen(text), &n, NULL);
        (void) SetEndOfFile(file);
        (void) CloseHandle(file);
}

static int wslconfig(const char *meanwhile, bool held) {
        HANDLE other = INVALID_HANDLE_VALUE;
        Buffer content = BUFFER_NULL;
        bool copied = false;
        const char *why = "";
        WslconfigFile f;
        int r = wslconfig_file_read(&f);

        if (r == 0)
                r = ini_set(&ini_wslconfig, buffer_bytes(&f.bytes), buffer_length(&f.bytes), wants,
                            2, &content, &why);
        if (r == 0 && meanwhile)
                write_meanwhile(&f, meanwhile);
        if (r == 0 && held)
                other = open_for_writing(&f);
        if (r == 0)
                r = wslconfig_file_write(&f, &content, /* copy= */ true, &copied);
        if (other != INVALID_HANDLE_VALUE)
                (void) CloseHandle(other);
        if (r < 0)
                (void) printf("error: %s\n", f.why);
        (void) printf("%s%s\n",
                      r == INI_E_SAME ? "already so"
                      : r == 0        ? "written"
                                      : "failed",
                      copied ? ", copied" : "");
        buffer_done(&content);
        wslconfig_file_done(&f);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* @distro: NULL for the time-out, which is for all of them */
static int part(SetupPartFn run, const char *distro, bool dry_run) {
        const SetupOptions options = {.dry_run = dry_run, .yes = true, .json = true};
        Setup s = {.options = &options};
        SetupPart part = {.outcome = SETUP_OPEN};

        if (distro)
                (void) snprintf(s.distro.name, sizeof(s.distro.name), "%s", distro);
        (void) run(&s, &part);
        (void) printf("%s.\n%s", buffer_text(&part.said), buffer_text(&part.advice));
        return EXIT_SUCCESS;
}

static int task(const char *what, const char *distro) {
        TaskSelf self;
        LogonTask t = {distro, self.user, self.folder, self.wsl};
        int r = task_self(&self);

        if (r == 0 && strcmp(what, "add") == 0)
                r = task_register(&t);
        else if (r == 0 && strcmp(what, "find") == 0)
                r = task_find(&t);
        else if (r == 0)
                r = task_remove(&t);
        (void) printf("%d %s\n", r, self.user);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int wmain(int argc, wchar_t **argv);

int wmain(int argc, wchar_t **argv) {
        char *words[3] = {NULL, NULL, NULL};

        for (int i = 1; i < argc && i < 3; i++)
                if (win_from_wide(argv[i], wcslen(argv[i]), &words[i]) < 0)
                        return EXIT_FAILURE;
        if (argc < 2)
                return EXIT_FAILURE;
        if (strcmp(words[1], "wslconfig") == 0)
                return wslconfig(words[2], /* held= */ false);
        if (strcmp(words[1], "held") == 0)
                return wslconfig(NULL, /* held= */ true);
        if (strcmp(words[1], "keep-alive") == 0)
                return part(setup_keep_alive, NULL, /* dry_run= */ true);
        if (strcmp(words[1], "undo") == 0)
                return part(setup_keep_alive_undo, NULL, /* dry_run= */ false);
        if (argc == 3 && strcmp(words[1], "at-logon") == 0)
                return part(setup_at_logon, words[2], /* dry_run= */ false);
        return argc == 3 ? task(words[1], words[2]) : EXIT_FAILURE;
}
