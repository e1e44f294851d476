/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Constants, limits, codes and messages of the protocol, as docs/protocol.md defines them.
 *
 * A static test compares every number here with the document.
 */

#include "common/ip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Version 1 has fixed messages. Version 2 says the same and more in tagged fields. */
#define WIRE_VERSION_MIN    1
#define WIRE_VERSION_MAX    2
#define WIRE_VERSION_FIELDS 2 /* from here on, STATE and RESULT consist of tagged fields */

/* Header: format (1), type (1), flags (2), payload length (4). It is the same in every protocol
 * version, so two ends without a common version can still say so. */
#define WIRE_HEADER_FORMAT  1
#define WIRE_HEADER_SIZE    8
#define WIRE_FLAG_IGNORABLE 0x0001 /* a receiver that does not know the type skips it */

#define WIRE_ID_SIZE    16 /* agent id, boot id, VM id */
#define WIRE_NONCE_SIZE 32
#define WIRE_KEY_SIZE   32
#define WIRE_MAC_SIZE   32 /* HMAC-SHA256 */

/* Limits. A string's limit is in bytes and leaves out the NUL, hence the _MAX + 1 in structs. */
#define WIRE_ENDPOINTS_MAX    16384              /* per agent; a range of 11 ports counts 11 */
#define WIRE_SERVICES_MAX     WIRE_ENDPOINTS_MAX /* each service has at least one endpoint */
#define WIRE_LISTENS_MAX      64                 /* 'listen' entries of one service */
#define WIRE_REMOTES_MAX      64                 /* 'remote' prefixes of one service */
#define WIRE_SERVICE_NAME_MAX 64
#define WIRE_DISTRO_MAX       64
#define WIRE_SOFTWARE_MAX     32  /* "wslbridge 0.1.0" */
#define WIRE_INTERFACE_MAX    15  /* IFNAMSIZ - 1 */
#define WIRE_TEXT_MAX         255 /* an explanation for people */
#define WIRE_HEARTBEAT_MIN_MS 100
#define WIRE_HEARTBEAT_MAX_MS 3600000
#define WIRE_HEARTBEAT_MS     30000 /* default: how often the helper sends PING */
#define WIRE_SILENCE_FACTOR   3     /* gone after so many silent intervals */
#define WIRE_HANDSHAKE_MS     10000 /* from connect to WELCOME, on both ends */

/* Tagged fields, of version 2. */
#define WIRE_FIELD_CRITICAL 0x8000 /* in an id: who does not know the field refuses the service */
#define WIRE_FIELDS_MAX     32     /* fields in one list */
#define WIRE_FIELD_SIZE_MAX 4096   /* bytes of one value */

/* Payload limits by type. Before the proof a peer can make the other end hold 1 KiB at most. */
#define WIRE_SMALL_PAYLOAD_MAX  1024
#define WIRE_STATE_PAYLOAD_MAX  (4u * 1024 * 1024)
#define WIRE_RESULT_PAYLOAD_MAX (16u + WIRE_SERVICES_MAX * (4u + WIRE_TEXT_MAX))

typedef enum WireType {
        WIRE_HELLO = 1,     /* agent → helper */
        WIRE_CHALLENGE = 2, /* helper → agent */
        WIRE_PROOF = 3,     /* agent → helper */
        WIRE_WELCOME = 4,   /* helper → agent */
        WIRE_REFUSED = 5,   /* helper → agent, closes */
        WIRE_STATE = 6,     /* agent → helper */
        WIRE_RESULT = 7,    /* helper → agent */
        WIRE_PING = 8,      /* both */
        WIRE_PONG = 9,      /* both */
        WIRE_BYE = 10,      /* both, closes */
        _WIRE_TYPE_END,
} WireType;

typedef enum WireRefusal {
        WIRE_REFUSAL_NOT_PAIRED = 1, /* no key on one of the two ends */
        WIRE_REFUSAL_BAD_PROOF = 2,  /* the keys differ */
        WIRE_REFUSAL_VERSION = 3,    /* no common protocol version */
        WIRE_REFUSAL_BUSY = 4,     /* another live session has this identity, or no slot is free */
        WIRE_REFUSAL_INTERNAL = 5, /* the helper cannot serve now; its text says why */
        WIRE_REFUSAL_POLICY = 6,   /* the text names the host's policy value */
        _WIRE_REFUSAL_END,
} WireRefusal;

