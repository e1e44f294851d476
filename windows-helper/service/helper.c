/* SPDX-License-Identifier: MIT */

/*
 * The running helper: it owns the loop and everything in it, passes connections to the controller,
 * and stops cleanly.
 */

#include "windows-helper/service/helper.h"
#include "windows-helper/core/base/slack-watch.h"
#include "windows-helper/host/firewall-com.h"
#include "windows-helper/net/listener.h"
#include "windows-helper/net/stream.h"
#include "windows-helper/service/backend.h"
#include "windows-helper/service/heap-count.h"
#include "windows-helper/service/heap.h"
#include "windows-helper/service/helper-lock.h"
#include "windows-helper/service/sleep-watch.h"
#include "windows-helper/service/status-file.h"
#include "windows-helper/service/surroundings.h"
#include "windows-helper/service/trace.h"
#include "windows-helper/vm/vms.h"
#include "windows-helper/win/crypto.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdlib.h>

/* The connections of the controller, and as many that only wait for their peer to close. */
#define HELPER_STREAMS_MAX (2 * CONTROLLER_CONNECTIONS_MAX)

/* At the end: time for the goodbyes to reach the agents. */
#define HELPER_GOODBYE_USEC 1000000ULL
#define HELPER_ABORT_USEC   10000ULL /* and time for aborted operations to complete, in each turn */

struct Helper {
        HANDLE lock; /* owned */
        bool winsock;
        Loop *loop; /* owned, as all below */
        Backend backend;
        Controller *controller;
        Surroundings *surroundings;
        Listener *listener; /* NULL when it has stopped, or when there is … */
        Vms *vms;           /* … this, which has a listener for each VM; otherwise NULL */
        StreamList streams;

        StatusFile status;
        SleepWatch sleep;
        SlackWatch slack;
        LoopWait *stop;
        LoopOp controls[_HELPER_CONTROL_END];
        bool stopping, handing_over;
};

static void helper_on_received(Stream *s, const uint8_t *data, size_t n) {
        PeerConnection *c = stream_userdata(s);

        trace_point(TRACE_RECEIVED);
        if (c)
                controller_receive(c, data, n, loop_now_usec());
}

/* Report the end of a connection to the controller, exactly once, no matter who ended it. */
static void helper_disconnect(Stream *s) {
        PeerConnection *c = stream_userdata(s);

        if (c) {
                stream_set_userdata(s, NULL);
                controller_disconnect(c, loop_now_usec());
        }
}

static const StreamEvents helper_stream_events = {
        .received = helper_on_received,
        .ended = helper_disconnect,
};

static void helper_on_accepted(void *userdata, SOCKET socket, const Peer *peer) {
        Helper *h = userdata;
        PeerConnection *c = NULL;
        Stream *s = NULL;

        if (!stream_list_make_room(&h->streams, HELPER_STREAMS_MAX, socket))
                return;
        if (stream_new(&s, &h->streams, h->loop, socket, &helper_stream_events, NULL) < 0)
                return;
        if (h->vms && peer->any && !vm_id_is_null(&peer->vm))
                vms_look_for(h->vms, &peer->vm);
        if (controller_connect(h->controller, s, peer, loop_now_usec(), &c) < 0) {
                stream_abort(s);
                return;
        }
        stream_set_userdata(s, c);
}

static void helper_on_vms_listed(void *userdata, const VmList *list) {
        controller_set_vms(((Helper *) userdata)->controller, list, loop_now_usec());
}

static bool helper_is_connected(void *userdata, const VmId *id) {
        return controller_is_connected(((Helper *) userdata)->controller, id);
}

static const VmsEvents helper_vms_events = {
        .accepted = helper_on_accepted,
        .listed = helper_on_vms_listed,
        .connected = helper_is_connected,
};

/* Report the connections that the controller itself has closed, or that were aborted because their
 * peer does not read. It happens here, where no controller function is running. The last operation
 * of their stream may complete seconds later, or may just have completed. */
static bool helper_reap(Helper *h) {
        bool any = false;

        for (Stream *s = h->streams.first; s; s = stream_next(s)) {
                if (!stream_is_open(s) && stream_userdata(s)) {
                        helper_disconnect(s);
                        any = true;
                }
        }
        return any;
}

static void helper_refresh(Helper *h) {
        surroundings_refresh(h->surroundings);
        if (h->vms)
                vms_refresh(h->vms);
}

/* With Fast Startup, a shutdown is a sleep, too (fact 9.1.11). After a sleep, notifications may be
 * lost and sockets dead, ours and iphlpsvc's. */
