/* SPDX-License-Identifier: MIT */

/* Arrays and texts of JSON; see json-build.h. */

#include "agent/util/json-build.h"

void json_add(json_t **array, json_t *value) {
        if (json_array_append_new(*array, value) == 0)
                return;
        json_decref(*array);
        *array = NULL;
}

static int on_text(const char *text, size_t n, void *userdata) {
        return buffer_append(userdata, text, n);
}

void json_to_buffer(const json_t *json, size_t flags, Buffer *out) {
        if (!json || json_dump_callback(json, on_text, out, flags) < 0)
                out->oom = true;
}