typedef enum WireBye {
        WIRE_BYE_STOPPING = 1, /* the sender's program ends */
        WIRE_BYE_PROTOCOL = 2, /* the receiver of this broke the protocol; see the text */
        WIRE_BYE_SILENT = 3,   /* nothing heard for WIRE_SILENCE_FACTOR heartbeats */
        WIRE_BYE_REPLACED = 4, /* a newer session of the same identity took over */
        /* handshake not finished in WIRE_HANDSHAKE_MS, or STATE not answered */
        WIRE_BYE_TIMEOUT = 5,
        WIRE_BYE_UNPROVEN = 6, /* the helper could not prove that it knows the key */
        /* the helper does not admit this session any longer; the text says why */
        WIRE_BYE_NOT_ADMITTED = 7,
        _WIRE_BYE_END,
} WireBye;

/* Networking mode of the guest, fact 6.2.1. */
typedef enum WireMode {
        WIRE_MODE_UNKNOWN = 0,
        WIRE_MODE_NAT = 1,
        WIRE_MODE_MIRRORED = 2,
        WIRE_MODE_BRIDGED = 3,
        WIRE_MODE_VIRTIOPROXY = 4, /* "consomme" from WSL 2.9 on */
        WIRE_MODE_NONE = 5,
        _WIRE_MODE_END,
} WireMode;

/* A service shows the worst state of its endpoints. ACTIVE is best; of the others, the highest
 * number is worst. */
typedef enum WireServiceState {
        WIRE_SERVICE_PENDING = 0,
        WIRE_SERVICE_ACTIVE = 1,
        WIRE_SERVICE_WITHDRAWN = 2, /* nothing to forward to: no address, networking mode */
        WIRE_SERVICE_BLOCKED = 3,   /* Windows is in the way: iphlpsvc, excluded range, error */
        WIRE_SERVICE_CONFLICT = 4,  /* another rule, agent or process has the endpoint */
        WIRE_SERVICE_REFUSED = 5,   /* policy, or the host has no means to do it */
        WIRE_SERVICE_INVALID = 6,   /* the request itself cannot be carried out */
        _WIRE_SERVICE_STATE_END,
} WireServiceState;

typedef enum WireReason {
        WIRE_REASON_NONE = 0,
        WIRE_REASON_FOREIGN_RULE = 1, /* conflict: a PortProxy value that is not ours */
        WIRE_REASON_OTHER_AGENT = 2,  /* conflict: the text names the holder */
        WIRE_REASON_PORT_IN_USE = 3,  /* conflict: another process listens */
        WIRE_REASON_POLICY_PORT = 16, /* refused (16 to 22): the text names the value */
        WIRE_REASON_POLICY_ADDRESS = 17,
        WIRE_REASON_POLICY_PROFILE = 18,
        WIRE_REASON_POLICY_REMOTE = 19,
        WIRE_REASON_POLICY_SERVICES = 20,
        WIRE_REASON_POLICY_PROTOCOL = 21,
        WIRE_REASON_POLICY_RELAY = 22,
        WIRE_REASON_UNKNOWN_FIELD = 24,   /* refused: the host does not know what is asked for */
        WIRE_REASON_HELPER_TOO_OLD = 25,  /* refused by the agent: version 1 cannot say it */
        WIRE_REASON_NO_RELAY = 26,        /* refused: it needs the relay, and there is none */
        WIRE_REASON_IPHLPSVC = 32,        /* blocked: service stopped, disabled or missing */
        WIRE_REASON_EXCLUDED_RANGE = 33,  /* blocked */
        WIRE_REASON_WRITE_FAILED = 34,    /* blocked: registry error, quoted in the text */
        WIRE_REASON_FIREWALL = 35,        /* blocked: no firewall rule; active: it may do nothing */
        WIRE_REASON_NOT_LISTENING = 36,   /* pending, blocked: iphlpsvc does not listen (yet);
                                             active: WSL is to listen, and does not */
        WIRE_REASON_UNREACHABLE = 37,     /* active: nobody on a network of the host gets in now */
        WIRE_REASON_FIREWALL_OFF = 38,    /* active: more people get in than the service says */
        WIRE_REASON_DIRECT = 39,          /* active: no forwarding is needed; the text says why */
        WIRE_REASON_GUEST_ADDRESS = 48,   /* invalid: address not acceptable */
        WIRE_REASON_DUPLICATE = 49,       /* invalid: same endpoint twice in one STATE */
        WIRE_REASON_CONNECT_PORT = 50,    /* invalid: in this mode it must be the listen port */
        WIRE_REASON_NO_ADDRESS = 64,      /* withdrawn: the guest has no address */
        WIRE_REASON_NETWORKING_MODE = 65, /* withdrawn: no network, or version 1 (modes.h) */
} WireReason;

