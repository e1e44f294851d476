/* SPDX-License-Identifier: MIT */

/*
 * The service files of 'wslbridgectl expose': checking a request, writing it as a file, recognizing
 * such a file.
 */

#include "agent/ctl/client/service-request.h"

#include "agent/config/values.h"

#include "protocol/wire/wire-options.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char head[] = "# Made by 'wslbridgectl expose', which replaces this file only as "
                           "long as nobody else\n# has changed it. See wslbridge.conf(5).\n"
                           "[service]\n";

#define PORTS_MAX 32 /* longer than any that are right */

/* What follows the '/', or NULL. */
static const char *protocol_of(const char *ports) {
        const char *slash = strchr(ports, '/');

        return slash ? slash + 1 : NULL;
}

bool service_request_name(const char *ports, char ret_name[WIRE_SERVICE_NAME_MAX + 1]) {
        const char *protocol = protocol_of(ports);
        size_t n = strcspn(ports, ":/");

        if (n == 0 || n > strlen("65535-65535") || strspn(ports, "0123456789-") < n)
                return false;
        (void) snprintf(ret_name, WIRE_SERVICE_NAME_MAX + 1, "port-%.*s%s", (int) n, ports,
                        protocol && strcasecmp(protocol, "udp") == 0 ? "-udp" : "");
        return true;
}

/* Refuses what would mean something else in the file: another line, or a comment. */
static bool value_fits(const char *key, const char *value, ConfigProblems *problems) {
        for (const char *p = value; *p; p++) {
                if ((unsigned char) *p < ' ' || *p == 0x7f) {
                        config_problems_add(problems, 0, key, "has a control character");
                        return false;
                }
                if (*p == ';') {
                        config_problems_add(problems, 0, key,
                                            "has a semicolon, which begins a comment");
                        return false;
                }
        }
        return true;
}

static void draft_add(Buffer *draft, const char *key, const char *value, ConfigProblems *problems) {
        if (value && value_fits(key, value, problems))
                buffer_printf(draft, "%s = %s\n", key, value);
}

static void draft_listen(Buffer *draft, const char *address, const char *ports, int n_ports,
                         ConfigProblems *problems) {
        bool brackets = strchr(address, ':') && address[0] != '[';

        if (value_fits("listen", address, problems)) {
                buffer_printf(draft, "listen = %s%s%s:%.*s\n", brackets ? "[" : "", address,
                              brackets ? "]" : "", n_ports, ports);
        }
}

static bool ports_fit(const char *ports, ConfigProblems *problems) {
        if (strcspn(ports, "/") >= PORTS_MAX) {
                config_problems_add(problems, 0, "listen",
                                    "has more than %d characters; write a port, as in 8080, or a "
                                    "range, as in 8000-8010",
                                    PORTS_MAX - 1);
                return false;
        }
        return value_fits("listen", ports, problems);
}

/* This message speaks of the command line. The parser of the file would speak of lines. */
static void check_lengths(const char *ports, int n_ports, const char *guest_ports,
                          ConfigProblems *problems) {
        ConfigValue value = {.problems = problems, .key = "listen", .text = ports};
        uint16_t first, count, guest_count;
        char host[PORTS_MAX];

        (void) snprintf(host, sizeof(host), "%.*s", n_ports, ports);
        if (config_parse_ports(&value, host, &first, &count) &&
            config_parse_ports(&value, guest_ports, &first, &guest_count) && count != guest_count)
                config_problems_add(problems, 0, NULL,
                                    "%u port%s of the host cannot lead to %u of the guest; give "
                                    "ranges of the same length, or only the port of the host",
                                    count, count == 1 ? "" : "s", guest_count);
}

void service_request_parse(const ServiceRequest *request, ServiceFile *ret,
                           ConfigProblems *problems) {
        char ports[PORTS_MAX];
        const char *colon;
        int n_ports;
        Buffer draft = BUFFER_NULL;

        (void) snprintf(ports, sizeof(ports), "%.*s", (int) strcspn(request->ports, "/"),
                        request->ports);
        colon = strchr(ports, ':');
        n_ports = (int) strcspn(ports, ":");

        buffer_printf(&draft, "[service]\n");
        if (ports_fit(request->ports, problems)) {
                for (size_t i = 0; i < request->n_addresses; i++)
                        draft_listen(&draft, request->addresses[i], ports, n_ports, problems);
                if (request->n_addresses == 0)
                        buffer_printf(&draft, "listen = %.*s\n", n_ports, ports);
                if (colon) {
                        check_lengths(ports, n_ports, colon + 1, problems);
                        draft_add(&draft, "connect-port", colon + 1, problems);
                }
        }
        draft_add(&draft, "description", request->description, problems);
        draft_add(&draft, "protocol", protocol_of(request->ports), problems);
        draft_add(&draft, "client-address", request->client_address, problems);
        draft_add(&draft, "connect", request->loopback ? "loopback" : NULL, problems);
        draft_add(&draft, "forwarder", request->forwarder, problems);
        draft_add(&draft, "firewall", request->firewall, problems);
        draft_add(&draft, "remote", request->remote, problems);
        if (draft.oom)
                problems->oom = true;
        else if (problems->n_file == 0)
                service_file_parse(buffer_bytes(&draft), buffer_length(&draft), ret, problems);
        buffer_done(&draft);
}

