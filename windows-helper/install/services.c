/* SPDX-License-Identifier: MIT */

/*
 * Both services in each step. Where the order matters, the helper stops before the relay and starts
 * behind it, because a running helper starts the relay when it needs it.
 */

#include "windows-helper/install/services.h"
#include "windows-helper/install/scm-run.h"
#include "windows-helper/program/fault.h"
#include "windows-helper/program/report.h"
#include "windows-helper/service/service.h"

#include <errno.h>

int services_look(Services *s, const Programs *programs, const wchar_t *arguments) {
        int r = 0;

        *s = (Services){.arguments = arguments, .programs = programs};
        for (ScmId id = 0; r == 0 && id < _SCM_END; id++)
                r = scm_read(id, &s->entries[id]);
        return r;
}

void services_done(Services *s) {
        for (ScmId id = 0; id < _SCM_END; id++)
                scm_entry_done(&s->entries[id]);
}

bool services_had_helper(const Services *s) {
        return s->entries[SCM_HELPER].exists;
}

/* The way back to an earlier version may lead to a helper that is not to run. */
static bool services_rest(const Services *s) {
        return s->back && !s->back_runs;
}

static const ProgramFile *services_program(const Services *s, ScmId id) {
        return &s->programs->files[scm_services[id].program];
}

static int services_write(const Services *s, ScmId id) {
        return scm_write(id, services_program(s, id)->exe, id == SCM_HELPER ? s->arguments : L"");
}

/* It starts on demand only, so its entry does no harm before its program is there. */
int services_relay(Services *s) {
        return services_program(s, SCM_RELAY)->wanted ? services_write(s, SCM_RELAY) : 0;
}

int services_relay_undo(Services *s) {
        return scm_restore(SCM_RELAY, &s->entries[SCM_RELAY]);
}

static int services_stop_one(Services *s, ScmId id, bool hand_over) {
        int r = scm_stop(id, hand_over);

        s->stopped[id] = r == 0;
        return r;
}

/* The helper first, because it would start the relay again. As it ends it may stop the relay, whose
 * process the service manager may no longer know when we look. */
static int services_stop_both(Services *s, bool hand_over) {
        void *relay = scm_process(SCM_RELAY);
        int r = services_stop_one(s, SCM_HELPER, hand_over);

        r = fault_after("stop-helper", r);
        if (r == 0)
                r = services_stop_one(s, SCM_RELAY, /* hand_over= */ false);
        return scm_wait_process(SCM_RELAY, r, relay);
}

/* Rules are only left in force for a service that serves again. */
int services_stop(Services *s) {
        return services_stop_both(s, /* hand_over= */ !services_rest(s));
}

/* Windows starts no service that is disabled. */
static int services_start_again(const Services *s, ScmId id) {
        int r, r2;

        if (!s->entries[id].disabled)
                return scm_start(id, /* anew= */ s->stopped[id]);
        r = scm_set_start_type(id, SERVICE_DEMAND_START);
        if (r < 0)
                return r;
        r = scm_start(id, /* anew= */ s->stopped[id]);
        r2 = scm_set_start_type(id, SERVICE_DISABLED);
        return r < 0 ? r : r2;
}

/* A service runs if it was found running. If it had crashed, the service manager may have started
 * it by now, but perhaps the other version. */
int services_stop_undo(Services *s) {
        int r = 0;

        for (int id = _SCM_END - 1; id >= 0; id--) {
                const ScmEntry *entry = &s->entries[id];
                int r2 = 0;

                if (entry->exists && (entry->running || scm_is_running((ScmId) id)))
                        r2 = services_start_again(s, (ScmId) id);
                r = r ? r : r2;
        }
        return r;
}

int services_entry(Services *s) {
        int r = services_write(s, SCM_HELPER);

        /* One that does not run is not to be started by a restart of Windows in between. */
        return r == 0 && services_rest(s) ? scm_rest(SCM_HELPER, s->back_start_type) : r;
}

int services_entry_undo(Services *s) {
        return scm_restore(SCM_HELPER, &s->entries[SCM_HELPER]);
}

/* One that the service manager has started meanwhile may be the other version. */
static int services_start_relay(const Services *s) {
        return s->entries[SCM_RELAY].running && services_program(s, SCM_RELAY)->wanted
                       ? scm_start(SCM_RELAY, /* anew= */ true)
                       : scm_stop(SCM_RELAY, /* hand_over= */ false);
}

int services_start(Services *s) {
        int r;

        if (services_rest(s)) {
                report_done("service", SERVICE_NAME L", not started, as before");
                return 0;
        }
        r = fault_after("start-relay", services_start_relay(s));
        if (r == 0)
                r = scm_start(SCM_HELPER, /* anew= */ true);
        if (r == 0 && s->back)
                r = scm_rest(SCM_HELPER, s->back_start_type);
        if (r == 0)
                report_done("service", SERVICE_NAME L", started now and at each boot");
        return r;
}

/* The service that was there keeps its rules; a new one takes away what it has made, because its
 * ledger goes, too. */
int services_start_undo(Services *s) {
        size_t n_rules = 0, n_firewall = 0;
        int r = services_stop_both(s, /* hand_over= */ s->entries[SCM_HELPER].running);

        if (r == 0 && !s->entries[SCM_HELPER].exists)
                r = helper_withdraw(&n_rules, &n_firewall);
        return r;
}

void services_sweep(Services *s) {
        if (!services_program(s, SCM_RELAY)->wanted)
                (void) services_remove_relay(s);
}

int services_end(Services *s) {
        return services_stop_both(s, /* hand_over= */ false);
}

static int services_remove(ScmId id) {
        int r = scm_remove(id);

        if (r == 0)
                report_done("service", scm_services[id].name);
        return r == -ENOENT ? 0 : r;
}

int services_remove_helper(Services *s) {
        return services_remove(SCM_HELPER);
}

/* Until its entry was removed, the service manager may have started the service once more. */
int services_end_again(Services *s) {
        size_t n_rules, n_firewall;
        int r = scm_stop(SCM_HELPER, /* hand_over= */ false);

        return r < 0 ? r : helper_withdraw(&n_rules, &n_firewall);
}

/* Behind the helper, which may have started it again. Without its entry nobody starts it. */
int services_remove_relay(Services *s) {
        int r = services_remove(SCM_RELAY);
        int r2 = scm_stop(SCM_RELAY, /* hand_over= */ false);

        return r < 0 ? r : r2;
}
