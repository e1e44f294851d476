/* SPDX-License-Identifier: MIT */

/*
 * The guest's side of a session, and its answers.
 */

#include "windows-helper/relay/udp-link.h"
#include "windows-helper/win/log.h"

#include <stdlib.h>
#include <string.h>

#define UDP_ROUND 16 /* datagrams of one socket before it is the turn of others */

struct UdpLink {
        UdpSession session;
        UdpContext *context; /* borrowed */
        UdpWay way;
        DatagramPort guest;
        ListNode sibling;
};

UdpLink *udp_link_of_session(UdpSession *s) {
        return LIST_ITEM(s, UdpLink, session);
}

UdpLink *udp_link_of_sibling(ListNode *node) {
        return LIST_ITEM(node, UdpLink, sibling);
}

/* A control message that says from which address a datagram is sent (fact 9.3.14). */
typedef union UdpControl {
        WSACMSGHDR header;
        char v4[WSA_CMSG_SPACE(sizeof(IN_PKTINFO))];
        char v6[WSA_CMSG_SPACE(sizeof(IN6_PKTINFO))];
} UdpControl;

static void udp_control_set(UdpControl *control, const UdpKey *key, WSABUF *ret) {
        void *data = WSA_CMSG_DATA(&control->header);
        bool v6 = key->asked.family == IP_FAMILY_V6;
        size_t size = v6 ? sizeof(IN6_PKTINFO) : sizeof(IN_PKTINFO);
        IN_PKTINFO info = {0};
        IN6_PKTINFO info6 = {.ipi6_ifindex = key->scope};

        memset(control, 0, sizeof(*control));
        control->header.cmsg_len = WSA_CMSG_LEN(size);
        control->header.cmsg_level = v6 ? (int) IPPROTO_IPV6 : (int) IPPROTO_IP;
        control->header.cmsg_type = v6 ? IPV6_PKTINFO : IP_PKTINFO;
        memcpy(&info.ipi_addr, key->asked.bytes, 4);
        memcpy(&info6.ipi6_addr, key->asked.bytes, 16);
        memcpy(data, v6 ? (void *) &info6 : (void *) &info, size);
        *ret = (WSABUF){.len = v6 ? sizeof(control->v6) : sizeof(control->v4),
                        .buf = (char *) control};
}

/* Windows has refused the source address. It does so on some hosts for clients beyond a router,
 * where any other way would do as well (fact 9.3.19). */
static void udp_link_note_refusal(UdpLink *l, DWORD error) {
        char asked[IP_TEXT_MAX], client[IP_ENDPOINT_TEXT_MAX];

        if (l->context->source_refused)
                return;
        l->context->source_refused = true;
        ip_format(&l->session.key.asked, asked);
        ip_endpoint_format(&l->session.key.client, client);
        (void) log_win_error(error,
                             "Cannot answer %s from %s, the address that it asked: Windows chooses "
                             "the address. Further answers like this are not logged",
                             client, asked);
}

/* A client that cannot be reached now loses the datagram. */
static void udp_link_answer(UdpLink *l, uint8_t *bytes, size_t n) {
        SocketAddress client;
        int size = socket_address_set(&client, &l->session.key.client, l->session.key.scope);
        WSABUF data = {.len = (ULONG) n, .buf = (char *) bytes};
        WSAMSG message = {
                .name = &client.header, .namelen = size, .lpBuffers = &data, .dwBufferCount = 1};
        UdpControl control;
        DWORD n_sent, error;

        if (l->way.choose)
                udp_control_set(&control, &l->session.key, &message.Control);
        if (l->context->calls->send_message(l->way.socket, &message, 0, &n_sent, NULL, NULL) == 0 ||
            !l->way.choose)
                return;
        error = (DWORD) WSAGetLastError();
        if (socket_error_passes((int) error))
                return;
        message.Control = (WSABUF){0};
        if (l->context->calls->send_message(l->way.socket, &message, 0, &n_sent, NULL, NULL) == 0)
                udp_link_note_refusal(l, error);
}

/* Windows says nothing of a guest that answers "port unreachable", because SIO_UDP_CONNRESET is
 * off. Wine does, and such a socket receives nothing any more (fact 10.1.15). So an error ends the
 * session, and the client's next datagram begins another one. */
