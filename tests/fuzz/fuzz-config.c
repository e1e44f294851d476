/* SPDX-License-Identifier: MIT */

/*
 * Takes any bytes as a service file and as agent.conf. Besides not crashing: every problem can be
 * shown to a person, and a service without problems can be sent.
 */

#include "agent/config/agent-file.h"
#include "agent/config/merge.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool good) {
        if (!good)
                abort();
}

static void require_problems(const ConfigProblems *p, const uint8_t *data, size_t n) {
        unsigned n_lines = 1;

        for (size_t i = 0; i < n; i++)
                n_lines += data[i] == '\n';
        for (size_t i = 0; i < p->n; i++) {
                char *text, *escaped;

                require(p->items[i].line <= n_lines);
                require(p->items[i].message[0] != '\0');
                require(config_problem_format(&p->items[i], &text) == 0);
                for (char *tab = text; (tab = strchr(tab, '\t'));)
                        *tab = ' '; /* a tab inside a value stays on purpose */
                escaped = config_escape(text);
                require(escaped && strcmp(text, escaped) == 0);
                free(escaped);
                free(text);
        }
}

static void fuzz_service(const uint8_t *data, size_t n) {
        ConfigProblems problems = CONFIG_PROBLEMS_NULL;
        ConfigBuilder builder = {.config = calloc(1, sizeof(Config))};
        ConfigDrafts drafts = {.services.config = calloc(1, sizeof(Config))};
        Config *config = builder.config;
        ServiceFile service;

        config_problems_begin(&problems, "fuzz.ini");
        service_file_parse(data, n, &service, &problems);
        require_problems(&problems, data, n);
        if (problems.n == 0) {
                WireState *state = &config->wire, copy;
                Buffer out = BUFFER_NULL;

                require(config_drafts_add(&drafts, "fuzz", "fuzz.ini", &service) == 0);
                require(config_merge(&drafts, NULL, &builder, &problems) == 0);
                require(problems.n == 0 && config->n_services == 1);
                require(state->n_services == (service.enabled ? 1 : 0));
                state->sequence = 1;
                require(wire_state_encode(state, WIRE_VERSION_MAX, &out) == 0);
                require(wire_state_decode(buffer_bytes(&out) + WIRE_HEADER_SIZE,
                                          buffer_length(&out) - WIRE_HEADER_SIZE, WIRE_VERSION_MAX,
                                          &copy) == 0);
                require(wire_state_endpoints(&copy) == wire_state_endpoints(state));
                wire_state_done(&copy);
                buffer_done(&out);
        }
        config_drafts_done(&drafts);
        config_problems_done(&problems);
        config_builder_done(&builder);
}

static void fuzz_agent(const uint8_t *data, size_t n) {
        ConfigProblems problems = CONFIG_PROBLEMS_NULL;
        char text[CONFIG_HELPER_PATH_MAX + 8];
        Config config = {0};
        ConfigHelper helper;
        const char *message;

        agent_file_defaults(&config);
        config_problems_begin(&problems, "agent.conf");
        agent_file_parse(data, n, &config, &problems);
        require_problems(&problems, data, n);
        config_helper_format(&config.helper, text, sizeof(text));
        require(config_helper_parse(text, &helper, &message) == 0);
        require(memcmp(&helper, &config.helper, sizeof(helper)) == 0);
        require(strlen(config.interface) <= WIRE_INTERFACE_MAX);
        config_problems_done(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        if (n <= CONFIG_FILE_MAX) {
                fuzz_service(data, n);
                fuzz_agent(data, n);
        }
        return 0;
}
