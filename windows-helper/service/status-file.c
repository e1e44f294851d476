/* SPDX-License-Identifier: MIT */

/*
 * Writes status.json: collects what the controller, the surroundings and the list of VMs know.
 */

#include "windows-helper/service/status-file.h"
#include "common/json-write.h"
#include "protocol/wire/wire-options.h"
#include "windows-helper/core/firewall/reach.h"
#include "windows-helper/store/paths.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/secure.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define STATUS_FILE_NEW L"status.json.new"

/* null: nobody knows. */
static void status_listening(JsonWriter *w, const char *name, VmListening listening) {
        if (listening == VM_LISTENING_UNKNOWN)
                json_string_member(w, name, NULL);
        else
                json_bool(w, name, listening == VM_LISTENING_YES);
}

static void status_vms(JsonWriter *w, const Vms *vms) {
        const VmList *list = vms ? vms_list(vms) : NULL;
        char id[VM_ID_TEXT_MAX];

        json_open(w, "vms", '[');
        for (size_t i = 0; list && i < list->n; i++) {
                vm_id_format(&list->items[i].id, id);
                json_open(w, NULL, '{');
                json_string_member(w, "id", id);
                json_string_member(w, "name", list->items[i].name);
                json_bool(w, "wsl", list->items[i].wsl);
                status_listening(w, "listening", vms_listening(vms, &list->items[i].id));
                json_close(w, '}');
        }
        json_close(w, ']');
        status_listening(w, "hyperv_listening",
                         vms ? vms_listening(vms, &VM_ID_NULL) : VM_LISTENING_NO);
}

/* "forwarder" has the name of what carries the service, so what was asked for has another. */
static void status_option(JsonWriter *w, WireOption option, uint8_t value) {
        json_string_member(
                w, option == WIRE_OPTION_FORWARDER ? "forwarder_asked" : wire_option_name(option),
                wire_option_word(option, value));
}

static void status_services(JsonWriter *w, const GuestView *view) {
        json_open(w, "services", '[');
        for (uint32_t i = 0; view->state && i < view->state->n_services; i++) {
                const WireServiceResult *r = view->results ? &view->results[i] : NULL;

                json_open(w, NULL, '{');
                json_string_member(w, "name", view->state->services[i].name);
                json_string_member(w, "state", wire_service_state_name(r ? r->state : 0));
                json_string_member(w, "reason",
                                   r && r->reason ? wire_reason_name(r->reason) : NULL);
                json_string_member(w, "text", r ? r->text : NULL);
                json_string_member(w, "forwarder",
                                   r && r->forwarder ? wire_forwarder_name(r->forwarder) : NULL);
                json_string_member(w, "forwarder_reason",
                                   r && r->why ? wire_why_name(r->why) : NULL);
                for (WireOption o = 0; o < _WIRE_OPTION_END; o++)
                        if (view->state->services[i].options[o] != 0)
                                status_option(w, o, view->state->services[i].options[o]);
                json_close(w, '}');
        }
        json_close(w, ']');
}

static void status_guest(void *userdata, const GuestView *view) {
        char id[VM_ID_TEXT_MAX], address[IP_TEXT_MAX] = "";
        const WireAddress *guest;
        JsonWriter *w = userdata;

        if (view->state) {
                guest = view->state->v4.addr.family ? &view->state->v4 : &view->state->v6;
                ip_format(&guest->addr, address);
        }
        vm_id_format(&view->vm, id);
        json_open(w, NULL, '{');
        json_string_member(w, "agent", view->owner);
        json_string_member(w, "state",
                           view->connected  ? "connected"
                           : view->in_grace ? "expected back"
                                            : "gone");
        json_string_member(w, "software", view->software);
        json_string_member(w, "vm", vm_id_is_null(&view->vm) ? NULL : id);
        json_string_member(w, "address", address[0] ? address : NULL);
        json_string_member(w, "mode", view->state ? wire_mode_name(view->state->mode) : NULL);
        json_string_member(w, "reach", view->state ? wire_reach_name(view->reach) : NULL);
        status_services(w, view);
        json_close(w, '}');
}

