/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Port forwardings as registry values. PortProxy, which is a part of Windows, and our relay have a
 * table each. Both have the same form: one family, that is registry key, for each pair of IP
 * versions (listen, connect); the value name is "listen/port" and the value data "connect/port"
 * (facts 4.1.1, 4.1.2). The relay's table has families for TCP and for UDP, and the data may have
 * an option behind the port. The text forms are the registry's own, so the test host and the
 * Windows service handle the same texts.
 */

#include "common/ip.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum RuleFamily {
        RULE_V4TOV4, /* the first four are PortProxy's, named as its registry keys: "v4tov4" … */
        RULE_V4TOV6,
        RULE_V6TOV4,
        RULE_V6TOV6,
        _RULE_PORTPROXY_END,
        RULE_RELAY_TCP = _RULE_PORTPROXY_END,     /* and the same four for the relay's TCP … */
        RULE_RELAY_UDP = 2 * _RULE_PORTPROXY_END, /* … and UDP: "relay-udp-v4tov4" … */
        _RULE_FAMILY_END = 3 * _RULE_PORTPROXY_END,
} RuleFamily;

#define RULE_TEXT_MAX        54 /* address "/" port NUL */
#define RULE_FAMILY_TEXT_MAX 17 /* "relay-udp-v4tov4" NUL */

typedef enum RuleWay { /* how what comes in at an endpoint is carried to the guest */
                       RULE_WAY_PORTPROXY,
                       RULE_WAY_RELAY,
                       RULE_WAY_RELAY_PROXY_V2, /* the guest learns the client's address (TCP) */
} RuleWay;

/* Where a forwarding leads. Zeroed memory (addr.family NONE) means: nowhere. */
typedef struct RuleTarget {
        IpAddr addr;
        uint16_t port; /* host order */
        uint8_t way;   /* RuleWay */
} RuleTarget;

#define RULE_DATA_MAX (RULE_TEXT_MAX + 9) /* " proxy-v2" */

/* A value as it was found, ours or foreign. */
typedef struct RuleValue {
        RuleFamily family;
        char *name;  /* owned, UTF-8, exactly as stored */
        char *data;  /* owned; NULL when the type is not REG_SZ */
        bool parsed; /* .name is an endpoint ("*" is the unspecified address) */
        bool gone;   /* in a list of changes: there is no such value any more */
        IpEndpoint listen;
} RuleValue;

typedef struct RuleTable {
        RuleValue *values; /* owned */
        size_t n_values, size;
} RuleTable;

#define RULE_TABLE_NULL ((RuleTable){0})

RuleFamily rule_family(const IpEndpoint *listen, const RuleTarget *target);
const char *rule_family_name(RuleFamily family); /* "v4tov4" */
bool rule_family_is_udp(RuleFamily family);
bool rule_family_is_relay(RuleFamily family);
uint8_t rule_family_listens_on(RuleFamily family);               /* IpFamily */
int rule_family_parse(const char *name, RuleFamily *ret_family); /* 0 or -EINVAL */

/* "0.0.0.0/8080": the form of names. The family tells TCP from UDP. */
void rule_endpoint_format(const IpEndpoint *endpoint, char ret_text[RULE_TEXT_MAX]);

/* "172.28.64.10/80" or "172.28.64.10/80 proxy-v2": the form of data. */
void rule_target_format(const RuleTarget *target, char ret_data[RULE_DATA_MAX]);

/* The reverse, for a value of @family. Return: 0 or -EINVAL. */
int rule_target_parse(const char *data, RuleFamily family, RuleTarget *ret_target);

bool rule_target_is_set(const RuleTarget *target); /* it leads somewhere */

/* Which forwarder it is for, each of which has a table of its own: a bit. 0: it leads nowhere */
#define RULE_FORWARDER(relay)    (1u << (relay))
#define RULE_FORWARDER_PORTPROXY RULE_FORWARDER(false)
#define RULE_FORWARDER_RELAY     RULE_FORWARDER(true)
unsigned rule_target_forwarder(const RuleTarget *target);
static inline bool rule_target_is_relay(const RuleTarget *target) {
        return rule_target_forwarder(target) == RULE_FORWARDER_RELAY;
}
bool rule_target_equal(const RuleTarget *a, const RuleTarget *b);

/* The name of a value that listens there. @star: "*" for all addresses, where @listen means them
 * (fact 4.1.11). */
void rule_name_format(const IpEndpoint *listen, bool star, char ret_text[RULE_TEXT_MAX]);

/* Accepts "*" as the unspecified address of @any_family (IP_FAMILY_V4 or IP_FAMILY_V6), unless that
 * is IP_FAMILY_NONE. Return: 0 or -EINVAL. */
int rule_endpoint_parse(const char *text, uint8_t any_family, IpEndpoint *ret_endpoint);

/* True when @value is, byte for byte, what we would write to forward its listen endpoint to
 * @target. @star: as for rule_name_format() */
bool rule_value_is(const RuleValue *value, const RuleTarget *target, bool star);

/* True when the value's name has "*" for all addresses. */
bool rule_value_has_star(const RuleValue *value);

/* Append a copy of a value and parse its name. Return: 0 or -ENOMEM. */
int rule_table_add(RuleTable *t, RuleFamily family, const char *name, const char *data);

/* Sort by listen endpoint, family and name; names that were not parsed come last. A value that is
 * there twice is kept once. */
void rule_table_sort(RuleTable *t);

/**
 * rule_table_merge() - bring a sorted table up to date
 * @changes: sorted; a value replaces the one of its family and name, or removes it when .gone is
 *           set. Empty afterwards
 * @keep_gone: @t is a list of changes itself
 *
 * Linear time. A few changes in a large table only move its values, without comparing each of them.
 *
 * Return: 0 or -ENOMEM (nothing was changed).
 */
int rule_table_merge(RuleTable *t, RuleTable *changes, bool keep_gone);

/* In a sorted table: the first value from @from on that does not listen below @listen, and
 * t->n_values when there is none. The next one is found at once, and one of thousands soon. */
size_t rule_table_seek(const RuleTable *t, size_t from, const IpEndpoint *listen);

/* True when the value's name is the endpoint @listen. */
bool rule_value_listens(const RuleValue *value, const IpEndpoint *listen);

/* True when both, sorted, have the same values. */
bool rule_table_equal(const RuleTable *a, const RuleTable *b);

/* Append a copy of each value of @from that the sorted table @t does not have; both are sorted.
 * Return: 0 or -ENOMEM. */
int rule_table_missing(const RuleTable *t, const RuleTable *from, RuleTable *ret_missing);
void rule_table_done(RuleTable *t);
