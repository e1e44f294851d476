/* SPDX-License-Identifier: MIT */

/*
 * Receiving from clients, and telling them apart.
 */

#include "windows-helper/relay/udp-endpoint.h"

#include <stdlib.h>
#include <string.h>

#define UDP_ROUND     16 /* datagrams of one socket before it is the turn of others */
#define UDP_DOORS_MAX 64 /* sockets of one endpoint */

/* A socket on which clients talk to the endpoint. There is one, except in tests. */
typedef struct UdpDoor {
        DatagramPort port;
        UdpEndpoint *endpoint;
        IpAddr addr; /* of the host; unspecified: all */
        ListNode node;
} UdpDoor;

struct UdpEndpoint {
        UdpContext *context; /* borrowed */
        RelayEntry entry;
        uint32_t number;
        bool own_sockets, closed, broken;
        ListNode doors, links;
        unsigned n_doors; /* not freed yet */
};

static bool udp_door_on_readable(DatagramPort *p);

static void udp_door_on_failed(DatagramPort *p) {
        UdpEndpoint *e = LIST_ITEM(p, UdpDoor, port)->endpoint;

        e->broken = true;
        e->context->troubled(e->context->userdata);
}

static void udp_door_on_gone(DatagramPort *p) {
        UdpDoor *door = LIST_ITEM(p, UdpDoor, port);
        UdpEndpoint *e = door->endpoint;

        list_remove(&door->node);
        free(door);
        if (--e->n_doors == 0 && e->closed)
                free(e);
}

static const DatagramPortEvents udp_door_events = {
        .readable = udp_door_on_readable,
        .failed = udp_door_on_failed,
        .gone = udp_door_on_gone,
};

/* What comes from all clients and what goes to them: an answer that finds no room is lost, as a
 * question is. */
static void udp_socket_share_queue(SOCKET s, uint32_t size) {
        socket_set(s, SOL_SOCKET, SO_RCVBUF, size);
        socket_set(s, SOL_SOCKET, SO_SNDBUF, size);
}

static DWORD udp_door_new(UdpEndpoint *e, const IpAddr *addr, UdpDoor **ret_door) {
        UdpDoor *door = calloc(1, sizeof(*door));
        IpEndpoint listen = {*addr, e->entry.listen.port};
        bool v6 = addr->family == IP_FAMILY_V6;
        DWORD error = WSAENOBUFS;
        SOCKET s;

        if (!door)
                return error;
        s = socket_new(e->context->loop, addr->family, SOCK_DGRAM);
        if (s != INVALID_SOCKET)
                udp_socket_share_queue(s, e->context->queue_size);
        if (s == INVALID_SOCKET || !socket_bind(s, &listen, e->own_sockets)) {
                error = (DWORD) WSAGetLastError();
                if (s != INVALID_SOCKET)
                        (void) closesocket(s);
                free(door);
                return error;
        }
        socket_set(s, v6 ? (int) IPPROTO_IPV6 : (int) IPPROTO_IP, v6 ? IPV6_PKTINFO : IP_PKTINFO,
                   TRUE);
        door->endpoint = e;
        door->addr = *addr;
        list_append(&e->doors, &door->node);
        e->n_doors++;
        datagram_port_open(&door->port, e->context->loop, e->context->later, s, &udp_door_events);
        *ret_door = door;
        return ERROR_SUCCESS;
}

DWORD udp_endpoint_new(UdpEndpoint **ret_endpoint, UdpContext *context, const RelayEntry *entry,
                       bool own_sockets) {
        static uint32_t last_number;
        UdpEndpoint *e = calloc(1, sizeof(*e));
        UdpDoor *door;
        DWORD error;

        if (!e)
                return WSAENOBUFS;
        e->context = context;
        e->entry = *entry;
        e->number = ++last_number;
        e->own_sockets = own_sockets;
        list_init(&e->doors);
        list_init(&e->links);
        error = udp_door_new(e, &entry->listen.addr, &door);
        if (error != ERROR_SUCCESS) {
                free(e);
                return error;
        }
        *ret_endpoint = e;
        return ERROR_SUCCESS;
}

UdpEndpoint *udp_endpoint_close(UdpEndpoint *e) {
        ListNode *next;

        if (!e)
                return NULL;
        while (!list_is_empty(&e->links))
                (void) udp_link_close(udp_link_of_sibling(list_first(&e->links)));
        e->closed = true;
        e->n_doors++; /* so that the last door does not free it here */
        for (ListNode *node = list_first(&e->doors); node; node = next) {
                next = list_next(&e->doors, node);
                datagram_port_close(&LIST_ITEM(node, UdpDoor, node)->port);
        }
        if (--e->n_doors == 0)
                free(e);
        return NULL;
}

void udp_endpoint_resize(UdpEndpoint *e) {
        for (ListNode *node = list_first(&e->doors); node; node = list_next(&e->doors, node))
                udp_socket_share_queue(LIST_ITEM(node, UdpDoor, node)->port.socket,
                                       e->context->queue_size);
}

bool udp_endpoint_is_broken(const UdpEndpoint *e) {
        return e->broken;
}

void udp_endpoint_move(UdpEndpoint *e, const RelayEntry *entry) {
        ListNode *next;

        e->entry = *entry;
        for (ListNode *node = list_first(&e->links); node; node = next) {
                UdpLink *l = udp_link_of_sibling(node);

                next = list_next(&e->links, node);
                if (udp_link_move(l, &entry->connect) != ERROR_SUCCESS)
                        (void) udp_link_close(l);
        }
}

/* One datagram as it came in. */
typedef struct UdpMail {
        UdpKey key;
        int n; /* bytes */
} UdpMail;

