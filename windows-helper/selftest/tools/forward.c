/* SPDX-License-Identifier: MIT */

/*
 * Making such a rule with the helper's own store, and looking for its listener.
 */

#include "windows-helper/selftest/tools/forward.h"
#include "windows-helper/forwarders/iphlpsvc.h"
#include "windows-helper/host/port-table.h"
#include "windows-helper/selftest/tools/journal.h"
#include "windows-helper/selftest/tools/undo.h"
#include "windows-helper/store/rule-store.h"

#include <errno.h>
#include <stdio.h>

#define FORWARD_POLL_MS 20

bool forward_can_be(Step *s, const char *key) {
        IphlpsvcState state;

        if (iphlpsvc_query(&state) == 0 && state.running)
                return true;
        step_skip(s, key, "", "the service iphlpsvc %s",
                  !state.exists    ? "does not exist"
                  : state.disabled ? "is disabled"
                                   : "does not run");
        return false;
}

static void forward_texts(const IpAddr *listen, uint16_t port, uint16_t target,
                          char ret_name[RULE_TEXT_MAX], char ret_data[RULE_TEXT_MAX]) {
        IpEndpoint from = {*listen, port}, to = {ip_v4(127, 0, 0, 1), target};

        rule_endpoint_format(&from, ret_name);
        rule_endpoint_format(&to, ret_data);
}

static void forward_tell(Step *s) {
        uint64_t began = step_clock();

        step_line(s, "portproxy.change", "ControlService", undo_tell_forwarder(), began,
                  "PARAMCHANGE to iphlpsvc");
}

/* A value may be there although nobody listens at its port. It is written over only if the
 * self-test has made it. */
static bool forward_is_theirs(Step *s, const char *name) {
        char data[RULE_TEXT_MAX], what[2 * RULE_TEXT_MAX];
        RuleStore store;
        int r;

        rule_store_init(&store);
        r = rule_store_get(&store, RULE_V4TOV4, name, data, sizeof(data));
        rule_store_done(&store);
        if (r == -ENOENT)
                return false;
        (void) snprintf(what, sizeof(what), "%s=%s", name, data);
        if (r == 0 && journal_has(CHANGE_RULE, what))
                return false;
        step_skip(s, "portproxy.write", "RegSetValueExW",
                  "v4tov4 %s is there already, and stays as it is", name);
        return true;
}

bool forward_put(Step *s, const char *name, const char *data) {
        uint64_t began = step_clock();
        RuleStore store;
        int r;

        if (forward_is_theirs(s, name))
                return false;
        if (!journal_begin(s, CHANGE_RULE, "%s=%s", name, data)) {
                step_skip(s, "portproxy.write", "RegSetValueExW", "no rule could be written down");
                return false;
        }
        rule_store_init(&store);
        r = rule_store_set(&store, RULE_V4TOV4, name, data);
        rule_store_done(&store);
        journal_end();
        step_line(s, "portproxy.write", "RegSetValueExW", r < 0 ? ERROR_WRITE_FAULT : 0, began,
                  "v4tov4 %s = %s", name, data);
        forward_tell(s);
        return r == 0;
}

void forward_take(Step *s, const char *name, const char *data) {
        char what[2 * RULE_TEXT_MAX];
        uint64_t began = step_clock();

        (void) snprintf(what, sizeof(what), "%s=%s", name, data);
        step_line(s, "portproxy.delete", "RegDeleteValueW", undo_rule(what), began, "v4tov4 %s",
                  name);
}

bool forward_add(Step *s, const IpAddr *listen, uint16_t port, uint16_t target) {
        char name[RULE_TEXT_MAX], data[RULE_TEXT_MAX];

        forward_texts(listen, port, target, name, data);
        if (port > 0)
                return forward_put(s, name, data);
        step_skip(s, "portproxy.write", "RegSetValueExW", "no port is free");
        return false;
}

void forward_remove(Step *s, const IpAddr *listen, uint16_t port, uint16_t target) {
        char name[RULE_TEXT_MAX], data[RULE_TEXT_MAX];

        forward_texts(listen, port, target, name, data);
        forward_take(s, name, data);
}

static bool forward_look(const IpEndpoint *endpoint, size_t own, uint32_t *ret_pid) {
        ListeningTable table = LISTENING_TABLE_NULL;
        size_t n_unknown = 0;
        bool found = false;

        *ret_pid = 0;
        if (port_table_read(LISTENING_TCP, &table) == 0) {
                for (size_t i = 0; i < table.n && !found; i++) {
                        uint32_t pid = table.items[i].pid;

                        if (ip_endpoint_compare(&table.items[i].endpoint, endpoint) != 0)
                                continue;
                        n_unknown += pid == 0;
                        found = pid != 0 && pid != GetCurrentProcessId();
                        *ret_pid = found ? pid : 0;
                }
        }
        listening_table_done(&table);
        return found || n_unknown > own;
}

bool forward_wait(const Step *s, const IpAddr *listen, uint16_t port, size_t own, uint32_t limit_ms,
                  uint32_t *ret_pid) {
        uint64_t end = step_clock() + step_limit(limit_ms) * 1000ULL;
        IpEndpoint endpoint = {*listen, port};

        while (!forward_look(&endpoint, own, ret_pid))
                if (step_clock() > end || !step_pause(s, FORWARD_POLL_MS))
                        return false;
        return true;
}
