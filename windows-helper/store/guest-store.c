/* SPDX-License-Identifier: MIT */

/*
 * The text form of what is known about each guest.
 */

#include "windows-helper/store/guest-store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void guest_store_done(GuestStore *s) {
        registry_close(&s->key);
}

int guest_store_note(GuestStore *s, const char *owner, const VmId *vm, bool connected) {
        char text[GUEST_STORE_TEXT_MAX], id[VM_ID_TEXT_MAX];
        SYSTEMTIME t;

        if (!vm)
                return registry_delete(&s->key, owner);
        GetSystemTime(&t);
        vm_id_format(vm, id);
        (void) snprintf(text, sizeof(text), "%s|%04u-%02u-%02u %02u:%02u:%02u UTC|%s", id,
                        (unsigned) t.wYear, (unsigned) t.wMonth, (unsigned) t.wDay,
                        (unsigned) t.wHour, (unsigned) t.wMinute, (unsigned) t.wSecond,
                        connected ? "connected" : "gone");
        return registry_set_string(&s->key, owner, text);
}

int guest_store_vm(GuestStore *s, const char *owner, VmId *ret_vm) {
        char text[GUEST_STORE_TEXT_MAX];
        int r = registry_get_string(&s->key, owner, text, sizeof(text));

        if (r != 0)
                return r < 0 ? r : -EINVAL;
        if (strlen(text) < VM_ID_TEXT_MAX || text[VM_ID_TEXT_MAX - 1] != '|')
                return -EINVAL;
        text[VM_ID_TEXT_MAX - 1] = '\0';
        return vm_id_parse(text, ret_vm);
}

void guest_store_seen(GuestStore *s, const char *owner, char ret_text[GUEST_STORE_TEXT_MAX]) {
        char text[GUEST_STORE_TEXT_MAX], *time, *end;

        (void) snprintf(ret_text, GUEST_STORE_TEXT_MAX, "never");
        if (registry_get_string(&s->key, owner, text, sizeof(text)) != 0)
                return;
        time = strchr(text, '|');
        end = time ? strchr(time + 1, '|') : NULL;
        if (end) {
                *end = '\0';
                (void) snprintf(ret_text, GUEST_STORE_TEXT_MAX, "%s", time + 1);
        }
}
