/* SPDX-License-Identifier: MIT */

/*
 * The table and its endpoints, and everything that has a time.
 */

#include "windows-helper/relay/relay.h"
#include "windows-helper/relay/table-read.h"
#include "windows-helper/relay/tcp-endpoint.h"
#include "windows-helper/relay/udp-endpoint.h"
#include "windows-helper/win/crypto.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/regwatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An endpoint that cannot be opened is tried again: first after this time, and then after twice the
 * last one, up to the longest. Another program may have the port, or the host may get the address
 * only later. */
#define RELAY_RETRY_FIRST_USEC   1000000ULL
#define RELAY_RETRY_LONGEST_USEC 30000000ULL
#define RELAY_END_TURNS          100 /* of the loop, for what is in flight at the end */
/* A table that could not be read is read again after this time, so that no endpoint leads to where
 * a guest was. One that is being written is read more often, but not for ever: a helper that writes
 * for long must not keep others waiting. */
#define RELAY_RELOAD_USEC   1000000ULL
#define RELAY_TORN_USEC     50000ULL
#define RELAY_TORN_MAX_USEC 1000000ULL

/* The socket side of a table entry of the same index. Both NULL: it is not open. */
typedef struct RelaySlot {
        TcpEndpoint *tcp;
        UdpEndpoint *udp;
        DWORD error; /* why it is not open, as it was logged last */
} RelaySlot;

struct Relay {
        bool own_sockets, winsock, stopping;
        Loop *loop;
        LoopWait *stop;
        LoopOp controls[_RELAY_CONTROL_END];
        RegWatch *watch;
        TableReader reader;
        RelayLimits limits;
        HashSecret secret;
        SocketCalls calls;
        LaterList later; /* of both */
        RelayTable table;
        RelaySlot *slots; /* owned; as many as .table has entries */
        uint64_t retry_usec, retry_after_usec;
        uint64_t reload_usec; /* when to read the table again */
        uint64_t torn_usec;   /* when to take it as it is, though somebody writes; 0: not now */
        LogLimit limit;       /* of lines about endpoints that cannot be opened */
        TcpContext tcp;
        UdpContext udp;
};

static void relay_slot_close(RelaySlot *slot) {
        slot->tcp = tcp_endpoint_close(slot->tcp);
        slot->udp = udp_endpoint_close(slot->udp);
}

static void relay_slot_move(RelaySlot *slot, const RelayEntry *entry) {
        if (slot->tcp)
                tcp_endpoint_move(slot->tcp, entry);
        if (slot->udp)
                udp_endpoint_move(slot->udp, entry);
}

/* Each reason is logged once, but an endpoint may come and go as often as its guest likes. */
static bool relay_slot_open(Relay *r, RelaySlot *slot, const RelayEntry *entry) {
        char listen[IP_ENDPOINT_TEXT_MAX];
        DWORD error;

        if (entry->listen.udp)
                error = udp_endpoint_new(&slot->udp, &r->udp, entry, r->own_sockets);
        else if (slot->tcp)
                error = tcp_endpoint_reopen(slot->tcp);
        else
                error = tcp_endpoint_new(&slot->tcp, &r->tcp, entry);
        ip_endpoint_format(&entry->listen, listen);
        if (error == ERROR_SUCCESS && slot->error != ERROR_SUCCESS)
                log_write(LOG_LEVEL_NOTICE, "Listening on %s at last", listen);
        if (error != ERROR_SUCCESS && error != slot->error && log_may(&r->limit))
                (void) log_win_error(error, "Cannot listen on %s, trying again", listen);
        slot->error = error;
        return error == ERROR_SUCCESS;
}

static void relay_retry_soon(Relay *r) {
        r->retry_after_usec = RELAY_RETRY_FIRST_USEC;
        r->retry_usec = loop_now_usec() + r->retry_after_usec;
}

/* Open what could not be opened, and open again what does not work any more. */
static void relay_retry(Relay *r) {
        bool all = true;

        for (size_t i = 0; i < r->table.n_entries; i++) {
                RelaySlot *slot = &r->slots[i];

                if (slot->udp && udp_endpoint_is_broken(slot->udp))
                        relay_slot_close(slot);
                if (slot->tcp ? tcp_endpoint_is_broken(slot->tcp) : !slot->udp)
                        all &= relay_slot_open(r, slot, &r->table.entries[i]);
        }
        r->retry_after_usec *= 2;
        if (r->retry_after_usec > RELAY_RETRY_LONGEST_USEC)
                r->retry_after_usec = RELAY_RETRY_LONGEST_USEC;
        r->retry_usec = all ? LOOP_NO_DEADLINE : loop_now_usec() + r->retry_after_usec;
        tcp_endpoints_resume(&r->tcp); /* may ask for another look */
}

