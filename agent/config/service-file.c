/* SPDX-License-Identifier: MIT */

/*
 * The keys of a service file; docs/wslbridge.conf.5 says what they mean to the user.
 */

#include "agent/config/service-file.h"

#include "agent/config/ini.h"
#include "agent/config/listen.h"

#include "protocol/wire/wire-options.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef enum ServiceKey {
        SERVICE_KEY_DESCRIPTION,
        SERVICE_KEY_LISTEN,
        SERVICE_KEY_CONNECT_PORT,
        SERVICE_KEY_PROTOCOL, /* from here on the options, in the order of WireOption */
        SERVICE_KEY_CLIENT_ADDRESS,
        SERVICE_KEY_CONNECT,
        SERVICE_KEY_FORWARDER,
        SERVICE_KEY_FIREWALL,
        SERVICE_KEY_REMOTE,
        SERVICE_KEY_ENABLED,
        _SERVICE_KEY_END,
} ServiceKey;

typedef struct ServiceParser {
        ServiceFile *service;
        ConfigProblems *problems;
        ConfigKey keys[_SERVICE_KEY_END];
        uint16_t connect_port, n_connect_ports; /* 0: not given, or wrong */
} ServiceParser;

static const char *const bool_words[] = {"yes", "no", "true", "false", "on", "off", "1", "0", NULL};
static const char *const profile_words[] = {"domain", "private", "public", "none", NULL};
static const char *const remote_words[] = {"LocalSubnet", "any", NULL};

/* Return: whether @text is one of the words for yes and no. */
static bool bool_parse(const char *text, bool *ret_value) {
        for (size_t i = 0; bool_words[i]; i++) {
                if (strcasecmp(text, bool_words[i]) == 0) {
                        *ret_value = i % 2 == 0;
                        return true;
                }
        }
        return false;
}

static void parse_enabled(ServiceParser *p, const ConfigValue *value) {
        if (!bool_parse(value->text, &p->service->enabled))
                config_problems_add(p->problems, value->line, value->key,
                                    "'%s' is neither yes nor no", value->text);
}

/* A line that is a mistake, because the key was given before, still closes the service when it says
 * so: somebody who adds 'enabled = no' below an 'enabled = yes' wants it closed. */
static void parse_enabled_again(ServiceParser *p, const ConfigValue *value) {
        bool enabled;

        if (strcmp(value->key, p->keys[SERVICE_KEY_ENABLED].name) == 0 &&
            bool_parse(value->text, &enabled) && !enabled)
                p->service->enabled = false;
}

static void parse_firewall(ServiceParser *p, const ConfigValue *value) {
        /* In the order of profile_words. */
        static const uint8_t flags[] = {WIRE_PROFILE_DOMAIN, WIRE_PROFILE_PRIVATE,
                                        WIRE_PROFILE_PUBLIC, 0};
        char text[CONFIG_LINE_MAX + 1], *list = text, *word;
        uint8_t profiles = 0;
        bool none = false;

        config_copy_text(text, value->text);
        while ((word = config_next_word(&list))) {
                size_t i = 0;

                while (profile_words[i] && strcasecmp(word, profile_words[i]) != 0)
                        i++;
                if (!profile_words[i]) {
                        const char *near = config_suggest(word, profile_words);

                        config_problems_add(p->problems, value->line, value->key,
                                            "'%s' is not a firewall profile; %s%s%s", word,
                                            near ? "did you mean '" : "write private, domain, ",
                                            near ? near : "public",
                                            near ? "'?" : " (several are fine), or none");
                        return;
                }
                profiles |= flags[i];
                none = none || flags[i] == 0;
        }
        if (none == (profiles != 0)) {
                config_problems_add(p->problems, value->line, value->key, "%s",
                                    none ? "'none' must be the only word; remove it or the profiles"
                                         : "names no profile; write 'none' to open nothing");
                return;
        }
        p->service->profiles = profiles;
}

static void parse_option(ServiceParser *p, const ConfigValue *value, WireOption option) {
        const char *const *words = wire_option_words(option);
        const char *near = config_suggest(value->text, words);

        for (uint8_t i = 0; words[i]; i++) {
                if (strcasecmp(value->text, words[i]) == 0) {
                        p->service->options[option] = i;
                        return;
                }
        }
        if (near)
                config_problems_add(p->problems, value->line, value->key,
                                    "'%s' is neither %s nor %s; did you mean '%s'?", value->text,
                                    words[0], words[1], near);
        else
                config_problems_add(p->problems, value->line, value->key,
                                    "'%s' is neither %s nor %s", value->text, words[0], words[1]);
}

