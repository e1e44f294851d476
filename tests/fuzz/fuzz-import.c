/* SPDX-License-Identifier: MIT */

/*
 * Any texts as the port forwardings of a host and the services of a guest, which the setup turns
 * into drop-ins. A line is "rule FAMILY NAME=DATA", where a vertical tab stands for the end of a
 * line; "ours NAME=DATA", of the ledger; "net ADDRESS", "guest ADDRESS", "name FILE" or "listen
 * ADDRESS:PORTS". Each rule is taken, left with a reason, or ours; and the agent reads the same
 * endpoints in the drop-ins, without any problem.
 */

#include "agent/config/merge.h"
#include "windows-helper/core/setup/import.h"

#include <stdlib.h>
#include <string.h>

#define LINES_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

typedef struct Host {
        RuleTable rules;
        Ledger ledger;
        Hostnet net;
        WireListen known[LINES_MAX];
        const char *names[LINES_MAX];
        ImportInput in;
} Host;

static void require(bool good) {
        if (!good)
                abort();
}

static void add_rule(Host *h, const char *family, char *name) {
        char *data = strchr(name, '=');
        LedgerEntry entry;
        RuleFamily f;

        for (char *tab = name; (tab = strchr(tab, '\v'));)
                *tab = '\n';
        if (data)
                *data++ = '\0';
        if (rule_family_parse(family, &f) == 0 && !rule_family_is_relay(f))
                require(rule_table_add(&h->rules, f, name, data) == 0);
        else if (strcmp(family, "ours") == 0 && data && ledger_entry_parse(name, data, &entry) == 0)
                require(ledger_put(&h->ledger, &entry) == 0);
}

static void add_net(Host *h, const char *address) {
        HostnetAddress *a = &h->net.addresses[h->net.n_addresses];

        *a = (HostnetAddress){.prefix = 20, .virtual_switch = true, .adapter = "vEthernet (WSL)"};
        if (h->net.n_addresses < LINES_MAX && ip_parse(address, &a->addr) == 0)
                h->net.n_addresses++;
}

static void add_line(Host *h, char *line) {
        const char *kind = strsep(&line, " ");
        WireListen *known = &h->known[h->in.n_known];
        bool rule = line && strcmp(kind, "rule") == 0;

        if (rule)
                kind = strsep(&line, " "); /* the family */
        if (!line)
                return;
        if (rule || strcmp(kind, "ours") == 0)
                add_rule(h, kind, line);
        else if (strcmp(kind, "net") == 0)
                add_net(h, line);
        else if (strcmp(kind, "guest") == 0)
                (void) ip_parse(line, &h->in.guest);
        else if (strcmp(kind, "name") == 0 && h->in.n_names < LINES_MAX)
                h->names[h->in.n_names++] = line;
        else if (strcmp(kind, "listen") == 0 && h->in.n_known < LINES_MAX)
                h->in.n_known += import_parse_listen(line, known) == 0;
}

/* How often the services of the plan listen there, with the port that @t leads to. */
static size_t count_listens(const ImportPlan *p, const ImportTaken *t) {
        const IpEndpoint *e = &t->value->listen;
        size_t n = 0;

        for (size_t i = 0; i < p->n_services; i++)
                for (size_t k = 0; k < p->services[i].n_listens; k++) {
                        const WireListen *l = &p->services[i].listens[k];

                        n += (t->twice || p->services[i].fit == t->fit) &&
                             ip_compare(&l->addr, &e->addr) == 0 && e->port >= l->port &&
                             e->port - l->port < l->count &&
                             t->connect.port - l->connect_port == e->port - l->port;
                }
        return n;
}

static void require_rules(const Host *h, const ImportPlan *p, ImportFit worst) {
        size_t n_ours = 0, n_new = 0, n_endpoints = 0;

        for (size_t i = 0; i < h->rules.n_values; i++) {
                const RuleValue *v = &h->rules.values[i];
                const LedgerEntry *e = v->parsed ? ledger_find(&h->ledger, &v->listen) : NULL;

                n_ours += e && ledger_entry_proves(e, v);
        }
        require(p->n_taken + p->n_left + n_ours == h->rules.n_values);
        for (size_t i = 0; i < p->n_left; i++)
                require(p->left[i].why[0] &&
                        wire_text_valid((const uint8_t *) p->left[i].why, strlen(p->left[i].why)));
        for (size_t i = 0; i < p->n_taken; i++) {
                const ImportTaken *t = &p->taken[i];

                require(t->fit <= worst && t->value->data && t->value->parsed);
                require(count_listens(p, t) == (t->known ? 0 : 1));
                n_new += !t->known && !t->twice;
        }
        for (size_t i = 0; i < p->n_services; i++)
                for (size_t k = 0; k < p->services[i].n_listens; k++)
                        n_endpoints += p->services[i].listens[k].count;
        require(n_endpoints == n_new);
}

