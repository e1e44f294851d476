/* SPDX-License-Identifier: MIT */

/*
 * What the agent knows of its own guest beside the address: WSL's networking mode, whether the
 * services are listened to, that it was asleep; see agent-internal.h.
 *
 * None of it may hold up the way from an address to the host. So the questions are errands: they
 * are noted, and run from a deferred source after everything that waits on a socket, but before the
 * status is written.
 */

#include "agent/daemon/agent-private.h"

#include "agent/network/guest-ports.h"

#include <errno.h>
#include <string.h>

/* Listening ports are looked at when a result arrives, and when something else has woken the agent
 * (the helper's PING, mostly), but not more often than this. No timer: nobody waits for it. */
#define PORTS_PAUSE_USEC (5 * USEC_PER_SEC)

bool agent_forwards(const Agent *a) {
        return a->facts.mode == WIRE_MODE_NAT || a->facts.mode == WIRE_MODE_UNKNOWN;
}

int agent_unanswered_services(Agent *a) {
        char text[WIRE_TEXT_MAX + 1];

        if (agent_forwards(a)) {
                return agent_all_services(a, WIRE_SERVICE_PENDING, WIRE_REASON_NONE,
                                          "the helper is not connected");
        }
        status_mode_text(a->facts.mode, text, sizeof(text));
        return agent_all_services(a, WIRE_SERVICE_WITHDRAWN, WIRE_REASON_NETWORKING_MODE, text);
}

static void agent_log_mode(Agent *a) {
        const char *word = a->facts.word;
        char text[WIRE_TEXT_MAX + 1];

        if (!agent_forwards(a)) {
                status_mode_text(a->facts.mode, text, sizeof(text));
                journal_fields(&a->log, LOG_NOTICE, FIELDS(.id = MESSAGE_NO_ADDRESS),
                               "Nothing is to be forwarded (WSL says '%s'): %s", word, text);
        } else if (a->facts.mode == WIRE_MODE_UNKNOWN && *word) {
                journal_line(
                        &a->log, LOG_WARNING,
                        "WSL names a networking mode that is not known here: '%s'; forwarding as "
                        "with 'nat'. A newer wslbridge may know it",
                        word);
        } else {
                journal_line(&a->log, LOG_INFO, "Networking mode is %s",
                             wire_mode_name(a->facts.mode));
        }
}

/* Return: whether the helper knows this guest by another name from now on. */
static bool agent_take_identity(Agent *a) {
        WireHello *id = &a->identity;
        const char *name = a->facts.distro;

        id->has_vm_id = a->facts.has_vm_id;
        memcpy(id->vm_id, a->facts.vm_id, sizeof(id->vm_id));
        if (!*name || strcmp(id->distro, name) == 0)
                return false;
        journal_line(&a->log, LOG_INFO, "This is WSL's distribution '%s'", name);
        memcpy(id->distro, name, strlen(name) + 1);
        return true;
}

/* Before the first answers nothing is told to the helper: it would have to be taken back. */
static int agent_on_facts(Wsl *w, void *userdata) {
        const WslFacts was = ((Agent *) userdata)->facts;
        Agent *a = userdata;
        bool renamed, changed;
        int r = 0;

        a->facts = *wsl_facts(w);
        renamed = agent_take_identity(a);
        changed = a->facts.mode != was.mode || strcmp(a->facts.word, was.word) != 0;
        if (changed)
                agent_log_mode(a);
        agent_report_later(a);
        if (!wsl_settled(w))
                return 0;
        if (renamed || channel_state(a->channel) == CHANNEL_IDLE)
                r = agent_connect(a);
        if (r < 0 || !changed)
                return r;
        return channel_state(a->channel) == CHANNEL_READY ? agent_push(a, 0)
                                                          : agent_unanswered_services(a);
}

/* The address that the helper connects to. */
static const IpAddr *agent_published(const Agent *a) {
        return a->choice.v4.addr.family ? &a->choice.v4.addr : &a->choice.v6.addr;
}

static void agent_log_port(Agent *a, const char *name, const StatusService *s) {
        bool loopback = s->guest == GUEST_PORT_LOOPBACK_ONLY;

        journal_fields(&a->log, loopback ? LOG_WARNING : LOG_NOTICE,
                       FIELDS(.id = MESSAGE_SERVICE_PROBLEM, .service = name,
                              .state = guest_port_name(s->guest)),
                       loopback
                               ? "Port %u of service '%s' takes connections from inside this guest "
                                 "only: bind it to 0.0.0.0, or to this guest's address, instead of "
                                 "127.0.0.1"
                               : "Nothing listens on port %u for service '%s' in this guest",
                       (unsigned) s->guest_port, name);
}

