/* SPDX-License-Identifier: MIT */

/*
 * The command 'msi' and the console that Windows Installer gives it: Wine without a screen has no
 * such window. Each case prints a line.
 */

#include "windows-helper/win/win.h"

#define GetConsoleWindow fake_console
#define ShowWindow       fake_show

static HWND WINAPI fake_console(void);
static BOOL WINAPI fake_show(HWND window, int how);

#include "windows-helper/commands/msi.c"

#include <stdio.h>

#define CONSOLE ((HWND) (uintptr_t) 7)
#define PACKAGE "{27DEB19C-32AD-4DCE-A3C3-6F6E8C7D31D2}"

static struct {
        bool hidden;          /* the console is */
        bool may;             /* the rights are there */
        bool seen;            /* something was done while the console could be seen */
        const char *did;      /* the action */
        const char *demanded; /* rights for this command */
} fake;

static int n_failed;

static void check(const char *what, bool good) {
        printf("%s %s\n", good ? "ok" : "FAILED", what);
        n_failed += !good;
}

static HWND WINAPI fake_console(void) {
        return CONSOLE;
}

static BOOL WINAPI fake_show(HWND window, int how) {
        fake.hidden = window == CONSOLE && how == SW_HIDE;
        return TRUE;
}

static int did(const char *action) {
        fake.did = action;
        fake.seen = fake.seen || !fake.hidden;
        return 0;
}

int msi_install(const wchar_t *package, const wchar_t *database, const wchar_t *arguments) {
        return did("install");
}

int msi_install_back(const wchar_t *package, const wchar_t *arguments) {
        return did("install-back");
}

int msi_install_done(void) {
        return did("install-done");
}

int msi_remove(const wchar_t *package) {
        return did("remove");
}

int msi_remove_back(const wchar_t *package, const wchar_t *database, const wchar_t *arguments) {
        return did("remove-back");
}

int msi_remove_done(const wchar_t *package) {
        return did("remove-done");
}

void log_write(LogLevel level, const char *format, ...) {
}

void log_to_event_log(const wchar_t *source, bool only) {
        fake.seen = fake.seen || !fake.hidden;
}

bool rights_demand(const char *command) {
        fake.demanded = command;
        fake.seen = fake.seen || !fake.hidden;
        return fake.may;
}

/* Return: the command's exit code. */
static int run(const char *action, const char *package, bool may) {
        char *words[] = {(char *) (uintptr_t) action, (char *) (uintptr_t) package,
                         (char *) (uintptr_t) "C:\\x.msi"};

        memset(&fake, 0, sizeof(fake));
        fake.may = may;
        return command_msi(ARRAYSIZE(words), words);
}

static void test_action(const char *action) {
        printf("# %s\n", action);
        check("it is done", run(action, PACKAGE, true) == EXIT_SUCCESS && fake.did &&
                                    strcmp(fake.did, action) == 0);
        check("with the console out of the way from the beginning", fake.hidden && !fake.seen);
}

int main(void) {
        static const char *const actions[] = {"install", "install-back", "install-done",
                                              "remove",  "remove-back",  "remove-done"};

        for (size_t i = 0; i < ARRAYSIZE(actions); i++)
                test_action(actions[i]);
        printf("# not by Windows Installer\n");
        check("without rights nothing is done",
              run("install", PACKAGE, false) == EXIT_FAILURE && !fake.did && fake.demanded);
        check("a person who tries it keeps his terminal",
              run("install", "x", true) == EXIT_FAILURE && !fake.did && !fake.hidden);
        printf("%d failed\n", n_failed);
        return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
