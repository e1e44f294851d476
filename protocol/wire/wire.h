/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The wire format: frame header, messages, limits. docs/protocol.md is the same in prose; the
 * vectors in tests/wire/ hold both to it.
 *
 * Encoding is byte by byte, big-endian, no struct casts. Decoding checks every field exactly:
 * sizes, ranges, UTF-8, enum values, nothing left over. Knows no session: which message may come
 * when is session-agent.h's and session-helper.h's business.
 */

#include "common/buffer.h"
#include "common/ip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_VERSION     1 /* the only protocol version so far */
#define WIRE_VERSION_MIN WIRE_VERSION
#define WIRE_VERSION_MAX WIRE_VERSION

/* Header: format (1), type (1), flags (2), payload length (4). The header's own format never
 * changes with the protocol version, so that two ends can disagree politely. */
#define WIRE_HEADER_FORMAT  1
#define WIRE_HEADER_SIZE    8
#define WIRE_FLAG_IGNORABLE 0x0001 /* a receiver that does not know the type skips the frame */

#define WIRE_ID_SIZE    16 /* agent id, boot id, VM id */
#define WIRE_NONCE_SIZE 32
#define WIRE_KEY_SIZE   32
#define WIRE_MAC_SIZE   32 /* HMAC-SHA256 */

/* Limits. Strings are counted in bytes without NUL; the _MAX + 1 in a struct is for the NUL. */
#define WIRE_ENDPOINTS_MAX    16384              /* per agent; a range of 11 ports counts 11 */
#define WIRE_SERVICES_MAX     WIRE_ENDPOINTS_MAX /* each service has at least one endpoint */
#define WIRE_LISTENS_MAX      64                 /* 'listen' entries of one service */
#define WIRE_REMOTES_MAX      64                 /* 'remote' prefixes of one service */
#define WIRE_SERVICE_NAME_MAX 64
#define WIRE_DISTRO_MAX       64
#define WIRE_SOFTWARE_MAX     32  /* "wslbridge 0.1.0" */
#define WIRE_INTERFACE_MAX    15  /* IFNAMSIZ - 1 */
#define WIRE_TEXT_MAX         255 /* a reason for people */
#define WIRE_HEARTBEAT_MIN_MS 100
#define WIRE_HEARTBEAT_MAX_MS 3600000
#define WIRE_HEARTBEAT_MS     30000 /* default: how often the helper sends PING */
#define WIRE_SILENCE_FACTOR   3     /* silent for so many intervals = gone */
#define WIRE_HANDSHAKE_MS     10000 /* from connect to WELCOME, on both ends */

/* Payload limits by type. Before the proof nobody can make a peer hold more than 1 KiB. */
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
        WIRE_REFUSAL_BUSY = 4,       /* another live session has this identity, or no slot */
        WIRE_REFUSAL_INTERNAL = 5,   /* the helper cannot serve now; its text says why */
        WIRE_REFUSAL_POLICY = 6,     /* the text names the policy value of the host */
        _WIRE_REFUSAL_END,
} WireRefusal;

typedef enum WireBye {
        WIRE_BYE_STOPPING = 1, /* the sender's program ends */
        WIRE_BYE_PROTOCOL = 2, /* the receiver of this broke the protocol; the text says how */
        WIRE_BYE_SILENT = 3,   /* nothing heard for WIRE_SILENCE_FACTOR heartbeats */
        WIRE_BYE_REPLACED = 4, /* a newer session of the same identity took over */
        WIRE_BYE_TIMEOUT = 5,  /* handshake not finished in WIRE_HANDSHAKE_MS */
        WIRE_BYE_UNPROVEN = 6, /* the helper could not prove that it knows the key */
        _WIRE_BYE_END,
} WireBye;

/* Networking mode of the guest, facts 6.2. */
typedef enum WireMode {
        WIRE_MODE_UNKNOWN = 0,
        WIRE_MODE_NAT = 1,
        WIRE_MODE_MIRRORED = 2,
        WIRE_MODE_BRIDGED = 3,
        WIRE_MODE_VIRTIOPROXY = 4, /* "consomme" from WSL 2.9 on */
        WIRE_MODE_NONE = 5,
        _WIRE_MODE_END,
} WireMode;

