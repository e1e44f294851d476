/* SPDX-License-Identifier: MIT */

/* Configuration and key, at start and on reload; see agent-internal.h. */

#include "agent/daemon/agent-private.h"

#include <errno.h>
#include <string.h>

static int agent_log_problems(Agent *a, const Config *config) {
        for (size_t i = 0; i < config->n_problems; i++) {
                _cleanup_free_ char *text = NULL;
                int r = config_problem_format(&config->problems[i], &text);

                if (r < 0)
                        return r;
                journal_fields(&a->log, LOG_WARNING, FIELDS(.id = MESSAGE_CONFIG_PROBLEM), "%s",
                               text);
        }
        return 0;
}

static void agent_log_loaded(Agent *a, const char *verb) {
        char helper[sizeof(a->helper.address)];

        config_helper_format(&a->config->helper, helper, sizeof(helper));
        journal_fields(&a->log, LOG_INFO, FIELDS(.id = MESSAGE_CONFIG_LOADED),
                       "%s: %u services with %u endpoints, helper at %s", verb,
                       (unsigned) a->config->wire.n_services,
                       (unsigned) wire_state_endpoints(&a->config->wire), helper);
}

/* Say so once when saving a file may not be enough. */
static void agent_log_watch(Agent *a) {
        int error = configwatch_error(a->configwatch);

        if (error < 0 && error != a->watch_error) {
                journal_fields(
                        &a->log, LOG_WARNING, FIELDS(.error = -error),
                        "Cannot watch all configuration directories: %s; after a change there, "
                        "run 'systemctl reload wslbridge-agent', or send SIGHUP",
                        strerror(-error));
        }
        a->watch_error = error;
}

/* Put @config (taken over) into force, but for the channel. */
static int agent_use(Agent *a, Config *config) {
        a->log.level = config->log_level;
        return agent_set_services(a, config);
}

int agent_load(Agent *a) {
        _cleanup_(config_freep) Config *config = NULL;
        int r;

        r = config_load(a->root, &config);
        if (r < 0)
                return r;
        agent_log_watch(a);
        r = agent_log_problems(a, config);
        if (r < 0)
                return r;
        r = agent_use(a, TAKE_PTR(config));
        if (r < 0)
                return r;
        agent_log_loaded(a, "wslbridge-agent " PROJECT_VERSION " started");
        return 0;
}

static int agent_reload_config(Agent *a) {
        _cleanup_(config_freep) Config *config = NULL;
        int r;

        r = config_load(a->root, &config);
        if (r < 0)
                return r;
        if (config->n_problems > 0) {
                r = agent_log_problems(a, config);
                if (r < 0)
                        return r;
                journal_fields(&a->log, LOG_WARNING, FIELDS(.id = MESSAGE_CONFIG_PROBLEM),
                               "Configuration not taken over because of its problems; "
                               "the previous one stays in force");
                config_free(a->rejected);
                a->rejected = TAKE_PTR(config);
                return 0;
        }
        a->rejected = config_free(a->rejected);
        r = agent_use(a, TAKE_PTR(config));
        if (r < 0)
                return r;
        agent_log_loaded(a, "Configuration loaded");
        return 0;
}

int agent_reload(Agent *a) {
        int r;

        agent_notify_reloading(a);
        agent_log_watch(a);
        r = agent_reload_config(a);
        if (r >= 0)
                r = agent_connect(a);
        if (r >= 0)
                r = netwatch_refresh(a->netwatch); /* 'interface =' may choose differently */
        if (r >= 0 && a->sequence == 0)
                r = agent_push(a, 0); /* not done by a change of the address */
        if (r >= 0 && channel_state(a->channel) != CHANNEL_READY)
                r = agent_unanswered_services(a);
        if (r < 0)
                return r;
        deferred_work_request(a->check_ports);
        agent_notify_ready(a);
        agent_report_later(a);
        return 0;
}