static void udp_mail_read_control(WSAMSG *message, UdpMail *mail) {
        for (WSACMSGHDR *h = WSA_CMSG_FIRSTHDR(message); h; h = WSA_CMSG_NXTHDR(message, h)) {
                const void *data = WSA_CMSG_DATA(h);
                IN_PKTINFO info;
                IN6_PKTINFO info6;

                if (h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_PKTINFO) {
                        memcpy(&info, data, sizeof(info));
                        mail->key.asked.family = IP_FAMILY_V4;
                        memcpy(mail->key.asked.bytes, &info.ipi_addr, 4);
                } else if (h->cmsg_level == IPPROTO_IPV6 && h->cmsg_type == IPV6_PKTINFO) {
                        memcpy(&info6, data, sizeof(info6));
                        mail->key.asked.family = IP_FAMILY_V6;
                        memcpy(mail->key.asked.bytes, &info6.ipi6_addr, 16);
                }
        }
}

enum { UDP_MAIL, UDP_NO_MAIL, UDP_BAD_MAIL };

/* Nobody answers a datagram that was sent to many, or one whose sender cannot be answered. When
 * receiving fails, the wait that follows tells a dead socket from one where only this datagram is
 * lost: it was too long, or an ICMP message came. */
static int udp_door_receive(UdpDoor *door, UdpMail *ret_mail) {
        UdpContext *c = door->endpoint->context;
        SocketAddress from = {0};
        union {
                WSACMSGHDR header;
                char bytes[256];
        } control;
        WSABUF data = {.len = sizeof(c->scratch), .buf = (char *) c->scratch};
        WSAMSG message = {.name = &from.header,
                          .namelen = sizeof(from),
                          .lpBuffers = &data,
                          .dwBufferCount = 1,
                          .Control = {.len = sizeof(control), .buf = control.bytes}};
        DWORD n = 0;

        *ret_mail = (UdpMail){.key = {.endpoint = door->endpoint->number, .asked = door->addr}};
        if (c->calls->receive_message(door->port.socket, &message, &n, NULL, NULL) != 0)
                return UDP_NO_MAIL;
        if (message.dwFlags & (MSG_BCAST | MSG_MCAST))
                return UDP_BAD_MAIL;
        ret_mail->n = (int) n;
        udp_mail_read_control(&message, ret_mail);
        if (!socket_address_get(&from, &ret_mail->key.client, &ret_mail->key.scope))
                return UDP_BAD_MAIL;
        return ret_mail->key.client.port != 0 ? UDP_MAIL : UDP_BAD_MAIL;
}

/* For the tests, see above: the door that has the asked address of its own. */
static UdpDoor *udp_door_for(UdpDoor *door, const IpAddr *asked) {
        UdpEndpoint *e = door->endpoint;
        UdpDoor *own = door;

        if (!e->own_sockets || !ip_is_any(&door->addr))
                return door;
        for (ListNode *node = list_first(&e->doors); node; node = list_next(&e->doors, node))
                if (ip_compare(&LIST_ITEM(node, UdpDoor, node)->addr, asked) == 0)
                        return LIST_ITEM(node, UdpDoor, node);
        if (e->n_doors == UDP_DOORS_MAX || udp_door_new(e, asked, &own) != ERROR_SUCCESS)
                return door;
        return own;
}

/* Windows has no port left for another socket; some of them may be set aside (fact 4.3.2). The last
 * one is Wine's. */
static bool udp_ports_are_short(DWORD error) {
        return error == WSAENOBUFS || error == WSAEADDRINUSE || error == WSAEWOULDBLOCK;
}

static UdpLink *udp_door_admit(UdpDoor *door, const UdpMail *mail) {
        UdpEndpoint *e = door->endpoint;
        UdpDoor *out = udp_door_for(door, &mail->key.asked);
        UdpWay way = {.socket = out->port.socket, .choose = ip_is_any(&out->addr)};
        UdpSession *victim = NULL;
        UdpLink *l = NULL;
        DWORD error;

        switch (udp_sessions_judge(&e->context->sessions, &mail->key.client.addr,
                                   &e->entry.connect.addr, &victim)) {
        case UDP_REFUSED:
                return NULL;
        case UDP_REPLACES:
                (void) udp_link_close(udp_link_of_session(victim));
                break;
        case UDP_WELCOME:
                break;
        }
        error = udp_link_new(&l, e->context, &e->links, &mail->key, &way, &e->entry.connect);
        victim = udp_sessions_unanswered(&e->context->sessions);
        if (udp_ports_are_short(error) && victim) {
                (void) udp_link_close(udp_link_of_session(victim));
                error = udp_link_new(&l, e->context, &e->links, &mail->key, &way,
                                     &e->entry.connect);
        }
        return error == ERROR_SUCCESS ? l : NULL;
}

static bool udp_door_on_readable(DatagramPort *p) {
        UdpDoor *door = LIST_ITEM(p, UdpDoor, port);
        UdpContext *c = door->endpoint->context;

        for (unsigned i = 0; i < UDP_ROUND; i++) {
                UdpSession *session;
                UdpMail mail;
                UdpLink *l;
                int r;

                r = udp_door_receive(door, &mail);
                if (r == UDP_NO_MAIL)
                        return false;
                if (r == UDP_BAD_MAIL)
                        continue;
                session = udp_sessions_find(&c->sessions, &mail.key);
                l = session ? udp_link_of_session(session) : udp_door_admit(door, &mail);
                if (l)
                        udp_link_forward(l, c->scratch, (size_t) mail.n);
        }
        return true;
}