/* ACTIVE is best, then worse with each number: a service shows the worst of its endpoints. */
typedef enum WireServiceState {
        WIRE_SERVICE_PENDING = 0,
        WIRE_SERVICE_ACTIVE = 1,
        WIRE_SERVICE_WITHDRAWN = 2, /* nothing to forward to: no address, networking mode */
        WIRE_SERVICE_BLOCKED = 3,   /* Windows is in the way: iphlpsvc, excluded range, error */
        WIRE_SERVICE_CONFLICT = 4,  /* somebody else's rule, agent or process has the endpoint */
        WIRE_SERVICE_REFUSED = 5,   /* policy */
        WIRE_SERVICE_INVALID = 6,   /* the request itself cannot be carried out */
        _WIRE_SERVICE_STATE_END,
} WireServiceState;

typedef enum WireReason {
        WIRE_REASON_NONE = 0,
        WIRE_REASON_FOREIGN_RULE = 1, /* conflict: PortProxy value that is not ours */
        WIRE_REASON_OTHER_AGENT = 2,  /* conflict: the text names the holder */
        WIRE_REASON_PORT_IN_USE = 3,  /* conflict: another process listens */
        WIRE_REASON_POLICY_PORT = 16, /* refused: texts name the policy value */
        WIRE_REASON_POLICY_ADDRESS = 17,
        WIRE_REASON_POLICY_PROFILE = 18,
        WIRE_REASON_POLICY_REMOTE = 19,
        WIRE_REASON_POLICY_SERVICES = 20,
        WIRE_REASON_IPHLPSVC = 32,       /* blocked: service stopped, disabled or missing */
        WIRE_REASON_EXCLUDED_RANGE = 33, /* blocked */
        WIRE_REASON_WRITE_FAILED = 34,   /* blocked: registry error, the text has it */
        WIRE_REASON_FIREWALL = 35,       /* blocked: no firewall rule; active: may be ineffective */
        WIRE_REASON_NOT_LISTENING = 36,  /* pending, blocked: iphlpsvc does not listen (yet) */
        WIRE_REASON_GUEST_ADDRESS = 48,  /* invalid: address not acceptable */
        WIRE_REASON_DUPLICATE = 49,      /* invalid: same endpoint twice in one STATE */
        WIRE_REASON_NO_ADDRESS = 64,     /* withdrawn: the guest has none */
        WIRE_REASON_NETWORKING_MODE = 65, /* withdrawn: guest has the host's own address */
} WireReason;

/* Windows Firewall profiles, numbered as NET_FW_PROFILE2_* (fact 5.1). */
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
        bool has_mac; /* false: the sender has no key (only helpers that don't insist accept it) */
        uint8_t mac[WIRE_MAC_SIZE];
} WireProof;

/* REFUSED (WireRefusal) and BYE (WireBye). */
typedef struct WireNotice {
        uint16_t code; /* never 0; unknown ones are carried, not refused */
        char text[WIRE_TEXT_MAX + 1];
} WireNotice;

typedef struct WireListen {
        IpAddr addr; /* host side */
        uint16_t port;
        uint16_t count;        /* ports port … port + count - 1, at least 1 */
        uint16_t connect_port; /* guest side, of the first port; the range maps one to one */
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
                n_remotes; /* in WireState.remotes; n > 0 just for WIRE_REMOTE_LIST */
} WireService;

typedef struct WireAddress { /* family NONE = the guest has no such address */
        IpAddr addr;
        uint8_t prefix;
        IpAddr gateway; /* family NONE = no default route */
} WireAddress;

/* All that an agent wants, whole and idempotent. Flat arrays keep 10,000 services cheap. */
typedef struct WireState {
        uint64_t sequence; /* grows with every STATE of a session, starts at 1 */
        uint8_t mode;      /* WireMode */
        char interface[WIRE_INTERFACE_MAX + 1]; /* "" = none */
        WireAddress v4, v6;
        WireService *services; /* owned, as the other arrays; names are unique */
        WireListen *listens;
        WirePrefix *remotes;
        uint32_t n_services, n_listens, n_remotes;
} WireState;

#define WIRE_STATE_NULL ((WireState){0})

typedef struct WireServiceResult {
        uint8_t state;   /* WireServiceState */
        uint16_t reason; /* WireReason; unknown ones are carried, not refused */
        char *text;      /* owned; NULL = empty; at most WIRE_TEXT_MAX bytes */
} WireServiceResult;

