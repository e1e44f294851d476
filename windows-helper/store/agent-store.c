/* SPDX-License-Identifier: MIT */
#include "windows-helper/store/agent-store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void agent_store_done(AgentStore *s) {
        registry_close(&s->key);
}

int agent_store_note(AgentStore *s, const char *owner, const VmId *vm, bool connected) {
        char text[AGENT_STORE_TEXT_MAX], id[VM_ID_TEXT_MAX];
        SYSTEMTIME t;

        GetSystemTime(&t);
        vm_id_format(vm, id);
        (void) snprintf(text, sizeof(text), "%s|%04u-%02u-%02u %02u:%02u:%02u UTC|%s", id,
                        (unsigned) t.wYear, (unsigned) t.wMonth, (unsigned) t.wDay,
                        (unsigned) t.wHour, (unsigned) t.wMinute, (unsigned) t.wSecond,
                        connected ? "connected" : "gone");
        return registry_set_string(&s->key, owner, text);
}

int agent_store_vm(AgentStore *s, const char *owner, VmId *ret_vm) {
        char text[AGENT_STORE_TEXT_MAX];
        int r = registry_get_string(&s->key, owner, text, sizeof(text));

        if (r != 0)
                return r < 0 ? r : -EINVAL;
        if (strlen(text) < VM_ID_TEXT_MAX || text[VM_ID_TEXT_MAX - 1] != '|')
                return -EINVAL;
        text[VM_ID_TEXT_MAX - 1] = '\0';
        return vm_id_parse(text, ret_vm);
}

void agent_store_seen(AgentStore *s, const char *owner, char ret_text[AGENT_STORE_TEXT_MAX]) {
        char text[AGENT_STORE_TEXT_MAX], *time, *end;

        (void) snprintf(ret_text, AGENT_STORE_TEXT_MAX, "never");
        if (registry_get_string(&s->key, owner, text, sizeof(text)) != 0)
                return;
        time = strchr(text, '|');
        end = time ? strchr(time + 1, '|') : NULL;
        if (end) {
                *end = '\0';
                (void) snprintf(ret_text, AGENT_STORE_TEXT_MAX, "%s", time + 1);
        }
}