/* Read one word of 'remote'. Return: false when the rest of the line is not worth reading. */
static bool parse_remote_word(ServiceParser *p, const ConfigValue *value, const char *word,
                              bool alone) {
        ServiceFile *s = p->service;
        const char *near;

        for (uint8_t i = 0; remote_words[i]; i++) { /* numbered as WireRemote */
                if (strcasecmp(word, remote_words[i]) != 0)
                        continue;
                if (!alone) {
                        s->remote = WIRE_REMOTE_LIST;
                        config_problems_add(p->problems, value->line, value->key,
                                            "'%s' must be the only word; remove it or the rest",
                                            remote_words[i]);
                        return false;
                }
                s->remote = i;
                return true;
        }
        s->remote = WIRE_REMOTE_LIST;
        /* Not for each address: with 10,000 services that is a tenth of the time. */
        near = word[strspn(word, "0123456789abcdefABCDEF:./")] ? config_suggest(word, remote_words)
                                                               : NULL;
        if (near) {
                config_problems_add(p->problems, value->line, value->key,
                                    "'%s' is not an address or network; did you mean '%s'?", word,
                                    near);
                return true;
        }
        if (s->n_remotes == WIRE_REMOTES_MAX) {
                config_problems_add(
                        p->problems, value->line, value->key,
                        "there are more than %d addresses and networks; use wider networks",
                        WIRE_REMOTES_MAX);
                return false;
        }
        if (config_parse_prefix(value, word, &s->remotes[s->n_remotes]))
                s->n_remotes++;
        return true;
}

static void parse_remote(ServiceParser *p, const ConfigValue *value) {
        bool first_line = p->keys[SERVICE_KEY_REMOTE].first_line == value->line;
        char text[CONFIG_LINE_MAX + 1], *list = text, *word;
        unsigned n_words = 0;

        if (!first_line && p->service->remote != WIRE_REMOTE_LIST) {
                config_problems_add(
                        p->problems, value->line, value->key,
                        "line %u says '%s', which excludes all others; keep one of the two",
                        p->keys[SERVICE_KEY_REMOTE].first_line, remote_words[p->service->remote]);
                return;
        }
        config_copy_text(text, value->text);
        while ((word = config_next_word(&list))) {
                bool last = !list || list[strspn(list, ", \t")] == '\0';

                if (!parse_remote_word(p, value, word, first_line && n_words == 0 && last))
                        return;
                n_words++;
        }
        if (n_words == 0) {
                config_problems_add(p->problems, value->line, value->key,
                                    "has no value; write LocalSubnet, any, or addresses");
        }
}

static void parse_listen(ServiceParser *p, const ConfigValue *value) {
        ServiceFile *s = p->service;
        WireListen listen;

        if (!config_parse_listen(value, &listen))
                return;
        for (uint32_t i = 0; i < s->n_listens; i++) {
                const WireListen *other = &s->listens[i];

                if (ip_compare(&other->addr, &listen.addr) == 0 &&
                    listen.port < other->port + other->count &&
                    other->port < listen.port + listen.count) {
                        config_problems_add(p->problems, value->line, value->key,
                                            "line %u already listens on port %u of that address; "
                                            "remove one of the two",
                                            s->listen_lines[i],
                                            listen.port > other->port ? listen.port : other->port);
                        return;
                }
        }
        if (s->n_listens == WIRE_LISTENS_MAX) {
                config_problems_add(
                        p->problems, value->line, value->key,
                        "there are more than %d 'listen' lines; use ranges, or a second service",
                        WIRE_LISTENS_MAX);
                return;
        }
        s->listen_lines[s->n_listens] = value->line;
        s->listens[s->n_listens++] = listen;
}

