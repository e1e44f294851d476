/* SPDX-License-Identifier: MIT */
#include "windows-helper/commands.h"
#include "windows-helper/core/json.h"
#include "windows-helper/log.h"
#include "windows-helper/paths.h"
#include "windows-helper/status-file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_NOT_RUNNING 3 /* as systemctl's */

/* The text of the file, to be freed; NULL when there is none: nobody serves. */
static char *status_load(size_t *ret_n) {
        wchar_t path[PATHS_MAX];
        char *text = NULL;
        size_t n = 0;
        FILE *f;

        if (paths_data(STATUS_FILE_NAME, path) < 0)
                return NULL;
        f = _wfopen(path, L"rb");
        if (!f)
                return NULL;
        text = malloc(STATUS_FILE_MAX);
        if (text)
                n = fread(text, 1, STATUS_FILE_MAX, f);
        (void) fclose(f);
        *ret_n = n;
        return text;
}

/* Columns of one service, put together from its members as they come. */
typedef struct StatusRow {
        char name[JSON_STRING_MAX + 1], state[32], text[JSON_STRING_MAX + 1];
} StatusRow;

static void status_member(const JsonToken *t, StatusRow *row) {
        if (strcmp(t->name, "name") == 0)
                memcpy(row->name, t->text, sizeof(row->name));
        else if (strcmp(t->name, "state") == 0)
                (void) snprintf(row->state, sizeof(row->state), "%s", t->text);
        else if (strcmp(t->name, "text") == 0 && t->type == JSON_STRING)
                memcpy(row->text, t->text, sizeof(row->text));
}

/* Behind the bracket of a list of services. */
static int status_print_services(JsonReader *r) {
        StatusRow row = {{0}, {0}, {0}};
        JsonToken t;
        int error;

        while ((error = json_next(r, &t)) == 0 && t.type != JSON_ARRAY_END)
                if (t.type == JSON_OBJECT)
                        row = (StatusRow){{0}, {0}, {0}};
                else if (t.type == JSON_OBJECT_END)
                        printf("    %-24s %-10s %s\n", row.name, row.state, row.text);
                else
                        status_member(&t, &row);
        return error;
}

/* Behind the bracket of the list of agents. */
static int status_print_agents(JsonReader *r) {
        JsonToken t;
        int error;

        while ((error = json_next(r, &t)) == 0 && t.type != JSON_ARRAY_END) {
                if (t.type == JSON_ARRAY)
                        error = status_print_services(r);
                else if (strcmp(t.name, "agent") == 0)
                        printf("agent %s\n", t.text);
                else if (t.type == JSON_STRING && strcmp(t.name, "vm") != 0 && t.text[0])
                        printf("    %-24s %s\n", t.name, t.text);
                if (error < 0)
                        return error;
        }
        return error;
}

static int status_print_list(JsonReader *r, const char *title) {
        JsonToken t;
        int error;

        while ((error = json_next(r, &t)) == 0 && t.type != JSON_ARRAY_END)
                if (t.type == JSON_STRING && !t.has_name)
                        printf("%-12s %s\n", title, t.text);
        return error;
}

static int status_print(const char *text, size_t n) {
        JsonReader r;
        JsonToken t;
        int error;

        json_reader_init(&r, text, n);
        error = json_next(&r, &t);
        while (error == 0 && (error = json_next(&r, &t)) == 0 && t.type != JSON_END)
                if (t.type == JSON_ARRAY && strcmp(t.name, "agents") == 0)
                        error = status_print_agents(&r);
                else if (t.type == JSON_ARRAY && strcmp(t.name, "unpaired") == 0)
                        error = status_print_list(&r, "not paired");
                else if (t.type == JSON_ARRAY && strcmp(t.name, "problems") == 0)
                        error = status_print_list(&r, "problem");
                else if (t.type == JSON_STRING && strcmp(t.name, "id") == 0)
                        printf("%-12s %s\n", "vm", t.text);
                else if (t.type == JSON_STRING && strcmp(t.name, "state") == 0)
                        printf("%-12s %s\n", "iphlpsvc", t.text);
                else if (t.type == JSON_STRING && strcmp(t.name, "name") != 0)
                        printf("%-12s %s\n", t.name, t.text);
        return error;
}

int command_status(int argc, char **argv) {
        bool json = argc == 1 && strcmp(argv[0], "--json") == 0;
        size_t n = 0;
        char *text;
        int r = 0;

        if (argc > 0 && !json) {
                log_write(BRIDGE_LEVEL_ERROR, "status, or status --json");
                return EXIT_FAILURE;
        }
        text = status_load(&n);
        if (!text) {
                log_write(BRIDGE_LEVEL_ERROR, "The helper does not run; start it: sc start "
                                              "wslbridge-helper (or install it)");
                return STATUS_NOT_RUNNING;
        }
        if (json)
                (void) fwrite(text, 1, n, stdout);
        else
                r = status_print(text, n);
        free(text);
        if (r < 0)
                log_write(BRIDGE_LEVEL_ERROR, "The status file can't be read");
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
