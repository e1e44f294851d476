/* SPDX-License-Identifier: MIT */

/*
 * Asks WSL's tools; see wsl.h. There is one round at a time, whose questions are asked side by
 * side:
 *
 *      ask             → round: one child process for each question that is open
 *      end of a round  → settled. But if something failed in a WSL guest whose socket is not there
 *                        yet: another round after a growing pause, for WSL_RETRY_USEC
 *      settled, silent → another round after a pause that grows from WSL_SILENT_FIRST_USEC; the
 *                        owner learns of it after the second such round in a row, at least such a
 *                        pause after the first
 *      asked meanwhile → another round at once
 */

#include "agent/guest/wsl.h"

#include "agent/guest/identity.h"
#include "agent/guest/wsl-tools.h"
#include "agent/loop/timer.h"
#include "agent/util/command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#define RETRY_FIRST_USEC    (250 * USEC_PER_MSEC)
#define RETRY_LONGEST_USEC  (4 * USEC_PER_SEC)
#define RETRY_ACCURACY_USEC (50 * USEC_PER_MSEC)

typedef enum WslQuestion {
        WSL_QUESTION_MODE,
        WSL_QUESTION_DISTRO,
        WSL_QUESTION_VM_ID, /* wslinfo knows it since WSL 2.5.10 and 2.6.1: fact 2.2.9 */
        _WSL_QUESTION_END,
} WslQuestion;

static const struct {
        const char *program;
        const char *arguments[3];
} questions[_WSL_QUESTION_END] = {
        [WSL_QUESTION_MODE] = {"wslinfo", {"--networking-mode"}},
        [WSL_QUESTION_DISTRO] = {"wslpath", {"-w", "/"}},
        [WSL_QUESTION_VM_ID] = {"wslinfo", {"--vm-id"}},
};

struct Wsl {
        /* configuration */
        WslFn fn;
        void *userdata;
        sd_event *event;    /* borrowed */
        const char *folder; /* of the tests, or NULL; borrowed from the environment */
        unsigned asks;      /* a bit for each question that is of interest */

        /* owned */
        sd_event_source *retry;
        Command *commands[_WSL_QUESTION_END]; /* those that run */

        /* state */
        WslAnswers answers, reported; /* reported: what the owner knows */
        bool settled, reported_settled;
        bool asked;
        bool again;           /* asked once more during a round */
        bool ready;           /* the socket existed when this round began */
        bool failed;          /* something in this round */
        bool silent;          /* a tool that always has an answer, in this round */
        unsigned n_silent;    /* rounds in a row in which that was so, after the start */
        uint64_t silent_usec; /* when the last of them ended */
        uint64_t silent_first_usec;
        uint64_t since_usec; /* when it was asked */
        unsigned n_rounds;   /* since then */
};

static int start_round(Wsl *w);

static bool is_open(const Wsl *w, WslQuestion question) {
        if (!(w->asks & 1u << question))
                return false;
        switch (question) {
        case WSL_QUESTION_MODE:
                return true;
        case WSL_QUESTION_DISTRO:
                return !w->answers.distro[0] || w->answers.distro_kept;
        case WSL_QUESTION_VM_ID:
                return !w->answers.has_vm_id;
        case _WSL_QUESTION_END:
                break;
        }
        return false;
}

/* Return: whether the output was an answer. */
static bool take_answer(Wsl *w, WslQuestion question, const char *output, size_t n) {
        WslAnswers *f = &w->answers;
        char word[WSL_WORD_MAX + 1];
        uint8_t mode;

        switch (question) {
        case WSL_QUESTION_MODE:
                if (!wsl_parse_mode(output, n, &mode, word))
                        return false; /* keep what was known */
                /* A running VM keeps its mode, so a word of another kind, an error for example, is
                 * no news. One that was kept may be of an earlier VM. */
                if (mode == WIRE_MODE_UNKNOWN && f->mode != WIRE_MODE_UNKNOWN && !f->mode_kept)
                        return false;
                f->mode = mode;
                f->mode_kept = false;
                memcpy(f->word, word, sizeof(f->word));
                return true;
        case WSL_QUESTION_DISTRO:
                if (!wsl_parse_distro(output, n, f->distro))
                        return false;
                f->distro_kept = false;
                return true;
        case WSL_QUESTION_VM_ID:
                f->has_vm_id = wsl_parse_vm_id(output, n, f->vm_id);
                return f->has_vm_id;
        case _WSL_QUESTION_END:
                break;
        }
        return false;
}