/* Close what is gone, before anything is opened: a new endpoint may overlap with an old one. */
static void relay_close_gone(Relay *r, const RelayTable *table) {
        RelayDiff diff = {0};
        RelayChange c;

        while (relay_diff_next(&diff, &r->table, table, &c))
                if (c.kind == RELAY_CLOSE)
                        relay_slot_close(&r->slots[c.old - r->table.entries]);
}

/* All endpoints of UDP share what may wait in the system, so that nobody fills the host's memory by
 * sending to many of them. */
static void relay_share_queues(Relay *r, const RelayTable *table) {
        size_t n = 0;
        uint32_t size;

        for (size_t i = 0; i < table->n_entries; i++)
                n += table->entries[i].listen.udp;
        size = relay_udp_queue(n);
        if (size == r->udp.queue_size)
                return;
        r->udp.queue_size = size;
        for (size_t i = 0; i < r->table.n_entries; i++)
                if (r->slots[i].udp)
                        udp_endpoint_resize(r->slots[i].udp);
}

/* Take over @table, whose slots are @slots, still empty. */
static void relay_take(Relay *r, RelayTable *table, RelaySlot *slots) {
        RelayDiff diff = {0};
        RelayChange c;
        size_t n_changes = 0;
        bool all = true;

        relay_close_gone(r, table);
        relay_share_queues(r, table);
        while (relay_diff_next(&diff, &r->table, table, &c)) {
                RelaySlot *slot;

                n_changes += c.kind != RELAY_SAME;
                if (!c.new)
                        continue;
                slot = &slots[c.new - table->entries];
                if (c.old)
                        *slot = r->slots[c.old - r->table.entries];
                if (c.kind == RELAY_MOVE)
                        relay_slot_move(slot, c.new);
                if (c.kind == RELAY_OPEN)
                        all &= relay_slot_open(r, slot, c.new);
        }
        relay_table_done(&r->table);
        free(r->slots);
        r->table = *table;
        r->slots = slots;
        if (!all)
                relay_retry_soon(r);
        if (n_changes > 0)
                log_write(LOG_LEVEL_NOTICE, "Forwarding %zu endpoints (%zu have changed)",
                          table->n_entries, n_changes);
}

/* After an error, the old table stays in force. */
static int relay_load(Relay *r) {
        RelayTable table;
        RelaySlot *slots;
        int error;

        error = table_reader_read(&r->reader, r->torn_usec > 0 && r->torn_usec <= loop_now_usec(),
                                  &table, &r->limits);
        if (error != -EAGAIN)
                r->torn_usec = 0;
        else if (r->torn_usec == 0)
                r->torn_usec = loop_now_usec() + RELAY_TORN_MAX_USEC;
        r->reload_usec = loop_now_usec() + (error == -EAGAIN ? RELAY_TORN_USEC : RELAY_RELOAD_USEC);
        if (error < 0)
                return error;
        slots = calloc(table.n_entries + 1, sizeof(*slots));
        if (!slots) {
                relay_table_done(&table);
                return -ENOMEM;
        }
        r->reload_usec = LOOP_NO_DEADLINE;
        relay_take(r, &table, slots);
        tcp_endpoints_resume(&r->tcp);
        return 0;
}

static void relay_on_registry(void *userdata) {
        Relay *r = userdata;

        r->reload_usec = 0;
}

static void relay_on_control(LoopOp *op, DWORD error, DWORD n_bytes) {
        Relay *r = op->userdata;

        if (op == &r->controls[RELAY_STOP])
                r->stopping = true;
        else
                r->reload_usec = 0;
}

void relay_control(Relay *r, RelayControl control) {
        loop_post(r->loop, &r->controls[control]);
}

static void relay_on_stop(LoopOp *op, DWORD error, DWORD n_bytes) {
        Relay *r = op->userdata;

        r->stopping = true;
}

static void relay_on_trouble(void *userdata) {
        Relay *r = userdata;

        uint64_t soon = loop_now_usec() + RELAY_RETRY_FIRST_USEC;

        if (r->retry_usec == LOOP_NO_DEADLINE)
                relay_retry_soon(r);
        else if (r->retry_usec > soon) /* that is for another endpoint, which is tried rarely */
                r->retry_usec = soon;
}

