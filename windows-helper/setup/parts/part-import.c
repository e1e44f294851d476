/* SPDX-License-Identifier: MIT */

/*
 * The part 'import': port forwardings of others become services of the guest, and are adopted.
 *
 * First the services are written. The helper then finds a forwarding of somebody else at each
 * endpoint and leaves it, so the port stays open. Only then the forwardings are adopted: the helper
 * replaces each by its own, which is one write of one value.
 */

#include "windows-helper/core/setup/import.h"

#include "windows-helper/core/setup/answer.h"
#include "windows-helper/core/status/read.h"
#include "windows-helper/host/hostnet-read.h"
#include "windows-helper/service/status-load.h"
#include "windows-helper/setup/choose.h"
#include "windows-helper/setup/guest-script.h"
#include "windows-helper/store/ledger-store.h"
#include "windows-helper/store/rule-store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMPORT_GUEST_MS   20000 /* for the guest in the status, which may be written late … */
#define IMPORT_ADDRESS_MS 2000  /* … and then for its address */
#define IMPORT_ADOPT_MS   30000 /* for the helper to take the forwardings over … */
#define IMPORT_EACH_MS    10    /* … and for each of them */
#define IMPORT_POLL_MS    100

#define IMPORT_RANGE_MAX 1024 /* ports in one request, so that each is answered soon */

typedef struct Import {
        RuleTable rules;
        Ledger ledger;
        Hostnet net;
        IpAddr guest;
        bool guest_seen; /* the helper knows what it asks for, perhaps without an address */
        unsigned n_vms;  /* of all users */
        WireListen *known;
        char **names;
        size_t n_known, n_names;
        char state[SETUP_VALUE_MAX]; /* of the list, which services.sh compares */
        bool oom;
        ImportPlan plan;
        const char *owner; /* of the guest; borrowed */
} Import;

static void import_free(Import *im) {
        for (size_t i = 0; i < im->n_names; i++)
                free(im->names[i]);
        free(im->names);
        free(im->known);
        import_done(&im->plan);
        rule_table_done(&im->rules);
        ledger_done(&im->ledger);
        free(im);
}

static void import_on_record(void *userdata, StatusKind kind, const StatusRecord *record) {
        Import *im = userdata;

        im->n_vms += kind == STATUS_VM && strcmp(status_field(record, "wsl"), "true") == 0;
        if (kind != STATUS_AGENT || strcmp(status_field(record, "agent"), im->owner) != 0 ||
            strcmp(status_field(record, "state"), "gone") == 0)
                return;
        im->guest_seen = status_agent_has_asked(record);
        if (ip_parse(status_field(record, "address"), &im->guest) < 0)
                im->guest = (IpAddr){.family = IP_FAMILY_NONE};
}

static void import_read_status(Import *im) {
        char *text = NULL;
        size_t n = 0;

        im->n_vms = 0;
        if (status_load(&text, &n) == 0 && status_is_alive(text, n))
                (void) status_read(text, n, import_on_record, im);
        free(text);
}

/* The guest's address, as the helper has it, who writes it a moment after the agent has connected.
 * Return: SETUP_OPEN when it is known. */
static SetupOutcome import_find_guest(const Setup *s, Import *im, SetupPart *part) {
        ULONGLONG end = GetTickCount64() + setup_limit(IMPORT_GUEST_MS);
        bool seen = false;

        import_read_status(im);
        while (im->guest.family != IP_FAMILY_V4 && GetTickCount64() < end && !setup_stops(s)) {
                if (im->guest_seen && !seen)
                        end = GetTickCount64() + setup_limit(IMPORT_ADDRESS_MS);
                seen = im->guest_seen;
                Sleep(IMPORT_POLL_MS);
                import_read_status(im);
        }
        if (im->guest.family == IP_FAMILY_V4)
                return SETUP_OPEN;
        if (im->guest_seen)
                return setup_says(part, SETUP_SKIPPED,
                                  "The guest has no IPv4 address of its own, so no forwarding can "
                                  "lead to it");
        (void) setup_says(part, SETUP_FAILED,
                          "The guest is not connected, so its address is not "
                          "known");
        setup_advises(part, "See what 'wslbridge-helper doctor' finds, then run setup again.");
        return SETUP_FAILED;
}

static void import_on_name(void *userdata, const char *value) {
        Import *im = userdata;
        char **names = realloc(im->names, (im->n_names + 1) * sizeof(*names));

        if (names)
                im->names = names;
        if (names && (names[im->n_names] = strdup(value)))
                im->n_names++;
        else
                im->oom = true;
}

static void import_on_listen(void *userdata, const char *value) {
        Import *im = userdata;
        WireListen *known = realloc(im->known, (im->n_known + 1) * sizeof(*known));

        if (known)
                im->known = known;
        else
                im->oom = true;
        if (known && import_parse_listen(value, &known[im->n_known]) == 0)
                im->n_known++;
}

