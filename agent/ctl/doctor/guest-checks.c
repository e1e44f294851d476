/* SPDX-License-Identifier: MIT */

/* The list of findings; see ctl-diagnose.h. The conclusions are in ctl-diagnose-*.c. */

#include "agent/ctl/doctor/guest-checks.h"

#include "common/text-wrap.h"

#include <string.h>

static const struct {
        const char *name;
        Severity severity;
        const char *title;
} kinds[_FINDING_END] = {
        [FINDING_NO_HYPERV] = {"no-hyperv", SEVERITY_ERROR, "This is no guest of Hyper-V"},
        [FINDING_NO_VSOCK] = {"no-vsock", SEVERITY_ERROR, "The kernel offers no way to the host"},
        [FINDING_NO_SYSTEMD] = {"no-systemd", SEVERITY_ERROR,
                                "systemd does not run, so nothing starts the agent"},
        [FINDING_AGENT_ABSENT] = {"agent-absent", SEVERITY_ERROR, "The agent is not installed"},
        [FINDING_AGENT_FAILED] = {"agent-failed", SEVERITY_ERROR, "The agent has failed"},
        [FINDING_AGENT_STOPPED] = {"agent-stopped", SEVERITY_ERROR, "The agent does not run"},
        [FINDING_STATUS_BAD] = {"status-bad", SEVERITY_ERROR,
                                "The agent's status cannot be understood"},
        [FINDING_MODE] = {"mode", SEVERITY_ERROR,
                          "In this networking mode there is nothing to forward to"},
        [FINDING_NO_ADDRESS] = {"no-address", SEVERITY_ERROR, "The guest has no address"},
        [FINDING_OFF_LINK] = {"off-link", SEVERITY_ERROR,
                              "The guest's address is outside the virtual switch's network"},
        [FINDING_KEY_PROBLEM] = {"key-problem", SEVERITY_ERROR, "The key cannot be used"},
        [FINDING_NOT_PAIRED] = {"not-paired", SEVERITY_ERROR, "This guest is not paired"},
        [FINDING_BAD_KEY] = {"bad-key", SEVERITY_ERROR, "The host has another key for this guest"},
        [FINDING_NOT_ADMITTED] = {"not-admitted", SEVERITY_ERROR,
                                  "The helper does not admit this guest"},
        [FINDING_HELPER_SILENT] = {"helper-silent", SEVERITY_ERROR,
                                   "The helper on Windows does not answer"},
        [FINDING_CONFIG_STALE] = {"config-stale", SEVERITY_ERROR,
                                  "The configuration in force is an older one"},
        [FINDING_CONFIG_PROBLEM] = {"config-problem", SEVERITY_ERROR,
                                    "The configuration has problems"},
        [FINDING_SERVICE_INVALID] = {"service-invalid", SEVERITY_ERROR,
                                     "The host cannot carry out what is asked for"},
        [FINDING_SERVICE_REFUSED] = {"service-refused", SEVERITY_ERROR,
                                     "The policy of the host refuses it"},
        [FINDING_SERVICE_CONFLICT] = {"service-conflict", SEVERITY_ERROR,
                                      "Somebody else has the port of the host"},
        [FINDING_SERVICE_BLOCKED] = {"service-blocked", SEVERITY_ERROR, "Windows is in the way"},
        [FINDING_SERVICE_WITHDRAWN] = {"service-withdrawn", SEVERITY_ERROR,
                                       "The host forwards nothing"},
        [FINDING_SERVICE_PENDING] = {"service-pending", SEVERITY_WARNING,
                                     "The host has not answered yet"},
        [FINDING_PORT_LOOPBACK] = {"port-loopback", SEVERITY_WARNING,
                                   "The program in the guest listens on loopback only"},
        [FINDING_PORT_SILENT] = {"port-silent", SEVERITY_WARNING,
                                 "Nobody listens on the port in the guest"},
        [FINDING_CANDIDATES] = {"candidates", SEVERITY_HINT,
                                "Several interfaces could be the one to forward to"},
        [FINDING_IDLE_STOP] = {"idle-stop", SEVERITY_HINT,
                               "WSL stops this distribution when it is idle, and the agent with "
                               "it"},
};

const char *finding_name(FindingId id) {
        return kinds[id].name;
}