static void helper_check_sleep(Helper *h, uint64_t now_usec) {
        if (!sleep_watch_slept(&h->sleep, now_usec))
                return;
        if (h->vms)
                vms_slept(h->vms);
        helper_refresh(h);
}

/* After thousands of endpoints have gone. */
static void helper_give_back(Helper *h, uint64_t now_usec) {
        ControllerSummary summary;

        controller_summary(h->controller, &summary);
        if (slack_watch_tick(&h->slack, summary.n_endpoints, now_usec))
                heap_give_back();
}

/* Use one time for all of this. What arrives while a batch is written must be read before anybody
 * counts as silent. So the second round must not find more deadlines passed than the first. */
static void helper_dispatch(Helper *h) {
        uint64_t now_usec = loop_now_usec();

        helper_check_sleep(h, now_usec);
        stream_list_turn(&h->streams);
        stream_list_expire(&h->streams, now_usec);
        if (h->listener)
                listener_tick(h->listener, now_usec);
        if (h->vms)
                vms_tick(h->vms, now_usec);
        surroundings_tick(h->surroundings, now_usec);
        do {
                (void) helper_reap(h);
                controller_dispatch(h->controller, now_usec);
        } while (helper_reap(h));
        status_file_tick(&h->status, h->controller, h->surroundings, h->vms, now_usec);
        helper_give_back(h, now_usec);
}

static uint64_t helper_deadline(const Helper *h) {
        uint64_t deadlines[] = {
                controller_deadline(h->controller),
                surroundings_deadline(h->surroundings),
                stream_list_deadline(&h->streams),
                h->listener ? listener_deadline(h->listener) : LOOP_NO_DEADLINE,
                h->vms ? vms_deadline(h->vms) : LOOP_NO_DEADLINE,
                status_file_deadline(&h->status, h->controller, h->surroundings, h->vms),
                slack_watch_deadline(&h->slack),
        };
        uint64_t first = LOOP_NO_DEADLINE;

        for (size_t i = 0; i < ARRAYSIZE(deadlines); i++)
                first = deadlines[i] < first ? deadlines[i] : first;
        return first;
}

static void helper_on_stop(LoopOp *op, DWORD error, DWORD n_bytes) {
        ((Helper *) op->userdata)->stopping = true;
}

static void helper_on_control(LoopOp *op, DWORD error, DWORD n_bytes) {
        Helper *h = op->userdata;

        switch ((HelperControl) (op - h->controls)) {
        case HELPER_STOP:
                h->stopping = true;
                break;
        case HELPER_HAND_OVER:
                h->stopping = h->handing_over = true;
                break;
        case HELPER_REFRESH:
                helper_refresh(h);
                break;
        case _HELPER_CONTROL_END:
                break;
        }
}

void helper_control(Helper *h, HelperControl control) {
        loop_post(h->loop, &h->controls[control]);
}

/* Send the goodbyes. A connection whose peer does not close its end in time is aborted. */
static void helper_drain(Helper *h, uint64_t deadline_usec) {
        while (h->streams.first && loop_now_usec() < deadline_usec) {
                (void) helper_reap(h);
                stream_list_turn(&h->streams);
                if (h->streams.first)
                        loop_turn(h->loop, deadline_usec);
        }
        for (Stream *s = h->streams.first; s; s = stream_next(s))
                stream_abort(s);
        for (unsigned i = 0; h->streams.first && i < HELPER_STREAMS_MAX; i++) {
                stream_list_turn(&h->streams);
                loop_turn(h->loop, loop_now_usec() + HELPER_ABORT_USEC);
        }
}

int helper_run(Helper *h) {
        int r;

        while (!h->stopping) {
                helper_dispatch(h);
                heap_count_report(/* quiet= */ !h->streams.first);
                trace_report();
                loop_turn(h->loop, sleep_watch_until(&h->sleep, helper_deadline(h)));
        }
        h->listener = listener_close(h->listener);
        vms_close(h->vms);
        status_file_remove();
        if (h->handing_over) {
                controller_hand_over(h->controller, loop_now_usec());
                helper_drain(h, loop_now_usec() + HELPER_GOODBYE_USEC);
                return 0;
        }
        r = controller_stop(h->controller, loop_now_usec());
        if (r < 0)
                log_write(LOG_LEVEL_ERROR,
                          "Some rules could not be withdrawn; the next start of the helper "
                          "withdraws them");
        surroundings_finish(h->surroundings);
        helper_drain(h, loop_now_usec() + HELPER_GOODBYE_USEC);
        return r;
}

