/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Port forwardings that others made, and that lead into WSL: which of them can become services of a
 * guest, and how. Pure.
 */

#include "windows-helper/core/policy/hostnet.h"
#include "windows-helper/core/rules/ledger.h"
#include "windows-helper/core/rules/rule.h"

#define IMPORT_NAME_MAX 24 /* "import-65535-65535", and a number when the name is taken */

/* How sure it is that a forwarding was made for WSL. */
typedef enum ImportFit {
        IMPORT_PRESENT, /* it leads to the guest's address */
        IMPORT_STALE,   /* it leads into WSL's network, to an address that the guest has no more */
        IMPORT_SHARED,  /* the same, but other users' VMs have addresses there as well */
        IMPORT_GUESS,   /* it leads to where WSL's network often is, and nothing is there now */
        _IMPORT_FIT_END,
} ImportFit;

typedef struct ImportInput {
        const RuleTable *rules; /* sorted */
        const Ledger *ledger;   /* what is ours is left out */
        const Hostnet *net;
        IpAddr guest;            /* its present address, IPv4 */
        bool shared;             /* other virtual machines run in WSL's network (fact 6.1.7) */
        const WireListen *known; /* of the services that the guest has already */
        size_t n_known;
        const char *const *names; /* of its files, without ".ini" */
        size_t n_names;
} ImportInput;

typedef struct ImportService {
        char name[IMPORT_NAME_MAX + 1];
        WireListen listens[WIRE_LISTENS_MAX];
        size_t n_listens;
        ImportFit fit;
        IpAddr target; /* to which it leads now; of its first rule */
} ImportService;

typedef struct ImportTaken { /* a rule that can be adopted */
        const RuleValue *value;
        ImportFit fit;
        IpEndpoint connect;
        bool known; /* the guest has a service for it: only the adoption is missing */
        bool twice; /* another value of the same endpoint comes before it */
} ImportTaken;

typedef struct ImportLeft {
        const RuleValue *value;
        char why[WIRE_TEXT_MAX + 1]; /* continues "is not taken, because it" */
} ImportLeft;

typedef struct ImportPlan {
        ImportService *services; /* owned */
        size_t n_services;
        ImportTaken *taken; /* owned, borrows from the input's rules */
        size_t n_taken;
        ImportLeft *left; /* owned, the same */
        size_t n_left;
} ImportPlan;

#define IMPORT_PLAN_NULL ((ImportPlan){0})

/**
 * import_plan() - decide what becomes of each forwarding
 * @worst: nothing that is less sure is taken
 * @ret_plan: to be given to import_done() in any case
 *
 * Rules for single ports that follow each other become one range. Listeners that lead to the same
 * ports of the guest become one service.
 *
 * Return: 0 or -ENOMEM.
 */
int import_plan(const ImportInput *in, ImportFit worst, ImportPlan *ret_plan);
void import_done(ImportPlan *p);

/* Whether one of the rules that were taken is no surer than @fit. */
bool import_has(const ImportPlan *p, ImportFit fit);

/* The file of a service, for services.d. It opens nothing in the firewall, because the forwarding
 * that it replaces did not, either. Out of memory sets @out->oom. */
void import_drop_in(const ImportService *s, Buffer *out);

/* "0.0.0.0:8000-8010", appended. */
void import_listen_text(const WireListen *l, Buffer *out);

/* Read "0.0.0.0:8000-8010", as wslbridgectl lists where a service listens; .connect_port is not
 * set. Return: 0 or -EINVAL. */
int import_parse_listen(const char *text, WireListen *ret_listen);

/* The plan for people: a line for each service and for each rule that is left. */
void import_show(const ImportPlan *p, Buffer *out);