/* Windows Firewall profiles, numbered as NET_FW_PROFILE2_* (fact 5.1.4). */
#define WIRE_PROFILE_DOMAIN  0x01
#define WIRE_PROFILE_PRIVATE 0x02
#define WIRE_PROFILE_PUBLIC  0x04
#define WIRE_PROFILE_ALL     0x07

/* Who may connect. */
typedef enum WireRemote {
        WIRE_REMOTE_LOCAL_SUBNET = 0,
        WIRE_REMOTE_ANY = 1,
        WIRE_REMOTE_LIST = 2,
        _WIRE_REMOTE_END,
} WireRemote;

/*
 * An option is a setting of a service that is one of a few words. All options are in one table
 * (wire-options.h), from which they are read, written, compared and shown. Value 0 is the default
 * of each. They are sent in version 2 only.
 */
typedef enum WireOption {
        WIRE_OPTION_PROTOCOL,
        WIRE_OPTION_CLIENT_ADDRESS,
        WIRE_OPTION_CONNECT,
        WIRE_OPTION_FORWARDER,
        _WIRE_OPTION_END,
} WireOption;

enum { WIRE_PROTOCOL_TCP = 0, WIRE_PROTOCOL_UDP = 1 };
enum { WIRE_CLIENT_ADDRESS_HIDDEN = 0, WIRE_CLIENT_ADDRESS_PROXY_V2 = 1 };
enum { WIRE_CONNECT_ADDRESS = 0, WIRE_CONNECT_LOOPBACK = 1 };
enum { WIRE_USE_AUTO = 0, WIRE_USE_RELAY = 1 };

/* What carries a service on the host. */
typedef enum WireForwarder {
        WIRE_FORWARDER_NONE = 0,
        WIRE_FORWARDER_PORTPROXY = 1,
        WIRE_FORWARDER_RELAY = 2,
        WIRE_FORWARDER_DIRECT = 3, /* the guest is reached without a forwarder */
} WireForwarder;

/* Why it is that forwarder. */
typedef enum WireForwarderReason {
        WIRE_WHY_NONE = 0,
        WIRE_WHY_DEFAULT = 1, /* the service asks for nothing that needs another */
        WIRE_WHY_ASKED = 2,   /* the service asks for this one */
        WIRE_WHY_PROTOCOL = 3,
        WIRE_WHY_CLIENT_ADDRESS = 4,
        WIRE_WHY_NETWORKING_MODE = 5,
} WireForwarderReason;

/* Where the guest is, as the host sees it. The networking mode goes before it. */
typedef enum WirePlace {
        WIRE_PLACE_USUAL = 0,   /* as its networking mode has it */
        WIRE_PLACE_OUTSIDE = 1, /* on a network of other machines, as on an external switch */
        WIRE_PLACE_UNCLEAR = 2, /* its address is refused, or its gateway may be anybody */
} WirePlace;

typedef struct WireHeader {
        uint8_t type;
        uint16_t flags;
        uint32_t length; /* of the payload that follows */
} WireHeader;