static void service_on_entry(unsigned line, const char *key, const char *text, void *userdata) {
        ServiceParser *p = userdata;
        ConfigValue value = {.problems = p->problems, .line = line, .key = key, .text = text};
        int found = config_key_find(p->keys, _SERVICE_KEY_END, &value);

        if (found < 0) {
                parse_enabled_again(p, &value);
                return;
        }
        switch ((ServiceKey) found) {
        case SERVICE_KEY_DESCRIPTION:
                (void) snprintf(p->service->description, sizeof(p->service->description), "%s",
                                text);
                break;
        case SERVICE_KEY_LISTEN:
                parse_listen(p, &value);
                break;
        case SERVICE_KEY_CONNECT_PORT:
                if (!config_parse_ports(&value, text, &p->connect_port, &p->n_connect_ports))
                        p->n_connect_ports = 0;
                break;
        case SERVICE_KEY_PROTOCOL:
        case SERVICE_KEY_CLIENT_ADDRESS:
        case SERVICE_KEY_CONNECT:
        case SERVICE_KEY_FORWARDER:
                parse_option(p, &value, (WireOption) (found - SERVICE_KEY_PROTOCOL));
                break;
        case SERVICE_KEY_FIREWALL:
                parse_firewall(p, &value);
                break;
        case SERVICE_KEY_REMOTE:
                parse_remote(p, &value);
                break;
        case SERVICE_KEY_ENABLED:
                parse_enabled(p, &value);
                break;
        case _SERVICE_KEY_END:
                break;
        }
}

/* The checks that need all lines. */
static void service_finish(ServiceParser *p) {
        ServiceFile *s = p->service;
        const ConfigKey *connect = &p->keys[SERVICE_KEY_CONNECT_PORT];

        if (p->keys[SERVICE_KEY_LISTEN].first_line == 0) {
                config_problems_add(p->problems, 0, "listen",
                                    "is missing; add a line such as 'listen = 2222' to [service]");
        }
        if (s->options[WIRE_OPTION_PROTOCOL] == WIRE_PROTOCOL_UDP &&
            s->options[WIRE_OPTION_CLIENT_ADDRESS] == WIRE_CLIENT_ADDRESS_PROXY_V2) {
                const ConfigKey *key = &p->keys[SERVICE_KEY_CLIENT_ADDRESS];

                config_problems_add(p->problems, key->first_line, key->name,
                                    "'proxy-v2' is for TCP, but the protocol is udp; remove one of "
                                    "the two");
        }
        if (p->n_connect_ports == 0)
                return;
        for (uint32_t i = 0; i < s->n_listens; i++) {
                if (s->listens[i].count != p->n_connect_ports) {
                        config_problems_add(p->problems, connect->first_line, connect->name,
                                            "has %u port%s, but 'listen' in line %u has %u; write "
                                            "ranges of equal length, or one service for each",
                                            p->n_connect_ports, p->n_connect_ports == 1 ? "" : "s",
                                            s->listen_lines[i], s->listens[i].count);
                }
                s->listens[i].connect_port = p->connect_port;
        }
}

void service_file_parse(const uint8_t *data, size_t n, ServiceFile *ret, ConfigProblems *problems) {
        ServiceParser p = {
                .service = ret,
                .problems = problems,
                .keys =
                        {
                                [SERVICE_KEY_DESCRIPTION] = {.name = "description"},
                                [SERVICE_KEY_LISTEN] = {.name = "listen", .list = true},
                                [SERVICE_KEY_CONNECT_PORT] = {.name = "connect-port"},
                                [SERVICE_KEY_PROTOCOL] = {.name = "protocol"},
                                [SERVICE_KEY_CLIENT_ADDRESS] = {.name = "client-address"},
                                [SERVICE_KEY_CONNECT] = {.name = "connect"},
                                [SERVICE_KEY_FORWARDER] = {.name = "forwarder"},
                                [SERVICE_KEY_FIREWALL] = {.name = "firewall"},
                                [SERVICE_KEY_REMOTE] = {.name = "remote", .list = true},
                                [SERVICE_KEY_ENABLED] = {.name = "enabled"},
                        },
        };

        ret->description[0] = '\0';
        ret->enabled = true;
        ret->profiles = SERVICE_PROFILES_DEFAULT;
        ret->remote = WIRE_REMOTE_LOCAL_SUBNET;
        memset(ret->options, 0, sizeof(ret->options));
        ret->n_listens = 0;
        ret->n_remotes = 0;
        if (ini_read(data, n, "service", service_on_entry, &p, problems))
                service_finish(&p);
}
