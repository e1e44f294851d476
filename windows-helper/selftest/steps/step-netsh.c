/* SPDX-License-Identifier: MIT */

/*
 * The end of step 8: the exit codes of netsh, and what it writes where no listen address is given.
 */

#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/selftest/tools/child.h"
#include "windows-helper/selftest/tools/forward.h"
#include "windows-helper/selftest/tools/journal.h"
#include "windows-helper/store/rule-store.h"

#include <stdio.h>
#include <string.h>

#define NETSH_MS 15000

/* Return: whether it ran to its end. */
static bool netsh_run(Step *s, const char *key, const wchar_t *arguments, const char *what) {
        uint64_t began = step_clock();
        wchar_t all[256];
        Child child;
        DWORD error;

        (void) win_format(all, ARRAYSIZE(all), L"interface portproxy %ls", arguments);
        child_run(s, L"netsh.exe", all, "", NETSH_MS, &child);
        error = child_error(&child);
        step_line(s, key, "netsh.exe", error, began, "%s: exit code %ld, %zu bytes of output", what,
                  (long) (int32_t) child.exit_code, buffer_length(&child.output));
        child_done(&child);
        return error == 0;
}

typedef struct NetshSearch {
        const char *data;
        char name[RULE_TEXT_MAX]; /* of the value with that data */
} NetshSearch;

static bool netsh_find(NetshSearch *search) {
        RuleTable table = RULE_TABLE_NULL;
        RuleStore store;

        search->name[0] = '\0';
        rule_store_init(&store);
        if (rule_store_read(&store, false, &table) == 0)
                for (size_t i = 0; i < table.n_values; i++)
                        if (table.values[i].data && strcmp(table.values[i].data, search->data) == 0)
                                (void) snprintf(search->name, sizeof(search->name), "%s",
                                                table.values[i].name);
        rule_table_done(&table);
        rule_store_done(&store);
        return search->name[0] != '\0';
}

/* Wine's netsh stores nothing (fact 10.1.3). */
static void netsh_look(Step *s, NetshSearch *search) {
        uint64_t began = step_clock();

        if (!netsh_find(search))
                step_skip(s, "netsh.any", "RegEnumValueW", "nothing was stored");
        else
                step_line(s, "netsh.any", "RegEnumValueW",
                          strncmp(search->name, "0.0.0.0/", 8) != 0 &&
                                  strncmp(search->name, "*/", 2) != 0,
                          began, "without a listen address netsh stores %s", search->name);
}

void step_netsh(Step *s) {
        uint16_t port = tcp_free_port(), target = tcp_free_port();
        char data[RULE_TEXT_MAX];
        NetshSearch search = {.data = data};
        wchar_t text[160];
        bool added;

        if (!netsh_run(s, "netsh.show", L"show all", "show all"))
                return;
        (void) snprintf(data, sizeof(data), "127.0.0.1/%u", target);
        /* Under which name netsh stores the rule is the question, so only its data is known. */
        if (port == 0 || target == port || netsh_find(&search) ||
            !journal_begin(s, CHANGE_RULE, "=%s", data))
                return;
        (void) win_format(text, ARRAYSIZE(text),
                          L"add v4tov4 listenport=%u connectaddress=127.0.0.1 connectport=%u", port,
                          target);
        added = netsh_run(s, "netsh.add", text, "add");
        journal_end();
        if (added)
                netsh_look(s, &search);
        (void) win_format(text, ARRAYSIZE(text), L"delete v4tov4 listenport=%u", port);
        (void) netsh_run(s, "netsh.delete", text, "delete");
        (void) netsh_run(s, "netsh.delete-again", text, "delete once more");
}