typedef struct WireResult {
        uint64_t sequence;           /* of the STATE it speaks of */
        uint32_t apply_usec;         /* how long the host took, saturated */
        WireServiceResult *services; /* owned; one for each service, in STATE's order */
        uint32_t n_services;
} WireResult;

#define WIRE_RESULT_NULL ((WireResult){0})

/**
 * wire_header_decode() - read a frame header
 * @data: at least WIRE_HEADER_SIZE bytes
 *
 * Checks the format byte, that no undefined flag is set (none at all on a known type), and the
 * length against the limit of the type (WIRE_SMALL_PAYLOAD_MAX for unknown types), so that a peer
 * is refused before a byte of its payload is stored. An unknown type is no error here.
 *
 * Return: 0; -EPROTO when the header is malformed; -EMSGSIZE when it announces too much.
 */
int wire_header_decode(const uint8_t *data, WireHeader *ret_header);

/* Largest payload a type may have. */
uint32_t wire_payload_max(uint8_t type);

bool wire_type_known(uint8_t type);

/* Name of a type, "HELLO"; "unknown" for others. Also for the other enums; never NULL. */
const char *wire_type_name(uint8_t type);
const char *wire_service_state_name(uint8_t state); /* "active" */
const char *wire_reason_name(uint16_t reason);      /* "foreign-rule"; "" for NONE */
const char *wire_refusal_name(uint16_t code);       /* "not-paired" */
const char *wire_bye_name(uint16_t code);           /* "stopping" */
const char *wire_mode_name(uint8_t mode);           /* "nat" */

/*
 * wire_*_encode() - append one whole frame, header included, to @out
 *
 * The caller vouches for the values; what could not be decoded again is refused.
 *
 * Return: 0; -EINVAL for a value outside its limits; -EMSGSIZE when the payload would exceed the
 * type's limit; -ENOMEM. On failure @out is as before.
 */
int wire_hello_encode(const WireHello *m, Buffer *out);
int wire_challenge_encode(const WireChallenge *m, Buffer *out);
int wire_proof_encode(const WireProof *m, Buffer *out);
int wire_welcome_encode(const WireProof *m, Buffer *out);
int wire_refused_encode(const WireNotice *m, Buffer *out);
int wire_state_encode(const WireState *m, Buffer *out);
int wire_result_encode(const WireResult *m, Buffer *out);
int wire_ping_encode(uint64_t token, Buffer *out);
int wire_pong_encode(uint64_t token, Buffer *out);
int wire_bye_encode(const WireNotice *m, Buffer *out);

/*
 * wire_*_decode() - read a payload (the frame without its header)
 *
 * Return: 0; -EPROTO for anything that docs/protocol.md does not allow; -ENOMEM. Messages with
 * owned memory are untouched on failure and are released with their _done function.
 */
int wire_hello_decode(const uint8_t *p, size_t n, WireHello *ret);
int wire_challenge_decode(const uint8_t *p, size_t n, WireChallenge *ret);
int wire_proof_decode(const uint8_t *p, size_t n, WireProof *ret);   /* PROOF and WELCOME */
int wire_notice_decode(const uint8_t *p, size_t n, WireNotice *ret); /* REFUSED and BYE */
int wire_state_decode(const uint8_t *p, size_t n, WireState *ret);
int wire_result_decode(const uint8_t *p, size_t n, WireResult *ret);
int wire_token_decode(const uint8_t *p, size_t n, uint64_t *ret); /* PING and PONG */

void wire_state_done(WireState *m);
void wire_result_done(WireResult *m);

/* Endpoints that @m asks for, ranges counted by port; saturated. */
uint32_t wire_state_endpoints(const WireState *m);

/* Make @text what a string on the wire may be: at most @max bytes, cut between characters, with '?'
 * for each byte of malformed UTF-8 and each control character. For texts that quote outside input
 * or that snprintf(3) may have cut inside a character. */
void wire_text_clean(char *text, size_t max);

/* Service names are file names on one end and text in rules on the other: 1 to
 * WIRE_SERVICE_NAME_MAX bytes of [A-Za-z0-9._-], not starting with '.' or '-'. */
bool wire_service_name_valid(const char *name);
