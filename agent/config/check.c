/* SPDX-License-Identifier: MIT */

/*
 * Checks the configuration and shows its problems.
 */

#include "agent/config/check.h"

#include <stdio.h>
#include <string.h>

void config_check_problems(const Config *config) {
        for (size_t i = 0; i < config->n_problems; i++) {
                _cleanup_free_ char *text = NULL;

                if (config_problem_format(&config->problems[i], &text) >= 0)
                        (void) fprintf(stderr, "%s\n", text);
        }
}

void config_check_summary(const Config *config) {
        unsigned n_endpoints = wire_state_endpoints(&config->wire);

        (void) printf("%zu service%s, %u endpoint%s: no problems\n", config->n_services,
                      config->n_services == 1 ? "" : "s", n_endpoints, n_endpoints == 1 ? "" : "s");
}

int config_check(const char *root) {
        _cleanup_(config_freep) Config *config = NULL;
        int r;

        r = config_load(root, &config);
        if (r < 0) {
                (void) fprintf(stderr, "Cannot load the configuration: %s\n", strerror(-r));
                return EXIT_FAILURE;
        }
        config_check_problems(config);
        if (config->n_problems > 0)
                return EXIT_FAILURE;
        config_check_summary(config);
        return EXIT_SUCCESS;
}
