/* SPDX-License-Identifier: MIT */

/*
 * wslbridgectl setup: starts the setup of the Windows half for this distro, through WSL's interop.
 * Where that is not possible, it shows the command to type on Windows.
 */

#include "agent/ctl/client/agent-state.h"
#include "agent/ctl/client/apart.h"
#include "agent/ctl/client/run.h"
#include "agent/ctl/ctl.h"
#include "agent/guest/drive.h"
#include "agent/guest/wsl-words.h"
#include "agent/guest/wsl.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HELPER_WINDOWS "C:\\Program Files\\wslbridge\\wslbridge-helper.exe"
#define HELPER_DRIVE   "Program Files/wslbridge/wslbridge-helper.exe" /* below drive C: */

#define DISTRO_NAME_MAX 255 /* bytes; the registry allows as many characters */
#define WSLPATH_SAYS    2048

/* The name in the registry of Windows. sudo takes the variable away, so wslpath is asked as well:
 * it prints \\wsl.localhost\NAME\ (fact 7.1.1), perhaps after a warning. Return: whether it is
 * known. */
static bool find_distro(char ret_name[DISTRO_NAME_MAX + 1]) {
        static const char *const question[] = {"wslpath", "-w", "/", NULL};
        const char *name = getenv("WSL_DISTRO_NAME");
        char output[WSLPATH_SAYS] = "", *rest;

        if ((!name || !*name) && ctl_run(question, output, sizeof(output)) == 0) {
                name = NULL;
                for (char *line = strtok_r(output, "\r\n", &rest); line && !name;
                     line = strtok_r(NULL, "\r\n", &rest))
                        name = wsl_find_distro(line);
        }
        if (!name || !*name || strlen(name) > DISTRO_NAME_MAX || strpbrk(name, "\"\\"))
                return false;
        strcpy(ret_name, name);
        return true;
}

typedef struct Places { /* of which the first that exists counts */
        const char *root;
        char told[PATH_MAX]; /* by wslpath, "" = nothing */
} Places;

typedef struct Place {
        bool found;
        char path[PATH_MAX];
} Place;

static void look_for_helper(const void *question, void *answer) {
        const Places *places = question;
        char drive[PATH_MAX];
        Place *ret = answer;

        strcpy(ret->path, places->told);
        ret->found = *ret->path && access(ret->path, F_OK) == 0;
        if (ret->found)
                return;
        drive_find(places->root, drive, sizeof(drive));
        ret->found = snprintf(ret->path, PATH_MAX, "%s/%s", drive, HELPER_DRIVE) < PATH_MAX &&
                     access(ret->path, F_OK) == 0;
}

/* Return: 0; -ENOENT when the helper's program is not there; -ETIME when its drive is silent; or
 * another negative errno. */
static int find_helper(const char *root, Place *ret) {
        static const char *const question[] = {"wslpath", "-u", HELPER_WINDOWS, NULL};
        char output[PATH_MAX - 256] = "";
        Places places = {.root = root};
        int r;

        if (ctl_run(question, output, sizeof(output)) == 0) {
                output[strcspn(output, "\r\n")] = '\0';
                if (output[0] != '/' ||
                    snprintf(places.told, PATH_MAX, "%s%s", root, output) >= PATH_MAX)
                        *places.told = '\0';
        }
        r = apart_run(look_for_helper, &places, ret, sizeof(*ret));
        return r == 0 && !ret->found ? -ENOENT : r;
}

/* Say what to type on Windows instead. */
static int advise(const CtlOptions *o, const char *name, const char *why) {
        (void) fprintf(stderr,
                       "wslbridgectl: %s. Type this in a terminal of Windows, in the folder "
                       "C:\\Program Files\\wslbridge:\n\n"
                       "    .\\wslbridge-helper setup \"%s\"",
                       why, name);
        for (size_t i = 0; i < o->n_setup; i++)
                (void) fprintf(stderr, " %s", o->setup[i]);
        (void) fputs("\n\n", stderr);
        return CTL_EXIT_FAILURE;
}

/* Windows takes our working directory for its own, and its programs cannot use a folder of Linux,
 * so it is the program's folder. */
static void enter_folder(const char *path) {
        char folder[PATH_MAX];

        (void) snprintf(folder, sizeof(folder), "%s", path);
        *strrchr(folder, '/') = '\0';
        if (chdir(folder) < 0) /* then Windows takes a folder of its own, and warns */
                return;
}

int ctl_setup(const CtlOptions *o, int n, char **names) {
        const char *argv[CTL_SETUP_WORDS + 4] = {NULL, "setup", NULL};
        char name[DISTRO_NAME_MAX + 1];
        size_t n_argv = 3;
        Place helper;
        int r;

        if (!wsl_is_here())
                return ctl_error(
                        "This is not a distro of WSL. On the host, in the folder "
                        "C:\\Program Files\\wslbridge, '.\\wslbridge-helper setup --print' "
                        "shows what to do here");
        if (!find_distro(name))
                return ctl_error("WSL does not tell the name of this distro. In a terminal of "
                                 "Windows, in the folder C:\\Program Files\\wslbridge, "
                                 "'.\\wslbridge-helper setup' lists all distros");
        /* To turn it on, setup has to end this distro. WSL then ends each program of Windows that
         * was started from here, without a word (fact 7.1.7). */
        if (!ctl_systemd_runs(o->root))
                return advise(o, name,
                              "systemd does not run in this distro. To turn it on, setup ends the "
                              "distro, and must not be started from it");
        r = find_helper(o->root, &helper);
        if (r == -ETIME)
                return advise(o, name,
                              "Windows' drive C: does not answer in this distro. If that lasts, "
                              "'wsl.exe --shutdown' on Windows helps, and ends all distros");
        if (r < 0)
                return advise(o, name,
                              "There is no " HELPER_WINDOWS " here. Either wslbridge is not "
                              "installed on Windows, or drive C: is not mounted");
        argv[0] = helper.path;
        argv[2] = name;
        for (size_t i = 0; i < o->n_setup; i++)
                argv[n_argv++] = o->setup[i];
        enter_folder(helper.path);
        (void) execv(helper.path, (char *const *) argv);
        if (errno == ENOEXEC || errno == EACCES)
                return advise(o, name,
                              "Programs of Windows cannot be started here, because WSL's interop "
                              "is turned off or out of order");
        return ctl_error_errno(errno, "start", helper.path);
}