static bool udp_link_on_readable(DatagramPort *p) {
        UdpLink *l = LIST_ITEM(p, UdpLink, guest);
        uint8_t *scratch = l->context->scratch;

        for (unsigned i = 0; i < UDP_ROUND; i++) {
                int n = recv(p->socket, (char *) scratch, UDP_DATAGRAM_MAX, 0);

                if (n < 0 && WSAGetLastError() == WSAEWOULDBLOCK)
                        return false;
                if (n < 0) {
                        (void) udp_link_close(l);
                        return false;
                }
                udp_sessions_answered(&l->context->sessions, &l->session, loop_now_usec());
                udp_link_answer(l, scratch, (size_t) n);
        }
        return true;
}

static void udp_link_on_failed(DatagramPort *p) {
        (void) udp_link_close(LIST_ITEM(p, UdpLink, guest));
}

static void udp_link_on_gone(DatagramPort *p) {
        free(LIST_ITEM(p, UdpLink, guest));
}

static const DatagramPortEvents udp_link_events = {
        .readable = udp_link_on_readable,
        .refused = udp_link_on_failed,
        .failed = udp_link_on_failed,
        .gone = udp_link_on_gone,
};

static DWORD udp_link_connect(SOCKET s, const IpEndpoint *guest) {
        SocketAddress address;
        int size = socket_address_set(&address, guest, 0);

        return connect(s, &address.header, size) == 0 ? ERROR_SUCCESS : (DWORD) WSAGetLastError();
}

/* For a burst of the guest. */
static void udp_link_make_room(SOCKET s, const UdpContext *context) {
        uint32_t size = relay_session_queue(context->sessions.n_sessions + 1);

        if (size > 0)
                socket_set(s, SOL_SOCKET, SO_RCVBUF, size);
}

DWORD udp_link_new(UdpLink **ret_link, UdpContext *context, ListNode *siblings, const UdpKey *key,
                   const UdpWay *way, const IpEndpoint *guest) {
        UdpLink *l = calloc(1, sizeof(*l));
        DWORD error = WSAENOBUFS;
        SOCKET s;

        if (!l)
                return error;
        l->session.key = *key;
        l->context = context;
        l->way = *way;
        s = socket_new(context->loop, guest->addr.family, SOCK_DGRAM);
        if (s != INVALID_SOCKET)
                udp_link_make_room(s, context);
        if (s == INVALID_SOCKET)
                error = (DWORD) WSAGetLastError();
        else
                error = udp_link_connect(s, guest);
        if (error == ERROR_SUCCESS &&
            udp_sessions_add(&context->sessions, &l->session, &guest->addr, loop_now_usec()) < 0)
                error = WSAENOBUFS;
        if (error != ERROR_SUCCESS) {
                if (s != INVALID_SOCKET)
                        (void) closesocket(s);
                free(l);
                return error;
        }
        list_append(siblings, &l->sibling);
        datagram_port_open(&l->guest, context->loop, context->later, s, &udp_link_events);
        *ret_link = l;
        return ERROR_SUCCESS;
}

UdpLink *udp_link_close(UdpLink *l) {
        if (!l)
                return NULL;
        udp_sessions_remove(&l->context->sessions, &l->session);
        list_remove(&l->sibling);
        datagram_port_close(&l->guest);
        return NULL;
}

/* An ICMP message about an earlier datagram may make this one fail, so it is tried twice. A socket
 * whose address the host has no more never sends again: the client's next datagram begins a session
 * with another one. */
void udp_link_forward(UdpLink *l, const uint8_t *data, size_t n) {
        int error = 0;

        udp_sessions_heard(&l->context->sessions, &l->session, loop_now_usec());
        for (int i = 0; i < 2; i++) {
                if (send(l->guest.socket, (const char *) data, (int) n, 0) >= 0)
                        return;
                error = WSAGetLastError();
                if (socket_error_passes(error) || error == WSAEMSGSIZE)
                        return;
        }
        if (!datagram_error_is_of_peer(error))
                (void) udp_link_close(l);
}

/* What the old guest has sent is discarded with it. The host's own address towards the guest may be
 * another one now; then connecting fails, and the client begins a new session with its next
 * datagram. */
DWORD udp_link_move(UdpLink *l, const IpEndpoint *guest) {
        if (udp_sessions_move(&l->context->sessions, &l->session, &guest->addr) < 0)
                return WSAENOBUFS;
        return udp_link_connect(l->guest.socket, guest);
}