typedef struct WireHello {
        uint8_t version_min, version_max;
        uint8_t agent_id[WIRE_ID_SIZE]; /* app-specific machine id */
        uint8_t boot_id[WIRE_ID_SIZE];
        uint8_t nonce[WIRE_NONCE_SIZE];
        bool has_vm_id;
        uint8_t vm_id[WIRE_ID_SIZE];
        char distro[WIRE_DISTRO_MAX + 1];     /* never empty */
        char software[WIRE_SOFTWARE_MAX + 1]; /* never empty */
} WireHello;

typedef struct WireChallenge {
        uint8_t version; /* chosen */
        uint8_t nonce[WIRE_NONCE_SIZE];
        uint32_t endpoints_max;
        uint32_t heartbeat_ms;
        char software[WIRE_SOFTWARE_MAX + 1];
} WireChallenge;

typedef struct WireProof { /* PROOF and WELCOME */
        bool has_mac;      /* false: the sender has no key; policy decides whether that will do */
        uint8_t mac[WIRE_MAC_SIZE];
} WireProof;

/* REFUSED (WireRefusal) and BYE (WireBye). */
typedef struct WireNotice {
        uint16_t code; /* never 0; an unknown code is passed on, not refused */
        char text[WIRE_TEXT_MAX + 1];
} WireNotice;

typedef struct WireListen {
        IpAddr addr; /* host side */
        uint16_t port;
        uint16_t count;        /* ports port … port + count - 1, at least 1 */
        uint16_t connect_port; /* guest side, of the first port; the others follow */
} WireListen;

typedef struct WirePrefix {
        IpAddr addr; /* host bits are zero */
        uint8_t length;
} WirePrefix;

typedef struct WireService {
        char name[WIRE_SERVICE_NAME_MAX + 1];
        uint8_t profiles;                 /* WIRE_PROFILE_* to open in the firewall, 0 = none */
        uint8_t remote;                   /* WireRemote */
        uint32_t first_listen, n_listens; /* in WireState.listens; n at least 1 */
        uint32_t first_remote,
                n_remotes; /* in WireState.remotes; n > 0 only for WIRE_REMOTE_LIST */
        uint8_t options[_WIRE_OPTION_END];
        uint16_t unknown_field; /* received: the first critical field that we do not know, or 0.
                                   Then the rest is not all that is asked for, and may have no
                                   listens */
} WireService;

typedef struct WireAddress { /* family NONE = the guest has no such address */
        IpAddr addr;
        uint8_t prefix;
        IpAddr gateway; /* family NONE = no default route */
} WireAddress;

/* All that an agent wants, complete and idempotent. Flat arrays keep 10,000 services cheap. */
typedef struct WireState {
        uint64_t sequence; /* grows with every STATE of a session, starts at 1 */
        uint8_t mode;      /* WireMode */
        char interface[WIRE_INTERFACE_MAX + 1]; /* "" = none */
        WireAddress v4, v6;
        WireService *services; /* owned, like the other arrays; names are unique */
        WireListen *listens;
        WirePrefix *remotes;
        uint32_t n_services, n_listens, n_remotes;
        uint16_t unknown_field; /* received: as in WireService; concerns all services */
        uint32_t n_ignored;     /* received: other fields that we do not know */
} WireState;

#define WIRE_STATE_NULL ((WireState){0})

typedef struct WireServiceResult {
        uint8_t state;          /* WireServiceState */
        uint16_t reason;        /* WireReason; an unknown one is passed on, not refused */
        char *text;             /* owned; NULL = empty; at most WIRE_TEXT_MAX bytes */
        uint8_t forwarder;      /* WireForwarder; an unknown one is passed on. Version 2 */
        uint8_t why;            /* WireForwarderReason; likewise */
        uint16_t unknown_field; /* received: as in WireService; then .state is not known */
} WireServiceResult;

typedef struct WireResult {
        uint64_t sequence;           /* of the STATE that this answers */
        uint32_t apply_usec;         /* how long the host took, saturated */
        uint8_t place;               /* WirePlace; an unknown one counts as unclear. Version 2 */
        WireServiceResult *services; /* owned; one for each service, in STATE's order */
        uint32_t n_services;
        uint16_t unknown_field; /* received: as in WireState */
        uint32_t n_ignored;
} WireResult;

#define WIRE_RESULT_NULL ((WireResult){0})