/* One line for each change to the worse, and only when the rest of the way is there. */
static bool port_is_news(StatusService *s) {
        if (s->guest == GUEST_PORT_UNKNOWN)
                return false;
        if (s->guest == GUEST_PORT_LISTENING) {
                s->guest_logged = GUEST_PORT_LISTENING;
                return false;
        }
        if (s->state != WIRE_SERVICE_ACTIVE || s->guest_logged == s->guest)
                return false;
        s->guest_logged = s->guest;
        return true;
}

static GuestPort judge_service(const PortMap *map, const WireState *wire,
                               const WireService *service, uint16_t *ret_port) {
        GuestPort worst = GUEST_PORT_LISTENING;

        *ret_port = 0;
        for (uint32_t i = 0; i < service->n_listens; i++) {
                const WireListen *l = &wire->listens[service->first_listen + i];
                uint16_t port;
                GuestPort is = port_map_judge_range(map, l->connect_port, l->count, &port);

                if (is > worst) {
                        worst = is;
                        *ret_port = port;
                }
        }
        return worst;
}

/* A kernel that does not tell is no reason to stop; status says 'unknown' then. */
static void agent_check_ports(Agent *a) {
        const WireState *wire = &a->config->wire;
        uint32_t next = 0;
        size_t n_news = 0;
        bool changed = false;
        PortMap map;

        (void) guest_ports_read(agent_published(a), &map);
        for (size_t i = 0; i < a->config->n_services && next < wire->n_services; i++) {
                StatusService *s = &a->services[i];
                uint16_t port;
                GuestPort is;

                if (!a->config->services[i].enabled)
                        continue;
                is = judge_service(&map, wire, &wire->services[next++], &port);
                changed = changed || s->guest != is || s->guest_port != port;
                s->guest = is;
                s->guest_port = port;
                if (port_is_news(s) && ++n_news <= AGENT_LOGGED_SERVICES)
                        agent_log_port(a, a->config->services[i].name, s);
        }
        if (n_news > AGENT_LOGGED_SERVICES) {
                journal_line(&a->log, LOG_NOTICE,
                             "%zu more services are not listened to in this guest; see %s/%s",
                             n_news - AGENT_LOGGED_SERVICES, a->directory, STATUS_FILE);
        }
        if (changed)
                agent_report_later(a);
}

static int agent_on_errands(sd_event_source *s, void *userdata) {
        Agent *a = userdata;

        if (a->ports_due) {
                a->ports_due = false;
                a->ports_usec = now_usec();
                agent_check_ports(a);
        }
        if (!a->mode_due)
                return 0;
        a->mode_due = false;
        return wsl_ask(a->wsl);
}

void agent_check_ports_later(Agent *a) {
        a->ports_due = true;
        (void) sd_event_source_set_enabled(a->errands, SD_EVENT_ONESHOT);
}

void agent_check_ports_sometimes(Agent *a) {
        if (now_usec() - a->ports_usec >= PORTS_PAUSE_USEC)
                agent_check_ports_later(a);
}

void agent_ask_mode_later(Agent *a) {
        a->mode_due = true;
        (void) sd_event_source_set_enabled(a->errands, SD_EVENT_ONESHOT);
}

/* After a sleep nothing is taken for granted: the network may be another one, the mode may be, and
 * the helper may have started anew. */
static int agent_on_clock(void *userdata) {
        Agent *a = userdata;
        int r;

        journal_line(&a->log, LOG_INFO,
                     "The clock was set, perhaps after a sleep: looking at everything "
                     "again");
        r = netwatch_refresh(a->netwatch);
        if (r >= 0)
                r = channel_resume(a->channel);
        if (r < 0)
                return r;
        agent_ask_mode_later(a);
        agent_check_ports_later(a);
        return 0;
}

int agent_new_guest(Agent *a) {
        int r;

        r = clockwatch_new(&a->clock, a->event, agent_on_clock, a);
        if (r >= 0)
                r = sd_event_add_defer(a->event, &a->errands, agent_on_errands, a);
        if (r >= 0)
                r = sd_event_source_set_priority(a->errands, SD_EVENT_PRIORITY_IDLE - 1);
        if (r >= 0)
                r = sd_event_source_set_exit_on_failure(a->errands, 1);
        if (r >= 0)
                r = sd_event_source_set_enabled(a->errands, SD_EVENT_OFF);
        if (r >= 0)
                r = wsl_new(&a->wsl, a->event, agent_on_facts, a);
        if (r >= 0)
                r = wsl_ask(a->wsl);
        if (r < 0)
                return r;
        a->facts = *wsl_facts(a->wsl);
        return 0;
}
