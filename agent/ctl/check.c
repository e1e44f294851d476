/* SPDX-License-Identifier: MIT */

/*
 * wslbridgectl check: reads the configuration as the agent would, and reports what is wrong in it.
 *
 * Root sees more than the service. So what the running agent says about a file counts, too, and
 * while it does not run, the command says which files it would not be able to read.
 */

#include "agent/config/check.h"
#include "agent/config/places.h"
#include "agent/ctl/client/agent-state.h"
#include "agent/ctl/client/problems.h"
#include "agent/ctl/ctl.h"
#include "agent/ctl/mode-note.h"

#include "common/utf8.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Print what only the agent finds wrong. Return: how many problems that is. */
static size_t check_agent(const Report *report, const Config *config) {
        size_t n = 0;

        for (size_t i = 0; i < report->n_problems; i++) {
                if (config_has_problem(config, report->problems[i].file))
                        continue;
                ctl_problem_print(&report->problems[i]);
                n++;
        }
        return n;
}

/* Whether a user that owns nothing can read the file @path, whose first @n_root bytes are the root.
 */
static bool all_may_read(char *path, size_t n_root) {
        struct stat st;

        for (char *slash = path + n_root; (slash = strchr(slash + 1, '/'));) {
                bool passable;

                *slash = '\0';
                passable = stat(path, &st) < 0 || st.st_mode & S_IXOTH;
                *slash = '/';
                if (!passable)
                        return false;
        }
        return stat(path, &st) < 0 || st.st_mode & S_IROTH;
}

/* Print why the service could not read @file. Return: whether that is so. */
static bool check_sandbox(const char *root, const char *file) {
        char path[PATH_MAX], real[PATH_MAX], real_root[PATH_MAX] = "";
        const char *hidden;
        size_t n;

        (void) snprintf(path, sizeof(path), "%s%s", root, file);
        if (!realpath(path, real) || (*root && !realpath(root, real_root)))
                return false; /* it has gone meanwhile */
        n = strlen(real_root);
        if (strncmp(real, real_root, n) != 0 || (n > 0 && real[n] != '/'))
                n = 0; /* a link that leads out of the root */
        hidden = service_hides(real + n);
        if (hidden) {
                utf8_clean(real);
                (void) fprintf(
                        stderr,
                        "%s: leads to '%s', which the agent cannot read as a service: it has "
                        "no access to %s; copy the file instead of linking it\n",
                        file, real + n, hidden);
                return true;
        }
        if (!all_may_read(real, n)) {
                (void) fprintf(stderr,
                               "%s: the agent cannot read it as a service, because it is not root; "
                               "let everybody read the file (mode 0644) and its folders (0755)\n",
                               file);
                return true;
        }
        return false;
}

/* The same for all files. */
static size_t check_sandbox_all(const char *root, const Config *config) {
        size_t n = 0;

        for (size_t i = 0; config_prefixes[i]; i++) {
                char file[PATH_MAX], path[PATH_MAX + sizeof(file)];

                (void) snprintf(file, sizeof(file), "%s/" CONFIG_AGENT_FILE, config_prefixes[i]);
                (void) snprintf(path, sizeof(path), "%s%s", root, file);
                if (access(path, F_OK) == 0 && !config_has_problem(config, file)) {
                        n += check_sandbox(root, file);
                        break;
                }
        }
        for (size_t i = 0; i < config->n_services; i++)
                if (!config_has_problem(config, config->services[i].file))
                        n += check_sandbox(root, config->services[i].file);
        return n;
}

int ctl_check(const CtlOptions *o, int n, char **names) {
        _cleanup_(report_freep) Report *report = NULL;
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_free_ char *problem = NULL;
        size_t n_more;

        if (config_load(o->root, &config) < 0 ||
            ctl_agent_read(o->root, &report, &problem) == -ENOMEM)
                return ctl_error_errno(ENOMEM, "read", "the configuration");
        config_check_problems(config);
        n_more = report ? check_agent(report, config) : check_sandbox_all(o->root, config);
        if (report && !ctl_agent_has_read(o->root, report, config))
                (void) fprintf(stderr, "The running agent has not read these files yet; let it do "
                                       "so with 'wslbridgectl reload'\n");
        if (config->n_problems + n_more > 0)
                return CTL_EXIT_FAILURE;
        config_check_summary(config);
        if (report)
                ctl_mode_note(report, config);
        return CTL_EXIT_OK;
}
