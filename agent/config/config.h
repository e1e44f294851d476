/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Configuration: agent.conf and the service drop-ins, read into one immutable Config.
 *
 * Loading never logs, and it does not stop at the first error: it collects every problem of every
 * file, with its place and what to do about it.
 *
 * Each file stands for itself. A file with a problem is never half in force: what it said when it
 * was last good stays in force, which is nothing (for agent.conf the defaults) at the start. The
 * other files are not affected. What is removed, masked or turned off is not in force, whatever
 * else is broken. agent/config/merge.h has the rules.
 */

#include "protocol/wire/wire.h"

#include "agent/util/cleanup.h"

#include <stdbool.h>

#define CONFIG_LINE_MAX        180 /* bytes; inih's own limit is 200 and truncates silently */
#define CONFIG_FILE_MAX        (64 * 1024)
#define CONFIG_FILES_MAX       WIRE_SERVICES_MAX
#define CONFIG_VSOCK_PORT      1465076802u /* "WSLB", fact 2.3.1 */
#define CONFIG_DROPIN_SUFFIX   ".ini"
#define CONFIG_HELPER_PATH_MAX 107 /* sun_path without its NUL */

/* Where files are looked up below the root, highest precedence first. A file in an earlier folder
 * masks a file of the same name in a later one; an empty file or a link to /dev/null masks it
 * without replacing it. */
#define CONFIG_MAIN_DIR    "wslbridge"
#define CONFIG_AGENT_FILE  CONFIG_MAIN_DIR "/agent.conf"
#define CONFIG_SERVICE_DIR CONFIG_MAIN_DIR "/services.d"
extern const char *const config_prefixes[]; /* "/etc", "/run", "/usr/lib", NULL */

typedef enum ConfigHelperKind {
        CONFIG_HELPER_VSOCK,
        CONFIG_HELPER_UNIX,
} ConfigHelperKind;

typedef struct ConfigHelper { /* the connect address: where the helper listens */
        ConfigHelperKind kind;
        uint32_t cid, port;                    /* vsock */
        char path[CONFIG_HELPER_PATH_MAX + 1]; /* unix, absolute */
} ConfigHelper;

typedef enum ConfigInForce {                  /* what is in force of a file that has a problem */
                             CONFIG_NOTHING,  /* of agent.conf: the defaults */
                             CONFIG_PREVIOUS, /* what it said when it was last good */
} ConfigInForce;

typedef struct ConfigProblem {
        char *file;    /* owned; as the user knows it, without the root */
        unsigned line; /* 0: the file as a whole */
        char *key;     /* owned; NULL when the problem is not about a key */
        char *message; /* owned: what is wrong, and what to do */
        ConfigInForce in_force;
} ConfigProblem;

typedef struct ConfigService {
        char name[WIRE_SERVICE_NAME_MAX + 1];
        char *description; /* owned, may be NULL */
        char *file;        /* owned */
        bool enabled;
        bool broken;   /* its file has a problem; this is what it said when it was last good */
        uint32_t wire; /* of an enabled service: its index in Config.wire.services */
} ConfigService;

typedef struct Config {
        /* configuration */
        char interface[WIRE_INTERFACE_MAX + 1]; /* "" = auto */
        ConfigHelper helper;
        int log_level;     /* syslog priority */
        bool agent_broken; /* agent.conf has a problem; these are the values from before, if any */

        /* All services, sorted by name, and the wire form of the enabled ones: of @wire, .services,
         * .listens and .remotes are filled, the rest is zero. */
        ConfigService *services;
        size_t n_services;
        WireState wire;

        ConfigProblem *problems;
        size_t n_problems;
        bool passing; /* one of them may pass by itself: it is worth reading the files once more */

        /* Of the files that count: their paths and bytes. Two readers that see the same have the
         * same number, so a program can find out whether the agent has read what is there now. */
        uint64_t fingerprint;
} Config;

/**
 * config_load() - read all configuration below @root, as an agent that starts
 * @root: "" or a directory without a trailing slash, like the --root of systemctl
 *
 * A file that does not exist is not a problem; a file that cannot be read is.
 *
 * Return: 0 (also with problems), or -ENOMEM.
 */
int config_load(const char *root, Config **ret_config);

/* The same while @previous is in force. It stays as it is, and may be freed afterwards. */
int config_reload(const char *root, const Config *previous, Config **ret_config);

typedef struct ConfigCandidate { /* a service file that does not exist yet; all borrowed */
        const char *name;        /* of the service */
        const uint8_t *data;
        size_t n; /* at most CONFIG_FILE_MAX */
} ConfigCandidate;

/* As config_reload(), as if @candidate were in /etc already: shows what the configuration would
 * become with it. @previous may be NULL. */
int config_load_candidate(const char *root, const ConfigCandidate *candidate,
                          const Config *previous, Config **ret_config);

/* The fingerprint that a reader would find who cannot read @files, as they are named in problems.
 * Return: 0 or -ENOMEM. */
int config_fingerprint_without(const char *root, const char *const *files, size_t n,
                               uint64_t *ret_fingerprint);

Config *config_free(Config *c);
DEFINE_CLEANUP(Config *, config_free);

/* NULL: none of that name. */
const ConfigService *config_find(const Config *c, const char *name);

/* By file, then by line and text: the order of Config.problems. Return: as strcmp(3). */
int config_problem_compare(const ConfigProblem *x, const ConfigProblem *y);

/* Whether any of the problems is about @file. */
bool config_has_problem(const Config *c, const char *file);

/* For people: what is in force of @file, which has a problem. @previous: CONFIG_PREVIOUS. */
const char *config_in_force_text(const char *file, bool previous);

/* "file:line: key: message", as far as the parts are known. @ret_text is owned by the caller.
 * Return: 0 or -ENOMEM. */
int config_problem_format(const ConfigProblem *p, char **ret_text);

/* "vsock:2:1465076802" or "unix:/path". Return: 0, or -EINVAL with the reason in @ret_message, a
 * constant. */
int config_helper_parse(const char *text, ConfigHelper *ret_helper, const char **ret_message);
void config_helper_format(const ConfigHelper *helper, char *ret_text, size_t size);

/* "0.0.0.0:8000-8010": the ports of Windows, as the file has them. */
#define CONFIG_LISTEN_TEXT_SIZE (IP_ENDPOINT_TEXT_MAX + 8)
void config_listen_format(const WireListen *l, char ret_text[CONFIG_LISTEN_TEXT_SIZE]);
