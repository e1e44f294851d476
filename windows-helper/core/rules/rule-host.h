/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What changing port forwardings needs from the host: the values of PortProxy and of the relay, the
 * storage of the ledger, the adoptions that an administrator asked for, and the two services that
 * carry the values out, iphlpsvc and the relay. The Windows service implements it over the
 * registry, the tests in memory.
 */

#include "windows-helper/core/rules/ledger.h"
#include "windows-helper/core/rules/rule.h"

/* How far a reading of all values has come. Zeroed: at its beginning. */
typedef struct RuleCursor {
        unsigned family; /* RuleFamily; _RULE_FAMILY_END: at the end */
        uint32_t index;  /* of the next value of this family */
} RuleCursor;

/* What tells cheaply whether somebody has changed a value: of each family's key, when it was
 * written last, and how many values it has (fact 4.1.10). All zero when there is no such key. */
typedef struct RuleStamp {
        uint64_t written[_RULE_FAMILY_END]; /* any unit: two of them are only compared */
        uint32_t n_values[_RULE_FAMILY_END];
} RuleStamp;

/* Each function gets .userdata. Each int function returns 0 or negative errno. Texts are UTF-8. */
typedef struct RuleHost {
        void *userdata;

        /* The values: append at most @n more of them to @table (1: there are more, 0:
         * that was the last); read one (-ENOENT when it is absent; a value that is not REG_SZ reads
         * as ""); write one; delete one (an absent one is not an error). After rules_flush() the
         * changes of that table, PortProxy's or the relay's, are on disk. rules_stamp() reads no
         * value. A change between two calls of rules_read() may make it miss values that were there
         * all the time, or read one twice. */
        int (*rules_read)(void *userdata, RuleCursor *cursor, size_t n, RuleTable *table);
        int (*rule_get)(void *userdata, RuleFamily family, const char *name, char *ret_data,
                        size_t size);
        int (*rule_set)(void *userdata, RuleFamily family, const char *name, const char *data);
        int (*rule_delete)(void *userdata, RuleFamily family, const char *name);
        int (*rules_flush)(void *userdata, bool relay);
        int (*rules_stamp)(void *userdata, RuleStamp *ret_stamp);

        /* The storage of the ledger. After ledger_flush() the changes are on disk. */
        int (*ledger_load)(void *userdata, Ledger *ledger);
        int (*ledger_put)(void *userdata, const LedgerEntry *entry);
        int (*ledger_remove)(void *userdata, const IpEndpoint *listen);
        int (*ledger_flush)(void *userdata);

        /* The foreign values that an administrator asked us to take over, exactly as they read.
         * adoption_remove() forgets one of these requests. */
        int (*adoptions_read)(void *userdata, RuleTable *table);
        int (*adoption_remove)(void *userdata, RuleFamily family, const char *name);

        /* Make iphlpsvc read the values again: SERVICE_CONTROL_PARAMCHANGE. Starts it when it is
         * stopped and may be started. Returns -ENOENT when there is no such service, -ESRCH when
         * it is not running and cannot be started now, -EPERM when it is disabled, -ETIMEDOUT when
         * it does not answer, and any other error as it comes. */
        int (*activate)(void *userdata);

        /* Keep the relay's service running from now on, or stopped. This waits for nothing. The
         * relay notices changes of its table by itself. */
        void (*relay_want)(void *userdata, bool wanted);
} RuleHost;
