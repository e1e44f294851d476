/* SPDX-License-Identifier: MIT */

/*
 * The parts 'keep-alive' and 'at-logon': settings of the user, outside of the distro.
 */

#include "windows-helper/core/setup/ini-edit.h"
#include "windows-helper/core/setup/line-diff.h"
#include "windows-helper/core/setup/version.h"
#include "windows-helper/setup/parts/task.h"
#include "windows-helper/setup/parts/wslconfig-file.h"
#include "windows-helper/setup/setup.h"
#include "windows-helper/win/log.h"

#include <errno.h>

/* That of the virtual machine does not matter while a distro runs (fact 7.1.2). */
static const IniWant keep_alive = {"general", "instanceIdleTimeout", "-1"};
#define KEEP_ALIVE_WSL "2.5.7" /* the oldest WSL of which we know that it has it */

/* 1: setup has set it. Undoing leaves what the user had set to the same before, and does not bring
 * back another value. */
#define KEEP_ALIVE_PARENT L"SOFTWARE\\wslbridge"
#define KEEP_ALIVE_KEY    KEEP_ALIVE_PARENT L"\\Setup"
#define KEEP_ALIVE_VALUE  L"KeepAlive"

typedef struct KeepAlive {
        WslconfigFile file;
        Buffer content; /* as it should be */
        bool undo;
        const char *would, *done;
} KeepAlive;

static bool keep_alive_is_ours(void) {
        DWORD ours = 0, size = sizeof(ours);

        (void) RegGetValueW(HKEY_CURRENT_USER, KEEP_ALIVE_KEY, KEEP_ALIVE_VALUE, RRF_RT_REG_DWORD,
                            NULL, &ours, &size);
        return ours != 0;
}

static void keep_alive_remember(bool is_ours) {
        LSTATUS error = ERROR_SUCCESS;
        DWORD ours = 1;

        if (!is_ours) {
                (void) RegDeleteKeyW(HKEY_CURRENT_USER, KEEP_ALIVE_KEY);
                (void) RegDeleteKeyW(HKEY_CURRENT_USER, KEEP_ALIVE_PARENT); /* if it is empty */
        } else {
                error = RegSetKeyValueW(HKEY_CURRENT_USER, KEEP_ALIVE_KEY, KEEP_ALIVE_VALUE,
                                        REG_DWORD, &ours, sizeof(ours));
        }
        if (error != ERROR_SUCCESS)
                (void) log_win_error((DWORD) error, "Cannot remember what was set; '--undo' will "
                                                    "leave it");
}

/* Make the new content. Return: as ini_set(). */
static int keep_alive_edit(KeepAlive *k, const char **ret_why) {
        return (k->undo ? ini_unset : ini_set)(&ini_wslconfig, buffer_bytes(&k->file.bytes),
                                               buffer_length(&k->file.bytes), &keep_alive, 1,
                                               &k->content, ret_why);
}

static void keep_alive_show(const Setup *s, const KeepAlive *k) {
        Buffer diff = BUFFER_NULL;

        line_diff(buffer_bytes(&k->file.bytes), buffer_length(&k->file.bytes),
                  buffer_bytes(&k->content), buffer_length(&k->content), &diff);
        setup_show(s, "%s:\n%s", WIN_UTF8(k->file.path), buffer_text(&diff));
        buffer_done(&diff);
}

/* Show, ask and write. */
static SetupOutcome keep_alive_write(Setup *s, SetupPart *part, KeepAlive *k) {
        bool copied = false;

        keep_alive_show(s, k);
        if (s->options->dry_run)
                return setup_says(part, SETUP_WOULD, "%s in %s", k->would, WIN_UTF8(k->file.path));
        if (!setup_ask(s, "Write this?")) {
                (void) setup_says(part, SETUP_SKIPPED, "%s is as it was", WIN_UTF8(k->file.path));
                if (setup_nobody(s))
                        setup_advises(part, "Give --yes to have it written without a question.");
                return SETUP_SKIPPED;
        }
        s->changing = true;
        /* First, because a record of what is not there does no harm. */
        if (!k->undo)
                keep_alive_remember(true);
        /* What setup has put there is not how the file was. */
        if (wslconfig_file_write(&k->file, &k->content, !k->undo, &copied) < 0)
                return setup_says(part, SETUP_FAILED, "%s", k->file.why);
        if (k->undo)
                keep_alive_remember(false);
        (void) setup_says(part, SETUP_DONE, "%s in %s", k->done, WIN_UTF8(k->file.path));
        if (copied)
                setup_advises(part, "A copy of the file as it was is beside it: %s\n",
                              WIN_UTF8(WSLCONFIG_COPY));
        setup_advises(part, "It counts after 'wsl --shutdown', which ends all your distros.");
        return SETUP_DONE;
}

/* An older WSL ignores what it does not know. That which came with Windows has no such value (fact
 * 2.1.8). */