static bool answers_equal(const WslAnswers *a, const WslAnswers *b) {
        return a->mode == b->mode && strcmp(a->word, b->word) == 0 &&
               strcmp(a->distro, b->distro) == 0 && a->distro_kept == b->distro_kept &&
               a->mode_kept == b->mode_kept && a->silent == b->silent &&
               a->has_vm_id == b->has_vm_id && memcmp(a->vm_id, b->vm_id, sizeof(a->vm_id)) == 0;
}

static uint64_t doubled(uint64_t usec, unsigned n, uint64_t longest) {
        while (n-- > 0 && usec < longest)
                usec *= 2;
        return usec < longest ? usec : longest;
}

/* Whether WSL itself may still be starting. */
static bool is_starting(const Wsl *w) {
        return w->failed && w->answers.wsl && !w->ready &&
               now_usec() - w->since_usec < WSL_RETRY_USEC;
}

/* Return: when to try again (microseconds from now), or 0. @starting: is_starting(). */
static uint64_t retry_delay(const Wsl *w, bool starting) {
        if (starting)
                return doubled(RETRY_FIRST_USEC, w->n_rounds - 1, RETRY_LONGEST_USEC);
        if (w->n_silent > 0)
                return doubled(w->silent_first_usec, w->n_silent - 1, WSL_SILENT_LONGEST_USEC);
        return 0;
}

/* A round that was asked for while WSL is still busy says nothing new. */
static void count_silence(Wsl *w) {
        uint64_t now = now_usec();

        if (!w->silent || !w->answers.wsl) {
                w->n_silent = 0;
        } else if (w->n_silent == 0 || now - w->silent_usec >= w->silent_first_usec) {
                w->n_silent++;
                w->silent_usec = now;
        }
        w->answers.silent = w->n_silent >= WSL_SILENT_ROUNDS;
}

static int end_round(Wsl *w) {
        bool starting = is_starting(w);
        uint64_t delay;

        if (w->again) {
                w->again = false;
                return start_round(w);
        }
        if (!starting || now_usec() - w->since_usec >= WSL_DELAY_MAX_USEC)
                w->settled = true;
        if (!starting)
                count_silence(w);
        delay = retry_delay(w, starting);
        if (delay == 0)
                return 0;
        return loop_timer_start(w->retry, delay);
}

static bool is_running(const Wsl *w) {
        for (size_t i = 0; i < _WSL_QUESTION_END; i++)
                if (w->commands[i])
                        return true;
        return false;
}

static int report(Wsl *w) {
        if (w->settled == w->reported_settled && answers_equal(&w->answers, &w->reported))
                return 0;
        w->reported_settled = w->settled;
        w->reported = w->answers;
        return w->fn(w, w->userdata);
}

static int on_answer(Command *c, CommandOutcome outcome, const char *output, size_t n,
                     void *userdata) {
        Wsl *w = userdata;
        size_t question = 0;
        int r;

        while (w->commands[question] != c)
                question++;
        if (outcome != COMMAND_OK || !take_answer(w, (WslQuestion) question, output, n))
                w->failed = true;
        /* Old versions do not know the id, and a name may be one that we cannot use. */
        if (question != WSL_QUESTION_VM_ID && (outcome != COMMAND_OK || n == 0))
                w->silent = true;
        w->commands[question] = command_free(c);
        if (is_running(w))
                return 0;
        r = end_round(w);
        return r < 0 ? r : report(w);
}

static int ask_one(Wsl *w, WslQuestion question) {
        char path[WSL_PATH_MAX + 1];
        const char *argv[] = {path, questions[question].arguments[0],
                              questions[question].arguments[1], NULL};
        int r;

        if (!is_open(w, question) || !wsl_tool_find(w->folder, questions[question].program, path))
                return 0;
        r = command_start(&w->commands[question], w->event, argv, WSL_LIMIT_USEC, on_answer, w);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                w->failed = w->silent = true;
        return 0;
}

static int start_round(Wsl *w) {
        int r;

        w->ready = wsl_interop_is_here(w->folder);
        w->failed = w->silent = false;
        w->n_rounds++;
        for (size_t i = 0; i < _WSL_QUESTION_END; i++) {
                r = ask_one(w, (WslQuestion) i);
                if (r < 0)
                        return r;
        }
        return is_running(w) ? 0 : end_round(w);
}