const char *finding_title(FindingId id) {
        return kinds[id].title;
}

Severity finding_severity(FindingId id) {
        return kinds[id].severity;
}

const char *severity_name(Severity severity) {
        static const char *const names[] = {"error", "warning", "hint"};

        return names[severity];
}

static void finding_done(Finding *x) {
        buffer_done(&x->seen);
        buffer_done(&x->todo);
}

void findings_done(Findings *f) {
        for (size_t i = 0; i < f->n; i++)
                finding_done(&f->items[i]);
        finding_done(&f->scratch);
        free(f->items);
        *f = FINDINGS_NULL;
}

Finding *findings_add(Findings *f, FindingId id) {
        Finding *items = reallocarray(f->items, f->n + 1, sizeof(*items));

        if (!items) {
                f->oom = true;
                return &f->scratch;
        }
        f->items = items;
        items[f->n] = (Finding){.id = id};
        return &items[f->n++];
}

/* Few, and those of one kind stay in the order in which they came: an insertion sort. */
static void findings_sort(Findings *f) {
        for (size_t i = 1; i < f->n; i++) {
                Finding one = f->items[i];
                size_t k = i;

                for (; k > 0 && f->items[k - 1].id > one.id; k--)
                        f->items[k] = f->items[k - 1];
                f->items[k] = one;
        }
}

void diagnose(const DiagnoseFacts *facts, Findings *ret) {
        Findings f = FINDINGS_NULL;

        diagnose_system(facts, &f);
        diagnose_helper(facts, &f);
        diagnose_services(facts, &f);
        findings_sort(&f);
        for (size_t i = 0; i < f.n; i++)
                f.oom = f.oom || f.items[i].seen.oom || f.items[i].todo.oom;
        *ret = f;
}

static void format_good(const Findings *f, const Report *r, Buffer *out) {
        size_t n_active = 0;

        for (size_t i = 0; r && i < r->n_services; i++)
                n_active += strcmp(r->services[i].state, "active") == 0;
        buffer_printf(out, "No problem found; %zu service%s active.\n", n_active,
                      n_active == 1 ? "" : "s");
}

#define FINDINGS_INDENT 8 /* "   seen " */

static void format_part(const char *label, const Buffer *part, const Style *style, Buffer *out) {
        buffer_printf(out, "%7s ", label);
        text_wrap(out, buffer_text(part),
                  &(TextFrame){FINDINGS_INDENT, FINDINGS_INDENT, style->width, true});
}

void findings_format(const Findings *f, const Report *r, const Style *style, Buffer *out) {
        static const Colour colours[] = {COLOUR_BAD, COLOUR_WAIT, COLOUR_FAINT};

        out->oom = out->oom || f->oom;
        if (f->n == 0)
                format_good(f, r, out);
        for (size_t i = 0; i < f->n; i++) {
                const Finding *x = &f->items[i];
                Severity severity = finding_severity(x->id);
                const char *label = severity_name(severity);
                Buffer title = BUFFER_NULL;

                buffer_printf(&title, "%s%s%s", x->subject, *x->subject ? ": " : "",
                              finding_title(x->id));
                buffer_printf(out, "%s%s%s%s: ", i > 0 ? "\n" : "",
                              style_colour(style, colours[severity]), label,
                              style_colour(style, COLOUR_NONE));
                text_wrap(out, buffer_text(&title),
                          &(TextFrame){strlen(label) + 2, FINDINGS_INDENT, style->width, true});
                out->oom = out->oom || title.oom;
                buffer_done(&title);
                format_part("seen", &x->seen, style, out);
                format_part("do", &x->todo, style, out);
        }
}

json_t *findings_json(const Findings *f) {
        json_t *array = json_array(), *one;

        for (size_t i = 0; i < f->n; i++) {
                const Finding *x = &f->items[i];

                one = json_pack("{s:s, s:s, s:s?, s:s, s:s, s:s}", "severity",
                                severity_name(finding_severity(x->id)), "finding",
                                finding_name(x->id), "service", *x->subject ? x->subject : NULL,
                                "title", finding_title(x->id), "seen", buffer_text(&x->seen), "do",
                                buffer_text(&x->todo));
                if (!one || json_array_append_new(array, one) < 0 || f->oom) {
                        json_decref(array);
                        return NULL;
                }
        }
        return array;
}
