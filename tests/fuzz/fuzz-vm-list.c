/* SPDX-License-Identifier: MIT */

/*
 * Any bytes as the answer of HcsEnumerateComputeSystems(). It must not crash. Reading comes to an
 * end, what can be read token by token can also be skipped as a whole, nothing is read behind an
 * error, and each machine in the list is valid and is in it only once.
 */

#include "common/json-read.h"
#include "windows-helper/core/vm/vm-list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool good) {
        if (!good)
                abort();
}

/* Return: whether it is JSON. */
static bool fuzz_tokens(const char *text, size_t n) {
        JsonReader r;
        JsonToken t;
        size_t n_tokens = 0;
        int error;

        json_reader_init(&r, text, n);
        do {
                error = json_next(&r, &t);
                require(error == 0 || error == -EINVAL);
                require(++n_tokens <= n + 2); /* at least a byte for each, and the end */
                if (error == 0) {
                        require(r.depth <= JSON_DEPTH_MAX && r.at >= text && r.at <= text + n);
                        require(strlen(t.name) <= JSON_STRING_MAX);
                        require(strlen(t.text) <= JSON_STRING_MAX);
                        require(t.has_name || t.name[0] == '\0');
                }
        } while (error == 0 && t.type != JSON_END);
        require(error < 0 || r.depth == 0);
        if (error < 0)
                require(json_next(&r, &t) == -EINVAL && json_next(&r, &t) == -EINVAL);
        return error == 0;
}

static bool fuzz_skipped(const char *text, size_t n) {
        JsonReader r;
        JsonToken t;

        json_reader_init(&r, text, n);
        return json_next(&r, &t) == 0 && json_skip(&r, &t) == 0 && json_next(&r, &t) == 0 &&
               t.type == JSON_END;
}

/* Any text as an id, as the registry has them, too. */
static void fuzz_id(const char *text, size_t n) {
        char *copy = calloc(n + 1, 1), again[VM_ID_TEXT_MAX];
        VmId id, same;

        require(copy != NULL);
        memcpy(copy, text, n);
        if (vm_id_parse(copy, &id) == 0) {
                vm_id_format(&id, again);
                require(strcasecmp(copy, again) == 0);
                require(vm_id_parse(again, &same) == 0 && vm_id_equal(&id, &same));
        }
        free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        const char *text = (const char *) data;
        bool json = fuzz_tokens(text, n);
        VmList list;
        int r;

        fuzz_id(text, n);
        require(fuzz_skipped(text, n) == json);
        r = vm_list_parse(text, n, &list);
        require(r == 0 || r == -EINVAL);
        require(r < 0 || json);
        for (size_t i = 0; r == 0 && i < list.n; i++) {
                const Vm *vm = &list.items[i];
                char clean[VM_NAME_MAX + 1];

                require(!vm_id_is_null(&vm->id));
                require(vm_list_find(&list, &vm->id) == vm);
                require(vm->wsl == (strcmp(vm->name, "WSL") == 0));
                memcpy(clean, vm->name, sizeof(clean)); /* it goes into logs unchanged */
                wire_text_clean(clean, VM_NAME_MAX);
                require(strcmp(clean, vm->name) == 0);
        }
        require(r < 0 || (list.n <= VM_LIST_MAX && (list.n == VM_LIST_MAX || !list.n_left_out)));
        return 0;
}