static void keep_alive_doubt(SetupPart *part) {
        wchar_t version[32] = L"";
        DWORD size = sizeof(version);

        (void) RegGetValueW(HKEY_LOCAL_MACHINE,
                            L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Lxss\\MSI", L"Version",
                            RRF_RT_REG_SZ, NULL, version, &size);
        if (version_compare(WIN_UTF8(version), KEEP_ALIVE_WSL) < 0)
                setup_advises(part, "WSL before " KEEP_ALIVE_WSL
                                    " may not know instanceIdleTimeout, and stops the distro all "
                                    "the same. To update it: 'wsl.exe --update'.\n");
}

static SetupOutcome keep_alive_change(Setup *s, SetupPart *part, bool undo) {
        const char *why = "could not be edited, because memory is short";
        KeepAlive k = {.undo = undo,
                       .would = undo ? "Remove what setup has set" : "Turn off the idle time-out",
                       .done = undo ? "What setup has set is removed" : "The idle time-out is off"};
        SetupOutcome outcome;
        int r;

        if (undo && !keep_alive_is_ours()) /* whatever the file is like */
                return setup_says(part, SETUP_ALREADY, "Nothing of setup is in .wslconfig");
        r = wslconfig_file_read(&k.file);
        if (r < 0) {
                outcome = setup_says(part, SETUP_FAILED, "%s", k.file.why);
        } else {
                if (!undo)
                        keep_alive_doubt(part);
                r = keep_alive_edit(&k, &why);
                if (r < 0)
                        outcome =
                                setup_says(part, SETUP_FAILED, "%s %s", WIN_UTF8(k.file.path), why);
                else if (r == 0)
                        outcome = keep_alive_write(s, part, &k);
                else
                        outcome = setup_says(part, SETUP_ALREADY, "%s in %s", k.done,
                                             WIN_UTF8(k.file.path));
        }
        buffer_done(&k.content);
        wslconfig_file_done(&k.file);
        return outcome;
}

SetupOutcome setup_keep_alive(Setup *s, SetupPart *part) {
        return keep_alive_change(s, part, /* undo= */ false);
}

SetupOutcome setup_keep_alive_undo(Setup *s, SetupPart *part) {
        return keep_alive_change(s, part, /* undo= */ true);
}

/* Return: false when the part has failed. */
static bool logon_prepare(Setup *s, SetupPart *part, TaskSelf *self, LogonTask *ret_task) {
        *ret_task = (LogonTask){s->distro.name, self->user, self->folder, self->wsl};
        if (task_self(self) == 0 && logon_task_possible(ret_task))
                return true;
        (void) setup_says(part, SETUP_FAILED, "'%s' cannot be started by a task", s->distro.name);
        return false;
}

/* A terminal with the password of another account, or with Administrator protection, is of a user
 * who has no distro (fact 2.1.9). */
static SetupOutcome logon_failed(Setup *s, SetupPart *part, int error) {
        (void) setup_says(part, SETUP_FAILED, "Task Scheduler refuses the task for the logon");
        if (error == -EACCES)
                setup_advises(part,
                              "In a terminal opened with 'Run as administrator' by the same "
                              "Windows user, type 'wslbridge-helper setup \"%s\" --at-logon'. If "
                              "that is another one's, ask an administrator to let you make tasks.",
                              s->distro.name);
        return SETUP_FAILED;
}

SetupOutcome setup_at_logon(Setup *s, SetupPart *part) {
        LogonTask task;
        TaskSelf self;
        int r;

        if (!logon_prepare(s, part, &self, &task))
                return SETUP_FAILED;
        r = task_find(&task);
        if (r == TASK_SAME)
                return setup_says(part, SETUP_ALREADY, "A task starts the distro when you log on");
        if (r >= 0 && s->options->dry_run)
                return setup_says(part, SETUP_WOULD,
                                  "Make a task that starts the distro when you log on");
        s->changing = true;
        if (r >= 0)
                r = task_register(&task);
        if (r < 0)
                return logon_failed(s, part, r);
        return setup_says(part, SETUP_DONE,
                          "From the next logon on, a task starts the distro and keeps it running");
}

SetupOutcome setup_at_logon_undo(Setup *s, SetupPart *part) {
        LogonTask task;
        TaskSelf self;
        int r;

        if (!logon_prepare(s, part, &self, &task))
                return SETUP_FAILED;
        r = task_find(&task);
        if (r == TASK_NONE)
                return setup_says(part, SETUP_ALREADY, "No task starts the distro");
        if (r >= 0 && s->options->dry_run)
                return setup_says(part, SETUP_WOULD, "Remove the task that starts the distro");
        s->changing = true;
        if (r >= 0)
                r = task_remove(&task);
        if (r < 0)
                return logon_failed(s, part, r);
        /* Deleting a task does not end what it has started. */
        setup_advises(part,
                      "If it has started the distro since you logged on, that goes on until you "
                      "log off. 'wsl --terminate %s' ends it now.",
                      s->distro.name);
        return setup_says(part, SETUP_DONE, "The task that started the distro is removed");
}
