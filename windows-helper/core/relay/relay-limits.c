/* SPDX-License-Identifier: MIT */

/*
 * Defaults and bounds of the limits.
 */

#include "windows-helper/core/relay/relay-limits.h"

#include <stddef.h>
#include <string.h>

#define RELAY_DAY_MS 86400000U

static const struct {
        const char *name;
        size_t offset;
        uint32_t preset, min, max;
} relay_limits[] = {
        {"connections", offsetof(RelayLimits, connections), 11264, 1, 100000},
        {"connections-per-guest", offsetof(RelayLimits, guest_connections), 5120, 1, 100000},
        {"connections-per-endpoint", offsetof(RelayLimits, endpoint_connections), 4096, 1, 100000},
        {"connections-per-client", offsetof(RelayLimits, client_connections), 2048, 1, 100000},
        {"connect-timeout-ms", offsetof(RelayLimits, connect_ms), 10000, 100, RELAY_DAY_MS},
        {"udp-sessions", offsetof(RelayLimits, sessions), 11264, 1, 100000},
        {"udp-sessions-per-guest", offsetof(RelayLimits, guest_sessions), 5120, 1, 100000},
        {"udp-sessions-per-client", offsetof(RelayLimits, client_sessions), 512, 1, 100000},
        {"udp-unanswered-ms", offsetof(RelayLimits, unanswered_ms), 30000, 100, RELAY_DAY_MS},
        {"udp-answered-ms", offsetof(RelayLimits, answered_ms), 180000, 100, RELAY_DAY_MS},
};

static uint32_t *relay_limit(RelayLimits *limits, size_t i) {
        return (uint32_t *) (void *) ((char *) limits + relay_limits[i].offset);
}

void relay_limits_init(RelayLimits *ret_limits) {
        for (size_t i = 0; i < sizeof(relay_limits) / sizeof(relay_limits[0]); i++)
                *relay_limit(ret_limits, i) = relay_limits[i].preset;
}

/* Return: false when @text is not a plain number of at most nine digits. */
static bool relay_number(const char *text, uint32_t *ret) {
        size_t n = strlen(text);

        if (n == 0 || n > 9)
                return false;
        *ret = 0;
        for (size_t i = 0; i < n; i++) {
                if (text[i] < '0' || text[i] > '9')
                        return false;
                *ret = *ret * 10 + (uint32_t) (text[i] - '0');
        }
        return true;
}

const char *relay_limits_parse(RelayLimits *limits, const char *name, const char *data) {
        uint32_t value;

        for (size_t i = 0; i < sizeof(relay_limits) / sizeof(relay_limits[0]); i++) {
                if (strcmp(name, relay_limits[i].name) != 0)
                        continue;
                if (!data)
                        return "is not a plain text (REG_SZ)";
                if (!relay_number(data, &value))
                        return "is not a number";
                if (value < relay_limits[i].min || value > relay_limits[i].max)
                        return "is too small or too large";
                *relay_limit(limits, i) = value;
                return NULL;
        }
        return "is not the name of a limit";
}
