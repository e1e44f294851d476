/* SPDX-License-Identifier: MIT */

/*
 * The keys of agent.conf, and the address of the helper as text.
 */

#include "agent/config/agent-file.h"

#include "agent/config/ini.h"
#include "agent/config/values.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>

#define VSOCK_CID_HOST 2u          /* VMADDR_CID_HOST: the hypervisor's side */
#define VSOCK_MAX      0xfffffffeu /* the highest value means "any" */
#define VSOCK_TEXT_MAX 32          /* "4294967294:4294967294" and some room */

typedef enum AgentKey {
        AGENT_KEY_INTERFACE,
        AGENT_KEY_HELPER,
        AGENT_KEY_LOG_LEVEL,
        _AGENT_KEY_END,
} AgentKey;

typedef struct AgentParser {
        Config *config;
        ConfigProblems *problems;
        ConfigKey keys[_AGENT_KEY_END];
} AgentParser;

/* Two tables, because config_suggest() takes a list of words. */
static const char *const level_words[] = {"err",    "error", "warning", "warn",
                                          "notice", "info",  NULL};
static const int levels[] = {LOG_ERR, LOG_ERR, LOG_WARNING, LOG_WARNING, LOG_NOTICE, LOG_INFO};

static int parse_vsock(const char *text, ConfigHelper *ret_helper, const char **ret_message) {
        char copy[VSOCK_TEXT_MAX], *colon;
        uint64_t cid, port;

        if (snprintf(copy, sizeof(copy), "%s", text) >= (int) sizeof(copy) ||
            !(colon = strchr(copy, ':'))) {
                *ret_message = "write vsock:CID:PORT, such as vsock:2:1465076802";
                return -EINVAL;
        }
        *colon = '\0';
        if (config_parse_number(copy, VSOCK_MAX, &cid) < 0) {
                *ret_message = "the CID must be a decimal number below 4294967295; the host is 2";
                return -EINVAL;
        }
        if (config_parse_number(colon + 1, VSOCK_MAX, &port) < 0 || port == 0) {
                *ret_message = "the port must be a decimal number from 1 to 4294967294; the "
                               "helper's default is 1465076802";
                return -EINVAL;
        }
        *ret_helper = (ConfigHelper){
                .kind = CONFIG_HELPER_VSOCK,
                .cid = (uint32_t) cid,
                .port = (uint32_t) port,
        };
        return 0;
}

int config_helper_parse(const char *text, ConfigHelper *ret_helper, const char **ret_message) {
        ConfigHelper helper = {.kind = CONFIG_HELPER_UNIX};

        if (strncmp(text, "vsock:", 6) == 0)
                return parse_vsock(text + 6, ret_helper, ret_message);
        if (strncmp(text, "unix:", 5) != 0) {
                *ret_message = "write vsock:CID:PORT or unix:/PATH";
                return -EINVAL;
        }
        text += 5;
        if (text[0] != '/' || text[1] == '\0') {
                *ret_message = "the path of the socket must be absolute: unix:/PATH";
                return -EINVAL;
        }
        if (strlen(text) > CONFIG_HELPER_PATH_MAX) {
                *ret_message = "the path of a socket can have at most 107 bytes; use a shorter one";
                return -EINVAL;
        }
        (void) stpcpy(helper.path, text);
        *ret_helper = helper;
        return 0;
}

void config_helper_format(const ConfigHelper *helper, char *ret_text, size_t size) {
        switch (helper->kind) {
        case CONFIG_HELPER_VSOCK:
                (void) snprintf(ret_text, size, "vsock:%" PRIu32 ":%" PRIu32, helper->cid,
                                helper->port);
                break;
        case CONFIG_HELPER_UNIX:
                (void) snprintf(ret_text, size, "unix:%s", helper->path);
                break;
        }
}

static void parse_interface(AgentParser *p, const ConfigValue *value) {
        if (strcasecmp(value->text, "auto") == 0) {
                p->config->interface[0] = '\0';
                return;
        }
        if (strpbrk(value->text, ",;*?[")) { /* the kernel allows them, but nobody means them */
                config_problems_add(p->problems, value->line, value->key,
                                    "'%s' is not one interface; write the name of one, such as "
                                    "eth0, or auto",
                                    value->text);
                return;
        }
        /* The rules of the kernel for a name; see its dev_valid_name(). */
        if (strlen(value->text) > WIRE_INTERFACE_MAX || strpbrk(value->text, "/: \t") ||
            strcmp(value->text, ".") == 0 || strcmp(value->text, "..") == 0) {
                config_problems_add(
                        p->problems, value->line, value->key,
                        "'%s' cannot be the name of an interface; write one of 'ip link' (at "
                        "most %d bytes) such as eth0, or auto",
                        value->text, WIRE_INTERFACE_MAX);
                return;
        }
        (void) stpcpy(p->config->interface, value->text);
}

static void parse_helper(AgentParser *p, const ConfigValue *value) {
        const char *message;

        if (config_helper_parse(value->text, &p->config->helper, &message) < 0) {
                config_problems_add(p->problems, value->line, value->key,
                                    "'%s' is not the address of a helper; %s", value->text,
                                    message);
        }
}

static void parse_log_level(AgentParser *p, const ConfigValue *value) {
        const char *near;

        for (size_t i = 0; level_words[i]; i++) {
                if (strcasecmp(value->text, level_words[i]) == 0) {
                        p->config->log_level = levels[i];
                        return;
                }
        }
        near = config_suggest(value->text, level_words);
        config_problems_add(p->problems, value->line, value->key, "'%s' is not a log level; %s%s%s",
                            value->text, near ? "did you mean '" : "write ",
                            near ? near : "err, warning, notice or info", near ? "'?" : "");
}

static void agent_on_entry(unsigned line, const char *key, const char *text, void *userdata) {
        AgentParser *p = userdata;
        ConfigValue value = {.problems = p->problems, .line = line, .key = key, .text = text};
        int found = config_key_find(p->keys, _AGENT_KEY_END, &value);

        if (found < 0)
                return;
        switch ((AgentKey) found) {
        case AGENT_KEY_INTERFACE:
                parse_interface(p, &value);
                break;
        case AGENT_KEY_HELPER:
                parse_helper(p, &value);
                break;
        case AGENT_KEY_LOG_LEVEL:
                parse_log_level(p, &value);
                break;
        case _AGENT_KEY_END:
                break;
        }
}

void agent_file_defaults(Config *c) {
        c->interface[0] = '\0';
        c->helper = (ConfigHelper){
                .kind = CONFIG_HELPER_VSOCK,
                .cid = VSOCK_CID_HOST,
                .port = CONFIG_VSOCK_PORT,
        };
        c->log_level = LOG_INFO;
}

void agent_file_parse(const uint8_t *data, size_t n, Config *c, ConfigProblems *problems) {
        AgentParser p = {
                .config = c,
                .problems = problems,
                .keys =
                        {
                                [AGENT_KEY_INTERFACE] = {.name = "interface"},
                                [AGENT_KEY_HELPER] = {.name = "helper"},
                                [AGENT_KEY_LOG_LEVEL] = {.name = "log-level"},
                        },
        };

        (void) ini_read(data, n, "agent", agent_on_entry, &p, problems);
}