static void status_iphlpsvc(JsonWriter *w) {
        IphlpsvcState state;

        if (iphlpsvc_query(&state) < 0)
                return;
        json_open(w, "iphlpsvc", '{');
        json_string_member(w, "state",
                           state.running    ? "running"
                           : state.disabled ? "disabled"
                           : state.exists   ? "stopped"
                                            : "missing");
        json_number(w, "pid", state.pid);
        json_close(w, '}');
}

static void status_firewall(JsonWriter *w, const FirewallSight *sight) {
        char text[WIRE_TEXT_MAX + 1], networks[FIREWALL_PROFILES_TEXT_MAX];

        if (!sight->known)
                return;
        firewall_profiles_text(sight->connected, networks);
        firewall_sight_text(sight, text);
        json_open(w, "firewall", '{');
        json_string_member(w, "networks", networks);
        json_string_member(w, "product", sight->product[0] ? sight->product : NULL);
        json_string_member(w, "text", text);
        json_close(w, '}');
}

static void status_problems(JsonWriter *w, const Surroundings *surroundings) {
        const PolicyOrigin *origin = surroundings_policy_origin(surroundings);

        json_open(w, "problems", '[');
        for (size_t i = 0; i < origin->n_problems; i++)
                json_string_member(w, NULL, origin->problems[i]);
        if (surroundings_firewall_problem(surroundings)[0])
                json_string_member(w, NULL, surroundings_firewall_problem(surroundings));
        json_close(w, ']');
}

static void status_policy(JsonWriter *w, const Surroundings *surroundings) {
        char value[POLICY_VALUE_TEXT_MAX];

        json_open(w, "policy", '[');
        for (size_t i = 0; i < POLICY_DEFINITIONS; i++) {
                policy_value_text(surroundings_policy(surroundings), i, value);
                json_open(w, NULL, '{');
                json_string_member(w, "name", policy_definitions[i].name);
                json_string_member(w, "value", value);
                json_string_member(
                        w, "source",
                        policy_source_name(surroundings_policy_origin(surroundings)->sources[i]));
                json_close(w, '}');
        }
        json_close(w, ']');
}

/* The time of day @ago_usec ago, because the loop's clock means nothing to readers. */
static void status_time(JsonWriter *w, const char *name, uint64_t ago_usec) {
        ULARGE_INTEGER ticks;
        char text[32];
        SYSTEMTIME t;
        FILETIME f;

        GetSystemTimeAsFileTime(&f);
        ticks.LowPart = f.dwLowDateTime;
        ticks.HighPart = f.dwHighDateTime;
        ticks.QuadPart -= ago_usec * 10;
        f.dwLowDateTime = ticks.LowPart;
        f.dwHighDateTime = ticks.HighPart;
        if (!FileTimeToSystemTime(&f, &t))
                return;
        (void) snprintf(text, sizeof(text), "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned) t.wYear,
                        (unsigned) t.wMonth, (unsigned) t.wDay, (unsigned) t.wHour,
                        (unsigned) t.wMinute, (unsigned) t.wSecond);
        json_string_member(w, name, text);
}

static void status_applied(JsonWriter *w, const ControllerSummary *summary) {
        uint64_t now_usec = loop_now_usec();

        if (summary->applied_usec > 0 && summary->applied_usec <= now_usec)
                status_time(w, "applied", now_usec - summary->applied_usec);
        else
                json_string_member(w, "applied", NULL);
        json_number(w, "apply_usec", summary->apply_usec);
}