static SetupOutcome import_services_failed(SetupPart *part, const char *what,
                                           const GuestAnswer *answer) {
        (void) setup_says(part, SETUP_FAILED, "The services of the guest could not be %s", what);
        setup_advises(part, "%s", guest_answer_said(answer));
        return SETUP_FAILED;
}

static bool import_answered(int r, const GuestAnswer *answer) {
        return r == 0 && answer->code == 0 &&
               setup_answer_is(buffer_text(&answer->text), "end", "yes");
}

/* What the guest has already. Return: SETUP_OPEN when that is known. */
static SetupOutcome import_list(Setup *s, Import *im, SetupPart *part) {
        const GuestScript script = {
                .name = L"SERVICES", .arguments = "list", .limit_ms = GUEST_QUICK_MS};
        SetupOutcome outcome = SETUP_OPEN;
        GuestAnswer answer;
        int r = guest_script_run(s, &script, &answer);

        if (import_answered(r, &answer) && !setup_answer_is_whole(buffer_text(&answer.text))) {
                outcome = import_services_failed(part, "listed: there are too many", &answer);
        } else if (import_answered(r, &answer)) {
                setup_answer_each(buffer_text(&answer.text), "name", import_on_name, im);
                setup_answer_each(buffer_text(&answer.text), "listen", import_on_listen, im);
                (void) setup_answer(buffer_text(&answer.text), "state", im->state);
        } else {
                outcome = import_services_failed(part, "listed", &answer);
        }
        guest_answer_done(&answer);
        return outcome;
}

static int import_read_host(Import *im) {
        LedgerStore ledger = LEDGER_STORE_INIT;
        RuleStore store;
        int r;

        rule_store_init(&store);
        r = rule_store_read(&store, false, &im->rules);
        rule_store_done(&store);
        if (r == 0)
                r = ledger_store_load(&ledger, &im->ledger);
        ledger_store_done(&ledger);
        rule_table_sort(&im->rules);
        return r < 0 ? r : hostnet_read(&im->net);
}

/* Return: SETUP_OPEN when there is a plan. */
static SetupOutcome import_make_plan(Setup *s, Import *im, SetupPart *part) {
        const ImportFit worst = s->options->yes ? IMPORT_STALE : IMPORT_GUESS;
        int r = import_read_host(im);

        if (r == 0)
                r = im->oom ? -ENOMEM
                            : import_plan(
                                      &(ImportInput){
                                              .rules = &im->rules,
                                              .ledger = &im->ledger,
                                              .net = &im->net,
                                              .guest = im->guest,
                                              .shared = im->n_vms > 1,
                                              .known = im->known,
                                              .n_known = im->n_known,
                                              .names = (const char *const *) im->names,
                                              .n_names = im->n_names,
                                      },
                                      worst, &im->plan);
        if (r < 0)
                return setup_says(part, SETUP_FAILED,
                                  "The port forwardings of this host could not be read");
        return SETUP_OPEN;
}

/* The payload of services.sh: the name of each file, then its lines. */
static void import_payload(const ImportPlan *plan, Buffer *out) {
        for (size_t i = 0; i < plan->n_services; i++) {
                Buffer file = BUFFER_NULL;
                const char *line;

                buffer_printf(out, "file %s\n", plan->services[i].name);
                import_drop_in(&plan->services[i], &file);
                for (line = buffer_text(&file); *line; line += strcspn(line, "\n") + 1)
                        buffer_printf(out, "= %.*s\n", (int) strcspn(line, "\n"), line);
                out->oom |= file.oom;
                buffer_done(&file);
        }
}

static SetupOutcome import_write(Setup *s, Import *im, SetupPart *part) {
        char arguments[SETUP_VALUE_MAX + 8];
        GuestScript script = {.name = L"SERVICES",
                              .arguments = arguments,
                              .limit_ms = GUEST_QUICK_MS,
                              .to_the_end = true};
        SetupOutcome outcome = SETUP_OPEN;
        GuestAnswer answer = {.code = -1};
        Buffer payload = BUFFER_NULL;
        int r = -ENOMEM;

        if (im->plan.n_services == 0)
                return SETUP_OPEN;
        (void) snprintf(arguments, sizeof(arguments), "write %s", im->state);
        import_payload(&im->plan, &payload);
        script.payload = buffer_text(&payload);
        if (!payload.oom)
                r = guest_script_run(s, &script, &answer);
        if (!import_answered(r, &answer))
                outcome = import_services_failed(part, "written", &answer);
        guest_answer_done(&answer);
        buffer_done(&payload);
        return outcome;
}

/* The ports that follow each other from rule @i on. The rules are sorted, and there may be two for
 * one port. Return: the index of the rule behind them. */
static size_t import_range(const ImportPlan *plan, size_t i, WireListen *ret_range) {
        const IpEndpoint *from = &plan->taken[i].value->listen;
        size_t last = from->port;

        for (i++; i < plan->n_taken; i++) {
                const IpEndpoint *next = &plan->taken[i].value->listen;

                if (ip_compare(&next->addr, &from->addr) != 0 || next->port > last + 1 ||
                    next->port - from->port >= IMPORT_RANGE_MAX)
                        break;
                last = next->port;
        }
        *ret_range = (WireListen){from->addr, from->port, (uint16_t) (last - from->port + 1), 0};
        return i;
}