/* The agent's reading of a drop-in. */
static void require_drop_in(const ImportService *s, ServiceFile *ret_file) {
        ConfigProblems problems = CONFIG_PROBLEMS_NULL;
        Buffer text = BUFFER_NULL;

        import_drop_in(s, &text);
        config_problems_begin(&problems, s->name);
        service_file_parse(buffer_bytes(&text), buffer_length(&text), ret_file, &problems);
        require(!text.oom && problems.n == 0);
        require(ret_file->enabled && ret_file->profiles == 0 &&
                ret_file->n_listens == s->n_listens);
        for (size_t i = 0; i < s->n_listens; i++) {
                const WireListen *a = &ret_file->listens[i], *b = &s->listens[i];

                require(ip_compare(&a->addr, &b->addr) == 0 && a->port == b->port &&
                        a->count == b->count && a->connect_port == b->connect_port);
        }
        config_problems_done(&problems);
        buffer_done(&text);
}

static int compare_services(const void *a, const void *b) {
        return strcmp(((const ImportService *) a)->name, ((const ImportService *) b)->name);
}

/* All drop-ins together are a configuration in which no two files clash. */
static void require_services(const Host *h, ImportPlan *p) {
        ConfigProblems problems = CONFIG_PROBLEMS_NULL;
        ConfigBuilder builder = {.config = calloc(1, sizeof(Config))};
        ConfigDrafts drafts = {.services.config = calloc(1, sizeof(Config))};

        qsort(p->services, p->n_services, sizeof(*p->services), compare_services);
        for (size_t i = 0; i < p->n_services; i++) {
                const ImportService *s = &p->services[i];
                ServiceFile file;

                require(wire_service_name_valid(s->name));
                require(i == 0 || strcmp(p->services[i - 1].name, s->name) != 0);
                for (size_t k = 0; k < h->in.n_names; k++)
                        require(strcmp(h->names[k], s->name) != 0);
                require_drop_in(s, &file);
                require(config_drafts_add(&drafts, s->name, s->name, &file) == 0);
        }
        require(config_merge(&drafts, NULL, &builder, &problems) == 0);
        require(problems.n == 0 && builder.config->n_services == p->n_services);
        config_problems_done(&problems);
        config_drafts_done(&drafts);
        config_builder_done(&builder);
}

/* Each rule that it names has one line, whatever is in its texts. */
static void require_shown(const ImportPlan *p) {
        size_t n_lines = p->n_services + (p->n_services > 0) + p->n_left + (p->n_left > 0),
               n_known = 0;
        Buffer text = BUFFER_NULL;

        for (size_t i = 0; i < p->n_taken; i++)
                n_known += p->taken[i].known;
        import_show(p, &text);
        require(!text.oom);
        for (const char *at = buffer_text(&text); (at = strchr(at, '\n')); at++)
                n_lines--;
        require(n_lines + n_known + (n_known > 0) == 0);
        buffer_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        char *text = calloc(n + 1, 1), *rest = text, *line;
        Host *h = calloc(1, sizeof(*h));

        require(text && h);
        memcpy(text, data, n);
        h->in = (ImportInput){.rules = &h->rules,
                              .ledger = &h->ledger,
                              .net = &h->net,
                              .guest = ip_v4(172, 20, 0, 2),
                              .known = h->known,
                              .names = h->names};
        while ((line = strsep(&rest, "\n")))
                add_line(h, line);
        rule_table_sort(&h->rules);
        for (unsigned worst = 0; worst < _IMPORT_FIT_END; worst++) {
                ImportPlan plan;

                require(import_plan(&h->in, (ImportFit) worst, &plan) == 0);
                require_rules(h, &plan, (ImportFit) worst);
                require_services(h, &plan);
                require_shown(&plan);
                import_done(&plan);
        }
        rule_table_done(&h->rules);
        ledger_done(&h->ledger);
        free(h);
        free(text);
        return 0;
}