static int status_make(Buffer *out, const Controller *controller, const Surroundings *surroundings,
                       const Vms *vms) {
        JsonWriter w = JSON_WRITER(out);
        ControllerSummary summary;

        controller_summary(controller, &summary);
        json_open(&w, NULL, '{');
        json_number(&w, "schema", 1);
        json_string_member(&w, "version", PROJECT_VERSION);
        json_number(&w, "pid", GetCurrentProcessId());
        status_time(&w, "written", 0);
        status_applied(&w, &summary);
        status_iphlpsvc(&w);
        status_firewall(&w, surroundings_firewall(surroundings));
        status_vms(&w, vms);
        json_open(&w, "agents", '[');
        controller_guests(controller, status_guest, &w);
        json_close(&w, ']');
        json_open(&w, "unpaired", '[');
        for (size_t i = 0; i < summary.n_unpaired; i++)
                json_string_member(&w, NULL, summary.unpaired[i]);
        json_close(&w, ']');
        status_problems(&w, surroundings);
        status_policy(&w, surroundings);
        json_close(&w, '}');
        return w.error;
}

static int status_write(StatusFile *s, const Buffer *text) {
        wchar_t path[PATHS_MAX], name[PATHS_MAX];
        HANDLE file = INVALID_HANDLE_VALUE;
        DWORD n;
        int r = paths_data(STATUS_FILE_NEW, path);

        if (r == 0)
                r = paths_data(STATUS_FILE_NAME, name);
        if (r == 0)
                r = secure_file(path, SECURE_PUBLIC_FILE, FILE_SHARE_READ, &file);
        if (r < 0)
                return r;
        if (!WriteFile(file, buffer_bytes(text), (DWORD) buffer_length(text), &n, NULL)) {
                r = win_errno(GetLastError());
                if (log_may(&s->limit))
                        (void) log_win_error(GetLastError(), "Cannot write '%s'", WIN_UTF8(path));
                status_file_remove(); /* it is not true any more, and the disk may be full */
        }
        (void) CloseHandle(file);
        if (r == 0 && !MoveFileExW(path, name, MOVEFILE_REPLACE_EXISTING))
                r = win_errno(GetLastError()); /* somebody is reading it; try again next time */
        return r;
}

/* Each of the three only grows, so their sum shows whether any of them has grown. */
static uint64_t status_generation(const Controller *controller, const Surroundings *surroundings,
                                  const Vms *vms) {
        ControllerSummary summary;

        controller_summary(controller, &summary);
        return summary.generation + surroundings_generation(surroundings) +
               (vms ? vms_generation(vms) : 0);
}

void status_file_tick(StatusFile *s, const Controller *controller, const Surroundings *surroundings,
                      const Vms *vms, uint64_t now_usec) {
        uint64_t generation = status_generation(controller, surroundings, vms), began, took;
        Buffer out = BUFFER_NULL;
        int r;

        if (now_usec < status_file_deadline(s, controller, surroundings, vms))
                return;
        began = loop_now_usec();
        r = status_make(&out, controller, surroundings, vms);
        if (r == 0)
                r = status_write(s, &out);
        buffer_done(&out);
        now_usec = loop_now_usec();
        took = (now_usec - began) * STATUS_FILE_SHARE;
        s->due_usec = now_usec + (took > STATUS_FILE_USEC ? took : STATUS_FILE_USEC);
        if (r == 0) {
                s->generation = generation;
                s->written = true;
        } else if (!s->warned) {
                log_write(LOG_LEVEL_WARNING,
                          r == -EISDIR ? "Cannot write the status file: '%s' is a folder; remove "
                                         "it. Trying again"
                                       : "Cannot write the status file '%s', trying again",
                          WIN_UTF8(STATUS_FILE_NEW));
                s->warned = true;
        }
}

uint64_t status_file_deadline(const StatusFile *s, const Controller *controller,
                              const Surroundings *surroundings, const Vms *vms) {
        if (s->written && status_generation(controller, surroundings, vms) == s->generation)
                return LOOP_NO_DEADLINE;
        return s->due_usec;
}

void status_file_remove(void) {
        wchar_t path[PATHS_MAX];

        if (paths_data(STATUS_FILE_NAME, path) == 0)
                (void) DeleteFileW(path);
}