static int helper_listen(Helper *h, const HelperOptions *options) {
        const Peer anybody = {.source_known = false};
        char address[TRANSPORT_TEXT_MAX];
        DWORD error = ERROR_SUCCESS;
        int r;

        sleep_watch_start(&h->sleep, h->loop);
        if (options->transport->vm_address)
                return vms_new(&h->vms, h->loop, options->transport, &helper_vms_events, h);
        r = listener_new(&h->listener, h->loop, options->transport, &options->address, &anybody,
                         helper_on_accepted, h, &error);
        if (r < 0) {
                options->transport->format(&options->address, address);
                return log_win_error(error, "Cannot listen on %s", address);
        }
        listener_format(h->listener, address);
        log_write(LOG_LEVEL_NOTICE, "listening on %s", address);
        return 0;
}

static int helper_open(Helper *h, const HelperOptions *options) {
        ControllerOptions controller_options = options->controller;
        ControllerHost host;
        WSADATA wsa;
        int r;

        r = helper_lock_take(&h->lock);
        if (r < 0)
                return r;
        r = WSAStartup(MAKEWORD(2, 2), &wsa);
        if (r != 0)
                return log_win_error((DWORD) r, "Cannot start Winsock");
        h->winsock = true;
        r = loop_new(&h->loop);
        if (r < 0)
                return r;
        backend_init(&h->backend, &host);
        r = surroundings_new(&h->surroundings, h->loop, &h->backend, &controller_options);
        if (r < 0)
                return r;
        r = controller_new(&h->controller, &controller_options, &host, loop_now_usec());
        if (r < 0) {
                log_write(LOG_LEVEL_ERROR, "Cannot load the ledger, so nothing is changed");
                return r;
        }
        for (int i = 0; i < _HELPER_CONTROL_END; i++)
                h->controls[i] = (LoopOp){.fn = helper_on_control, .userdata = h};
        if (options->stop)
                r = loop_wait_new(&h->stop, h->loop, options->stop, helper_on_stop, h);
        if (r < 0)
                return r;
        r = surroundings_start(h->surroundings, h->controller);
        if (r < 0 || !options->transport)
                return r;
        return helper_listen(h, options);
}

int helper_new(Helper **ret_helper, const HelperOptions *options) {
        Helper *h = calloc(1, sizeof(*h));
        int r;

        if (!h)
                return -ENOMEM;
        r = helper_open(h, options);
        if (r < 0) {
                helper_free(h);
                return r;
        }
        *ret_helper = h;
        return 0;
}

Helper *helper_free(Helper *h) {
        if (!h)
                return NULL;
        sleep_watch_end();
        h->listener = listener_close(h->listener);
        vms_close(h->vms);
        if (h->loop) /* the sockets were closed: let their operations complete, which frees them */
                loop_turn(h->loop, loop_now_usec());
        vms_free(h->vms);
        surroundings_free(h->surroundings);
        loop_wait_free(h->stop);
        controller_free(h->controller);
        backend_done(&h->backend);
        loop_free(h->loop);
        if (h->winsock)
                (void) WSACleanup();
        if (h->lock)
                (void) CloseHandle(h->lock);
        free(h);
        return NULL;
}

static int helper_count_ledger(size_t *ret_n) {
        LedgerStore store = LEDGER_STORE_INIT;
        Ledger ledger = LEDGER_NULL;
        int r = ledger_store_load(&store, &ledger);

        *ret_n = ledger.n_entries;
        ledger_done(&ledger);
        ledger_store_done(&store);
        return r;
}

/* The ledger shows what controller_stop() has achieved: an entry is removed when its value is gone
 * and iphlpsvc knows that, or does not run. */
static int helper_withdraw_rules(void) {
        HelperOptions options = {0};
        Helper *h = NULL;
        size_t n_left = 0;
        int r, r2;

        controller_options_init(&options.controller);
        options.controller.mac = mac_bcrypt;
        r = helper_new(&h, &options);
        if (r < 0)
                return r;
        r2 = controller_stop(h->controller, loop_now_usec());
        helper_free(h);
        r = helper_count_ledger(&n_left);
        return r < 0 ? r : n_left == 0 ? 0 : r2 < 0 ? r2 : -EIO;
}

int helper_withdraw(size_t *ret_rules, size_t *ret_firewall) {
        int r = helper_count_ledger(ret_rules);

        if (r == 0 && *ret_rules > 0)
                r = helper_withdraw_rules();
        return r < 0 ? r : firewall_com_remove_all(ret_firewall);
}