static int relay_open(Relay *r, const RelayOptions *options) {
        WSADATA wsa;
        int error;

        error = WSAStartup(MAKEWORD(2, 2), &wsa);
        if (error != 0)
                return log_win_error((DWORD) error, "Cannot start Winsock");
        r->winsock = true;
        error = random_bcrypt((uint8_t *) &r->secret, sizeof(r->secret));
        if (error == 0)
                error = socket_calls_load(&r->calls);
        if (error == 0)
                error = loop_new(&r->loop);
        if (error < 0)
                return error;
        for (int i = 0; i < _RELAY_CONTROL_END; i++)
                r->controls[i] = (LoopOp){.fn = relay_on_control, .userdata = r};
        r->tcp.loop = r->udp.loop = r->loop;
        if (options->stop)
                error = loop_wait_new(&r->stop, r->loop, options->stop, relay_on_stop, r);
        if (error == 0)
                error = regwatch_new(&r->watch, r->loop, RELAY_KEY, relay_on_registry, r);
        if (error == 0)
                error = relay_load(r);
        return error == -EAGAIN ? 0 : error;
}

int relay_new(Relay **ret_relay, const RelayOptions *options) {
        Relay *r = calloc(1, sizeof(*r));
        int error;

        if (!r)
                return -ENOMEM;
        r->own_sockets = options->own_sockets;
        r->retry_usec = r->reload_usec = LOOP_NO_DEADLINE;
        table_reader_init(&r->reader);
        relay_limits_init(&r->limits);
        later_list_init(&r->later);
        r->tcp.calls = r->udp.calls = &r->calls;
        r->tcp.limits = &r->limits;
        r->tcp.later = r->udp.later = &r->later;
        r->tcp.peers = peer_tables(&r->secret);
        r->tcp.troubled = r->udp.troubled = relay_on_trouble;
        r->tcp.userdata = r->udp.userdata = r;
        tcp_links_init(&r->tcp);
        udp_sessions_init(&r->udp.sessions, &r->limits, &r->secret);
        error = relay_open(r, options);
        if (error < 0) {
                relay_free(r);
                return error;
        }
        *ret_relay = r;
        return 0;
}

static uint64_t relay_deadline(const Relay *r) {
        uint64_t deadline = r->retry_usec;
        const uint64_t others[] = {r->reload_usec, regwatch_deadline(r->watch),
                                   tcp_links_deadline(&r->tcp), r->later.deadline_usec,
                                   udp_sessions_deadline(&r->udp.sessions)};

        for (size_t i = 0; i < ARRAYSIZE(others); i++)
                if (others[i] < deadline)
                        deadline = others[i];
        return deadline;
}

static void relay_tick(Relay *r) {
        uint64_t now_usec = loop_now_usec();
        UdpSession *session;

        tcp_links_tick(&r->tcp, now_usec);
        later_list_tick(&r->later, now_usec);
        while ((session = udp_sessions_expired(&r->udp.sessions, now_usec)) != NULL)
                (void) udp_link_close(udp_link_of_session(session));
        if (r->retry_usec <= now_usec)
                relay_retry(r);
        regwatch_tick(r->watch, now_usec);
        if (r->reload_usec <= now_usec)
                (void) relay_load(r); /* the error is logged */
}

int relay_run(Relay *r) {
        log_write(LOG_LEVEL_NOTICE, "The relay has started");
        while (!r->stopping) {
                loop_step(r->loop, relay_deadline(r));
                relay_tick(r);
        }
        return 0;
}

Relay *relay_free(Relay *r) {
        if (!r)
                return NULL;
        for (size_t i = 0; i < r->table.n_entries; i++)
                relay_slot_close(&r->slots[i]);
        /* The sockets were closed: let their operations complete, which frees them. */
        for (unsigned i = 0; r->loop && i < RELAY_END_TURNS; i++)
                loop_turn(r->loop, loop_now_usec());
        relay_table_done(&r->table);
        free(r->slots);
        udp_sessions_done(&r->udp.sessions);
        peer_tables_done(&r->tcp.peers);
        regwatch_free(r->watch);
        loop_wait_free(r->stop);
        table_reader_done(&r->reader);
        loop_free(r->loop);
        if (r->winsock)
                (void) WSACleanup();
        free(r);
        return NULL;
}
