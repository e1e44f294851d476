/* SPDX-License-Identifier: MIT */

/*
 * Names, lines and JSON of the parts.
 */

#include "windows-helper/core/setup/setup-report.h"

#include "common/json-write.h"
#include "common/text-wrap.h"

#include <string.h>

#define SETUP_SCHEMA 1

#define SETUP_NAME_WIDTH    11 /* of the longest name of a part, with a space */
#define SETUP_OUTCOME_WIDTH 11 /* of the longest outcome for people */

static const char *const part_names[] = {
        [SETUP_SERVICE] = "service",   [SETUP_DISTRO] = "distro", [SETUP_PACKAGE] = "package",
        [SETUP_PAIR] = "pair",         [SETUP_START] = "start",   [SETUP_KEEP_ALIVE] = "keep-alive",
        [SETUP_AT_LOGON] = "at-logon", [SETUP_IMPORT] = "import",
};

static const struct {
        const char *name, *shown;
} outcomes[] = {
        [SETUP_OPEN] = {"open", "-"},
        [SETUP_ALREADY] = {"already", "already so"},
        [SETUP_DONE] = {"done", "done"},
        [SETUP_WOULD] = {"would", "would do"},
        [SETUP_SKIPPED] = {"skipped", "skipped"},
        [SETUP_FAILED] = {"failed", "FAILED"},
};

void setup_report_done(SetupReport *r) {
        for (size_t i = 0; i < _SETUP_PART_END; i++) {
                buffer_done(&r->parts[i].said);
                buffer_done(&r->parts[i].advice);
        }
}

const char *setup_part_name(SetupPartId id) {
        return part_names[id];
}

const char *setup_outcome_name(SetupOutcome outcome) {
        return outcomes[outcome].name;
}

SetupOutcome setup_says(SetupPart *p, SetupOutcome outcome, const char *format, ...) {
        va_list args;

        p->outcome = outcome;
        buffer_consume(&p->said, buffer_length(&p->said));
        va_start(args, format);
        buffer_vprintf(&p->said, format, args);
        va_end(args);
        return outcome;
}

void setup_advises(SetupPart *p, const char *format, ...) {
        va_list args;

        va_start(args, format);
        buffer_vprintf(&p->advice, format, args);
        va_end(args);
}

static bool setup_any(const SetupReport *r, SetupOutcome outcome) {
        for (size_t i = 0; i < _SETUP_PART_END; i++)
                if (r->parts[i].outcome == outcome)
                        return true;
        return false;
}

bool setup_has_failed(const SetupReport *r) {
        return setup_any(r, SETUP_FAILED);
}

bool setup_has_changed(const SetupReport *r) {
        return setup_any(r, SETUP_DONE) || setup_any(r, SETUP_WOULD);
}

void setup_part_text(const SetupReport *r, SetupPartId id, size_t width, Buffer *out) {
        const SetupPart *p = &r->parts[id];
        const size_t indent = SETUP_NAME_WIDTH + SETUP_OUTCOME_WIDTH;
        Buffer said = BUFFER_NULL;

        if (p->outcome == SETUP_OPEN)
                return;
        text_pad(out, setup_part_name(id), SETUP_NAME_WIDTH);
        text_pad(out, outcomes[p->outcome].shown, SETUP_OUTCOME_WIDTH);
        buffer_printf(&said, "%s.", buffer_text(&p->said));
        if (buffer_length(&p->advice) > 0)
                buffer_printf(&said, "\n%s", buffer_text(&p->advice));
        text_clean_lines(&said);
        text_wrap(out, buffer_text(&said),
                  &(TextFrame){.column = indent, .indent = indent, .width = width});
        out->oom |= said.oom || p->said.oom || p->advice.oom;
        buffer_done(&said);
}

static void setup_stopped_text(const SetupReport *r, Buffer *text) {
        buffer_printf(text,
                      "Stopped by Ctrl-C. What was %s before stays so. Run this again, and it "
                      "continues where it stopped",
                      r->undo ? "taken back" : "done");
        if (!r->undo && r->distro[0])
                buffer_printf(text,
                              "; 'wslbridge-helper setup \"%s\" --undo' takes back what was "
                              "done in the distro",
                              r->distro);
        buffer_printf(text, ".");
}

static bool setup_stays(const SetupReport *r, SetupPartId id) {
        return r->parts[id].outcome == SETUP_ALREADY || r->parts[id].outcome == SETUP_DONE;
}

/* What comes next, and that it does not last by itself (fact 7.1.2). An earlier run may have seen
 * to that, so this is said of the option. */
static void setup_next_text(const SetupReport *r, Buffer *text) {
        buffer_printf(text,
                      "Set up. In the distro, 'sudo wslbridgectl expose 8080' makes a service "
                      "reachable.");
        if (!setup_stays(r, SETUP_KEEP_ALIVE) && !setup_stays(r, SETUP_AT_LOGON))
                buffer_printf(text,
                              " Without '--keep-alive' WSL stops the distro some seconds after "
                              "you close its last terminal.");
}

void setup_result_text(const SetupReport *r, size_t width, Buffer *out) {
        Buffer stopped = BUFFER_NULL, next = BUFFER_NULL;
        const char *text;

        setup_stopped_text(r, &stopped);
        setup_next_text(r, &next);
        if (r->stopped)
                text = buffer_text(&stopped);
        else if (setup_has_failed(r))
                text = r->undo ? "Not everything was taken back. Fix the problem and run this "
                                 "again."
                               : "Setup is not complete. Fix the problem and run this again; it "
                                 "continues where it stopped.";
        else if (r->dry_run)
                text = setup_has_changed(r) ? "Nothing was changed (--dry-run)."
                                            : "There is nothing to do.";
        else if (!setup_has_changed(r))
                text = "There was nothing to do.";
        else
                text = r->undo ? "Taken back." : buffer_text(&next);
        text_wrap(out, text, &(TextFrame){.width = width});
        out->oom |= stopped.oom || next.oom;
        buffer_done(&stopped);
        buffer_done(&next);
}

static const char *setup_result_name(const SetupReport *r) {
        if (setup_has_failed(r))
                return r->stopped ? "stopped" : "failed";
        if (!setup_has_changed(r))
                return "already";
        return r->dry_run ? "would" : "done";
}

void setup_report_json(const SetupReport *r, Buffer *out) {
        JsonWriter w = JSON_WRITER(out);

        json_open(&w, NULL, '{');
        json_number(&w, "schema", SETUP_SCHEMA);
        json_string_member(&w, "distro", r->distro[0] ? r->distro : NULL);
        json_bool(&w, "undo", r->undo);
        json_bool(&w, "dry_run", r->dry_run);
        json_string_member(&w, "result", setup_result_name(r));
        json_open(&w, "parts", '[');
        for (SetupPartId id = 0; id < _SETUP_PART_END; id++) {
                const SetupPart *p = &r->parts[id];
                bool advised = buffer_length(&p->advice) > 0;

                json_open(&w, NULL, '{');
                json_string_member(&w, "part", setup_part_name(id));
                json_string_member(&w, "state", setup_outcome_name(p->outcome));
                json_string_member(&w, "text",
                                   p->outcome == SETUP_OPEN ? NULL : buffer_text(&p->said));
                json_string_member(&w, "advice", advised ? buffer_text(&p->advice) : NULL);
                json_close(&w, '}');
        }
        json_close(&w, ']');
        json_close(&w, '}');
        buffer_printf(out, "\n");
        out->oom |= w.error < 0;
}