static SetupOutcome import_adopt(Setup *s, const Import *im, SetupPart *part) {
        for (size_t i = 0; i < im->plan.n_taken;) {
                Buffer endpoints = BUFFER_NULL;
                WireListen range;
                int r;

                i = import_range(&im->plan, i, &range);
                import_listen_text(&range, &endpoints);
                r = endpoints.oom
                            ? -ENOMEM
                            : elevated_ask(&s->elevated, ELEVATED_ADOPT, buffer_text(&endpoints));
                if (r < 0)
                        (void) setup_says(part, SETUP_FAILED,
                                          "The forwardings at %s were not taken over, and stay as "
                                          "they are: %s",
                                          buffer_text(&endpoints), s->elevated.why);
                buffer_done(&endpoints);
                if (r == 0)
                        continue;
                setup_advises(part, "The services are written. Run setup again with --import to "
                                    "go on.");
                return SETUP_FAILED;
        }
        return SETUP_OPEN;
}

/* How many of the forwardings are the helper's by now. */
static size_t import_count_ours(const Import *im, LedgerStore *store) {
        Ledger ledger = LEDGER_NULL;
        size_t n = 0;

        if (ledger_store_load(store, &ledger) == 0)
                for (size_t i = 0; i < im->plan.n_taken; i++)
                        n += ledger_find(&ledger, &im->plan.taken[i].value->listen) != NULL;
        ledger_done(&ledger);
        return n;
}

static SetupOutcome import_wait(const Import *im, SetupPart *part) {
        ULONGLONG end = GetTickCount64() +
                        setup_limit(IMPORT_ADOPT_MS + (DWORD) im->plan.n_taken * IMPORT_EACH_MS);
        LedgerStore store = LEDGER_STORE_INIT;
        size_t n = import_count_ours(im, &store);

        while (n < im->plan.n_taken && GetTickCount64() < end) {
                Sleep(IMPORT_POLL_MS);
                n = import_count_ours(im, &store);
        }
        ledger_store_done(&store);
        if (n == im->plan.n_taken)
                return setup_says(
                        part, SETUP_DONE,
                        "%zu port forwarding%s of others %s wslbridge's now, and follow%s "
                        "the guest",
                        n, n == 1 ? "" : "s", n == 1 ? "is" : "are", n == 1 ? "s" : "");
        (void) setup_says(part, SETUP_FAILED,
                          "Of %zu port forwardings, %zu are not wslbridge's yet; all stay open",
                          im->plan.n_taken, im->plan.n_taken - n);
        setup_advises(part, "'wslbridgectl status' in the guest says what each of its services "
                            "waits for.");
        return SETUP_FAILED;
}

static SetupOutcome import_decide(Setup *s, Import *im, SetupPart *part) {
        Buffer text = BUFFER_NULL;
        SetupOutcome outcome = SETUP_OPEN;

        import_show(&im->plan, &text);
        if (buffer_length(&text) > 0)
                setup_show(s, "%s", buffer_text(&text));
        buffer_done(&text);
        if (im->plan.n_taken == 0)
                return setup_says(part, SETUP_ALREADY,
                                  "No port forwarding of others leads to this guest");
        if (s->options->dry_run)
                return setup_says(part, SETUP_WOULD, "Take over %zu port forwardings of others",
                                  im->plan.n_taken);
        if (!setup_ask(s, "Take these over? Their ports stay open meanwhile.")) {
                (void) setup_says(part, SETUP_SKIPPED, "The port forwardings stay as they are");
                if (setup_nobody(s))
                        setup_advises(part, "Give --yes to have them taken over without a "
                                            "question.");
                return SETUP_SKIPPED;
        }
        /* With the services alone the guest would only have conflicts. */
        if (elevated_ready(&s->elevated) < 0)
                return setup_says(part, SETUP_FAILED, "The port forwardings stay as they are: %s",
                                  s->elevated.why);
        outcome = import_write(s, im, part);
        if (outcome == SETUP_OPEN)
                outcome = import_adopt(s, im, part);
        return outcome == SETUP_OPEN ? import_wait(im, part) : outcome;
}

SetupOutcome setup_import(Setup *s, SetupPart *part) {
        Import *im = calloc(1, sizeof(*im));
        SetupOutcome outcome;

        if (!im)
                return setup_says(part, SETUP_FAILED, "There is not enough memory");
        /* Its agent may have started only in a part before this one. */
        if (!s->guest.owner[0] && choose_probe(s, part) < 0) {
                import_free(im);
                return SETUP_FAILED;
        }
        im->owner = s->guest.owner;
        outcome = import_find_guest(s, im, part);
        if (outcome == SETUP_OPEN)
                outcome = import_list(s, im, part);
        if (outcome == SETUP_OPEN)
                outcome = import_make_plan(s, im, part);
        if (outcome == SETUP_OPEN)
                outcome = import_decide(s, im, part);
        import_free(im);
        return outcome;
}
