/* SPDX-License-Identifier: MIT */

/* The configuration: loaded at start, and again on SIGHUP and when a file was saved. */

#include "agent/daemon/agent-private.h"

#include <errno.h>
#include <string.h>

/* Log each problem once, with what is in force instead. Both lists have the same order. */
static int agent_log_problems(Agent *a, const Config *config) {
        const Config *before = a->config.current;
        size_t n_before = before ? before->n_problems : 0, k = 0;

        for (size_t i = 0; i < config->n_problems; i++) {
                const ConfigProblem *p = &config->problems[i];
                _cleanup_free_ char *text = NULL;
                int order = 1, r;

                while (k < n_before &&
                       (order = config_problem_compare(&before->problems[k], p)) < 0)
                        k++;
                if (k < n_before && order == 0)
                        continue;
                r = config_problem_format(p, &text);
                if (r < 0)
                        return r;
                journal_fields(&a->journal, LOG_WARNING, FIELDS(.id = MESSAGE_CONFIG_PROBLEM),
                               "%s (%s)", text,
                               config_in_force_text(p->file, p->in_force == CONFIG_PREVIOUS));
        }
        return 0;
}

static void agent_log_loaded(Agent *a, const char *verb) {
        char helper[sizeof(a->connection.helper.address)];
        unsigned n = a->config.current->wire.n_services;
        unsigned n_endpoints = (unsigned) wire_state_endpoints(&a->config.current->wire);

        config_helper_format(&a->config.current->helper, helper, sizeof(helper));
        journal_fields(&a->journal, LOG_INFO, FIELDS(.id = MESSAGE_CONFIG_LOADED),
                       "%s: %u service%s with %u endpoint%s, helper at %s", verb, n,
                       n == 1 ? "" : "s", n_endpoints, n_endpoints == 1 ? "" : "s", helper);
}

/* Log once that saving a file may not be enough. */
static void agent_log_watch(Agent *a) {
        int error = configwatch_error(a->config.watch);

        if (error < 0 && error != a->config.watch_error) {
                journal_fields(
                        &a->journal, LOG_WARNING, FIELDS(.error = -error),
                        "Cannot watch all configuration directories: %s; after a change there, "
                        "run 'systemctl reload wslbridge-agent', or send SIGHUP",
                        strerror(-error));
        }
        a->config.watch_error = error;
}

/* Put @config into force, except for the channel. Takes over @config, also when this fails. */
static int agent_use(Agent *a, Config *config) {
        int r = agent_set_services(a, config);

        if (r < 0) {
                config_free(config);
                return r;
        }
        config_free(a->config.current);
        a->config.current = config;
        a->journal.level = config->log_level;
        agent_outdate_push(a);
        return 0;
}

static int agent_load_files(Agent *a, const char *verb) {
        _cleanup_(config_freep) Config *config = NULL;
        StatusTime now = status_time_now(); /* before reading: what changes later is not in it */
        int r;

        r = config_reload(a->config.root, a->config.current, &config);
        if (r < 0)
                return r;
        agent_log_watch(a);
        r = agent_log_problems(a, config);
        if (r < 0)
                return r;
        r = agent_use(a, TAKE_PTR(config));
        if (r < 0)
                return r;
        a->config.read = now;
        agent_log_loaded(a, verb);
        return 0;
}

int agent_load(Agent *a) {
        return agent_load_files(a, "wslbridge-agent " PROJECT_VERSION " started");
}

int agent_reload(Agent *a) {
        int r;

        agent_notify_reloading(a);
        r = agent_load_files(a, "Configuration loaded");
        if (r >= 0)
                r = agent_connect(a);
        if (r >= 0)
                r = agent_refresh_address(a); /* 'interface =' may have changed */
        if (r >= 0 && a->push.sequence == 0)
                r = agent_push(a, 0); /* not done yet by a new address */
        if (r >= 0 && channel_state(a->connection.channel) != CHANNEL_READY)
                r = agent_set_unanswered(a);
        if (r < 0)
                return r;
        deferred_work_request(a->loopback.update);
        deferred_work_request(a->ports.check);
        agent_notify_ready(a);
        agent_report_later(a);
        return 0;
}

static int agent_on_files(void *userdata) {
        return agent_reload(userdata);
}

/* Whether reading the files once more would lead to anything else than what is in force. */
static int agent_sees_news(Agent *a, bool *ret_news) {
        _cleanup_(config_freep) Config *config = NULL;
        int r = config_reload(a->config.root, a->config.current, &config);

        if (r < 0)
                return r;
        *ret_news = config->fingerprint != a->config.current->fingerprint ||
                    config->passing != a->config.current->passing ||
                    configwatch_error(a->config.watch) != a->config.watch_error;
        return 0;
}

/* What could not be read or watched may be now. While nothing has changed, this says nothing. */
static int agent_on_config_again(void *userdata) {
        Agent *a = userdata;
        bool news = false;
        int r;

        r = configwatch_renew(a->config.watch);
        if (r >= 0)
                r = agent_sees_news(a, &news);
        if (r < 0)
                return r;
        if (news)
                return agent_reload(a);
        if (!a->connection.key_unread)
                return again_later(a->config.again);
        r = agent_connect(a);
        if (r >= 0 && !a->connection.key_unread)
                agent_report_later(a); /* the problem is over */
        return r;
}

int agent_new_config(Agent *a, const char *root) {
        int r = again_new(&a->config.again, a->event, agent_on_config_again, a);

        a->config.root = root;
        return r < 0 ? r : configwatch_new(&a->config.watch, a->event, root, agent_on_files, a);
}

void agent_done_config(Agent *a) {
        again_free(a->config.again);
        configwatch_free(a->config.watch);
        config_free(a->config.current);
}