static int on_retry(sd_event_source *s, uint64_t usec, void *userdata) {
        Wsl *w = userdata;
        int r;

        r = start_round(w);
        return r < 0 ? r : report(w);
}

int wsl_ask(Wsl *w) {
        int r;

        /* Asking again does not put the first answers off. */
        if (w->settled || !w->asked) {
                w->since_usec = now_usec();
                w->n_rounds = 0;
                w->asked = true;
        }
        if (is_running(w)) {
                w->again = w->settled;
                return 0;
        }
        r = sd_event_source_set_enabled(w->retry, SD_EVENT_OFF);
        if (r >= 0)
                r = start_round(w);
        w->reported_settled = w->settled; /* nothing could be asked: the caller checks that */
        return r < 0 ? r : 0;
}

void wsl_remember(Wsl *w, const Kept *kept) {
        char word[WSL_WORD_MAX + 1];

        if (!w->answers.wsl)
                return;
        memcpy(w->answers.distro, kept->distro, sizeof(kept->distro));
        w->answers.distro_kept = kept->distro[0] != '\0';
        w->answers.mode_kept =
                wsl_parse_mode(kept->word, strlen(kept->word), &w->answers.mode, word);
        memcpy(w->answers.word, word, sizeof(word));
        w->reported = w->answers;
}

bool wsl_settled(const Wsl *w) {
        return w->settled;
}

const WslAnswers *wsl_answers(const Wsl *w) {
        return &w->answers;
}

static uint64_t silent_first(void) {
        const char *text = getenv(WSL_SILENT_VARIABLE);

        return text ? strtoull(text, NULL, 10) * USEC_PER_MSEC : WSL_SILENT_FIRST_USEC;
}

bool wsl_is_here(void) {
        struct utsname name;

        return getenv(WSL_FOLDER_VARIABLE) ||
               (uname(&name) == 0 && wsl_release_is_wsl(name.release));
}

int wsl_new(Wsl **ret_wsl, sd_event *event, WslFn fn, void *userdata) {
        _cleanup_(wsl_freep) Wsl *w = NULL;
        int r;

        w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        w->fn = fn;
        w->userdata = userdata;
        w->event = event;
        w->asks = (1u << _WSL_QUESTION_END) - 1;
        w->folder = getenv(WSL_FOLDER_VARIABLE);
        w->silent_first_usec = silent_first();
        w->answers.wsl = wsl_is_here();
        w->reported = w->answers;
        r = loop_timer_new(event, RETRY_ACCURACY_USEC, on_retry, w, &w->retry);
        if (r < 0)
                return r;
        *ret_wsl = TAKE_PTR(w);
        return 0;
}

Wsl *wsl_free(Wsl *w) {
        if (!w)
                return NULL;
        for (size_t i = 0; i < _WSL_QUESTION_END; i++)
                command_free(w->commands[i]);
        sd_event_source_disable_unref(w->retry);
        free(w);
        return NULL;
}

static int ignore_change(Wsl *w, void *userdata) {
        return 0;
}

/* Runs an event loop of its own, for this one question. */
static int ask_distro(char ret_name[WIRE_DISTRO_MAX + 1]) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(wsl_freep) Wsl *w = NULL;
        int r;

        r = sd_event_new(&event);
        if (r >= 0)
                r = wsl_new(&w, event, ignore_change, NULL);
        if (r < 0)
                return r;
        w->asks = 1u << WSL_QUESTION_DISTRO;
        r = wsl_ask(w);
        while (r >= 0 && is_running(w))
                r = sd_event_run(event, UINT64_MAX);
        if (r < 0)
                return r;
        if (!w->answers.distro[0])
                return -ENODATA;
        memcpy(ret_name, w->answers.distro, sizeof(w->answers.distro));
        return 0;
}

void wsl_distro_name(const Kept *kept, char ret_name[WIRE_DISTRO_MAX + 1]) {
        sigset_t child, before;
        int r = -EINVAL;

        sigemptyset(&child);
        sigaddset(&child, SIGCHLD);
        if (sigprocmask(SIG_BLOCK, &child, &before) == 0) {
                r = ask_distro(ret_name);
                (void) sigprocmask(SIG_SETMASK, &before, NULL);
        }
        if (r < 0 && kept->distro[0])
                memcpy(ret_name, kept->distro, sizeof(kept->distro));
        else if (r < 0)
                identity_distro(ret_name);
}
