/* SPDX-License-Identifier: MIT */

/*
 * The texts about values of PortProxy and of the relay.
 */

#include "windows-helper/core/rules/conflict-text.h"

#include "common/names.h"
#include "windows-helper/core/base/result.h"
#include "windows-helper/core/rules/adoption.h"

#include <stdio.h>
#include <string.h>

#define CONFLICT_UNKNOWN "an entry of unknown origin is in the relay's table"

bool conflict_command(const RuleValue *value, char ret_command[CONFLICT_COMMAND_MAX]) {
        const char *ips = rule_family_name((RuleFamily) (value->family % _RULE_PORTPROXY_END));

        if (!value->parsed || !rule_family_is_relay(value->family))
                return false;
        (void) snprintf(ret_command, CONFLICT_COMMAND_MAX,
                        "reg.exe delete HKLM\\" NAMES_RELAY_KEY "\\%s\\%s /v %s /f", ips,
                        rule_family_is_udp(value->family) ? "udp" : "tcp", value->name);
        return true;
}

void conflict_value_text(const RuleValue *value, char ret_text[WIRE_TEXT_MAX + 1]) {
        result_text(ret_text, "%s = %s", value->name, value->data ? value->data : "?");
}

static void conflict_text_relay(const RuleValue *value, const char *listen, const char *command,
                                char ret_text[WIRE_TEXT_MAX + 1]) {
        int n = WIRE_TEXT_MAX + 1;

        if (adoption_possible(value, NULL))
                n = snprintf(ret_text, WIRE_TEXT_MAX + 1,
                             "%s: " CONFLICT_UNKNOWN "; " ADOPTION_TEXT " or delete it ('%s')",
                             listen, listen, command);
        /* A command that was cut would be another one. */
        if (n > WIRE_TEXT_MAX)
                result_text(ret_text, "%s: " CONFLICT_UNKNOWN "; delete it ('%s')", listen,
                            command);
}

void conflict_text(const RuleValue *value, char ret_text[WIRE_TEXT_MAX + 1]) {
        char listen[IP_ENDPOINT_TEXT_MAX], way[2 * IP_ENDPOINT_TEXT_MAX] = "";
        char command[CONFLICT_COMMAND_MAX];

        ip_endpoint_format(&value->listen, listen);
        if (conflict_command(value, command)) {
                conflict_text_relay(value, listen, command, ret_text);
                return;
        }
        if (adoption_possible(value, NULL))
                (void) snprintf(way, sizeof(way), ADOPTION_TEXT ", ", listen);
        /* The value comes last: it may be long, and texts are cut. */
        result_text(ret_text,
                    "%s: there is a port forwarding that wslbridge did not make; delete it, %sor "
                    "listen elsewhere (%s %s = %s)",
                    listen, way, rule_family_name(value->family), value->name,
                    value->data ? value->data : "not a string");
}

void conflict_text_new(const IpEndpoint *listen, const char *found,
                       char ret_text[WIRE_TEXT_MAX + 1]) {
        char text[IP_ENDPOINT_TEXT_MAX];

        ip_endpoint_format(listen, text);
        if (found[0])
                result_text(
                        ret_text,
                        "somebody has just set a port forwarding there; delete it, " ADOPTION_TEXT
                        ", or listen elsewhere (%s)",
                        text, found);
        else
                result_text(ret_text,
                            "somebody has just set a port forwarding there; delete it, or "
                            "listen elsewhere");
}