static void format_ports(unsigned first, unsigned count, Buffer *out) {
        buffer_printf(out, "%u", first);
        if (count > 1)
                buffer_printf(out, "-%u", first + count - 1);
}

static void format_listens(const ServiceFile *s, Buffer *out) {
        const WireListen *first = &s->listens[0];
        bool mapped = false;

        for (uint32_t i = 0; i < s->n_listens; i++) {
                const WireListen *listen = &s->listens[i];
                char address[IP_TEXT_MAX];

                ip_format(&listen->addr, address);
                buffer_printf(out,
                              listen->addr.family == IP_FAMILY_V6 ? "listen = [%s]:"
                                                                  : "listen = %s:",
                              address);
                format_ports(listen->port, listen->count, out);
                buffer_printf(out, "\n");
                mapped = mapped || listen->connect_port != listen->port;
        }
        if (mapped) {
                buffer_printf(out, "connect-port = ");
                format_ports(first->connect_port, first->count, out);
                buffer_printf(out, "\n");
        }
}

static void format_options(const uint8_t *options, Buffer *out) {
        for (WireOption o = 0; o < _WIRE_OPTION_END; o++)
                if (options[o] != 0)
                        buffer_printf(out, "%s = %s\n", wire_option_name(o),
                                      wire_option_word(o, options[o]));
}

static void format_firewall(uint8_t profiles, Buffer *out) {
        static const char *const names[] = {"domain", "private", "public"}; /* as the bits */
        const char *gap = "";

        if (profiles == SERVICE_PROFILES_DEFAULT)
                return;
        buffer_printf(out, "firewall = ");
        for (unsigned i = 0; i < ELEMENTSOF(names); i++) {
                if (profiles & (1u << i)) {
                        buffer_printf(out, "%s%s", gap, names[i]);
                        gap = ", ";
                }
        }
        buffer_printf(out, profiles == 0 ? "none\n" : "\n");
}

/* One network per line, because the length of a line is limited. */
static void format_remote(const ServiceFile *s, Buffer *out) {
        if (s->remote == WIRE_REMOTE_ANY)
                buffer_printf(out, "remote = any\n");
        for (uint32_t i = 0; s->remote == WIRE_REMOTE_LIST && i < s->n_remotes; i++) {
                char address[IP_TEXT_MAX];

                ip_format(&s->remotes[i].addr, address);
                buffer_printf(out, "remote = %s/%u\n", address, (unsigned) s->remotes[i].length);
        }
}

void service_file_format(const ServiceFile *s, Buffer *out) {
        buffer_printf(out, "%s", head);
        if (s->description[0] != '\0')
                buffer_printf(out, "description = %s\n", s->description);
        format_listens(s, out);
        format_options(s->options, out);
        format_firewall(s->profiles, out);
        format_remote(s, out);
        if (!s->enabled)
                buffer_printf(out, "enabled = no\n");
}

bool service_file_is_ours(const uint8_t *data, size_t n) {
        ConfigProblems problems = CONFIG_PROBLEMS_NULL;
        Buffer text = BUFFER_NULL;
        ServiceFile *file;
        bool ours = false;

        if (n < strlen(head) || memcmp(data, head, strlen(head)) != 0)
                return false;
        file = malloc(sizeof(*file));
        if (!file)
                return false;
        config_problems_begin(&problems, "");
        service_file_parse(data, n, file, &problems);
        if (problems.n == 0 && !problems.oom) {
                service_file_format(file, &text);
                ours = !text.oom && buffer_length(&text) == n &&
                       memcmp(buffer_bytes(&text), data, n) == 0;
        }
        buffer_done(&text);
        config_problems_done(&problems);
        free(file);
        return ours;
}

/* Encode a STATE that has only service @name of @c, as the helper would get it. */
static bool encode_request(const Config *c, const char *name, Buffer *out) {
        for (uint32_t i = 0; i < c->wire.n_services; i++) {
                WireService service = c->wire.services[i];
                WireState state = {.sequence = 1, .services = &service, .n_services = 1};

                if (strcmp(service.name, name) != 0)
                        continue;
                state.listens = c->wire.listens + service.first_listen;
                state.n_listens = service.n_listens;
                state.remotes = c->wire.remotes ? c->wire.remotes + service.first_remote : NULL;
                state.n_remotes = service.n_remotes;
                service.first_listen = service.first_remote = 0;
                return wire_state_encode(&state, WIRE_VERSION_MAX, out) == 0;
        }
        return false;
}

bool service_same_request(const Config *a, const Config *b, const char *name) {
        Buffer x = BUFFER_NULL, y = BUFFER_NULL;
        bool same = encode_request(a, name, &x) && encode_request(b, name, &y) &&
                    buffer_length(&x) == buffer_length(&y) &&
                    memcmp(buffer_bytes(&x), buffer_bytes(&y), buffer_length(&x)) == 0;

        buffer_done(&x);
        buffer_done(&y);
        return same;
}
