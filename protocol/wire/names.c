/* SPDX-License-Identifier: MIT */

/*
 * Names of the protocol's numbers, for logs, status and documents. The names of reasons and states
 * are part of an interface (status.json) and must not change.
 */

#include "protocol/wire/wire.h"

const char *wire_type_name(uint8_t type) {
        switch ((WireType) type) {
        case WIRE_HELLO:
                return "HELLO";
        case WIRE_CHALLENGE:
                return "CHALLENGE";
        case WIRE_PROOF:
                return "PROOF";
        case WIRE_WELCOME:
                return "WELCOME";
        case WIRE_REFUSED:
                return "REFUSED";
        case WIRE_STATE:
                return "STATE";
        case WIRE_RESULT:
                return "RESULT";
        case WIRE_PING:
                return "PING";
        case WIRE_PONG:
                return "PONG";
        case WIRE_BYE:
                return "BYE";
        case _WIRE_TYPE_END:
                break;
        }
        return "unknown";
}

const char *wire_service_state_name(uint8_t state) {
        switch ((WireServiceState) state) {
        case WIRE_SERVICE_PENDING:
                return "pending";
        case WIRE_SERVICE_ACTIVE:
                return "active";
        case WIRE_SERVICE_WITHDRAWN:
                return "withdrawn";
        case WIRE_SERVICE_BLOCKED:
                return "blocked";
        case WIRE_SERVICE_CONFLICT:
                return "conflict";
        case WIRE_SERVICE_REFUSED:
                return "refused";
        case WIRE_SERVICE_INVALID:
                return "invalid";
        case _WIRE_SERVICE_STATE_END:
                break;
        }
        return "unknown";
}

const char *wire_reason_name(uint16_t reason) {
        switch ((WireReason) reason) {
        case WIRE_REASON_NONE:
                return "";
        case WIRE_REASON_FOREIGN_RULE:
                return "foreign-rule";
        case WIRE_REASON_OTHER_AGENT:
                return "other-agent";
        case WIRE_REASON_PORT_IN_USE:
                return "port-in-use";
        case WIRE_REASON_POLICY_PORT:
                return "policy-port";
        case WIRE_REASON_POLICY_ADDRESS:
                return "policy-address";
        case WIRE_REASON_POLICY_PROFILE:
                return "policy-profile";
        case WIRE_REASON_POLICY_REMOTE:
                return "policy-remote";
        case WIRE_REASON_POLICY_SERVICES:
                return "policy-services";
        case WIRE_REASON_POLICY_PROTOCOL:
                return "policy-protocol";
        case WIRE_REASON_POLICY_RELAY:
                return "policy-relay";
        case WIRE_REASON_UNKNOWN_FIELD:
                return "unknown-field";
        case WIRE_REASON_HELPER_TOO_OLD:
                return "helper-too-old";
        case WIRE_REASON_NO_RELAY:
                return "no-relay";
        case WIRE_REASON_IPHLPSVC:
                return "iphlpsvc";
        case WIRE_REASON_EXCLUDED_RANGE:
                return "excluded-range";
        case WIRE_REASON_WRITE_FAILED:
                return "write-failed";
        case WIRE_REASON_FIREWALL:
                return "firewall";
        case WIRE_REASON_NOT_LISTENING:
                return "not-listening";
        case WIRE_REASON_UNREACHABLE:
                return "unreachable";
        case WIRE_REASON_FIREWALL_OFF:
                return "firewall-off";
        case WIRE_REASON_DIRECT:
                return "direct";
        case WIRE_REASON_GUEST_ADDRESS:
                return "guest-address";
        case WIRE_REASON_DUPLICATE:
                return "duplicate";
        case WIRE_REASON_CONNECT_PORT:
                return "connect-port";
        case WIRE_REASON_NO_ADDRESS:
                return "no-address";
        case WIRE_REASON_NETWORKING_MODE:
                return "networking-mode";
        }
        return "unknown";
}

const char *wire_refusal_name(uint16_t code) {
        switch ((WireRefusal) code) {
        case WIRE_REFUSAL_NOT_PAIRED:
                return "not-paired";
        case WIRE_REFUSAL_BAD_PROOF:
                return "bad-proof";
        case WIRE_REFUSAL_VERSION:
                return "version";
        case WIRE_REFUSAL_BUSY:
                return "busy";
        case WIRE_REFUSAL_INTERNAL:
                return "internal";
        case WIRE_REFUSAL_POLICY:
                return "policy";
        case _WIRE_REFUSAL_END:
                break;
        }
        return "unknown";
}

const char *wire_bye_name(uint16_t code) {
        switch ((WireBye) code) {
        case WIRE_BYE_STOPPING:
                return "stopping";
        case WIRE_BYE_PROTOCOL:
                return "protocol";
        case WIRE_BYE_SILENT:
                return "silent";
        case WIRE_BYE_REPLACED:
                return "replaced";
        case WIRE_BYE_TIMEOUT:
                return "timeout";
        case WIRE_BYE_UNPROVEN:
                return "unproven";
        case WIRE_BYE_NOT_ADMITTED:
                return "not-admitted";
        case _WIRE_BYE_END:
                break;
        }
        return "unknown";
}

const char *wire_mode_name(uint8_t mode) {
        switch ((WireMode) mode) {
        case WIRE_MODE_UNKNOWN:
                return "unknown";
        case WIRE_MODE_NAT:
                return "nat";
        case WIRE_MODE_MIRRORED:
                return "mirrored";
        case WIRE_MODE_BRIDGED:
                return "bridged";
        case WIRE_MODE_VIRTIOPROXY:
                return "virtioproxy";
        case WIRE_MODE_NONE:
                return "none";
        case _WIRE_MODE_END:
                break;
        }
        return "unknown";
}

const char *wire_forwarder_name(uint8_t forwarder) {
        switch ((WireForwarder) forwarder) {
        case WIRE_FORWARDER_NONE:
                return "";
        case WIRE_FORWARDER_PORTPROXY:
                return "portproxy";
        case WIRE_FORWARDER_RELAY:
                return "relay";
        case WIRE_FORWARDER_DIRECT:
                return "direct";
        }
        return "unknown";
}

const char *wire_why_name(uint8_t why) {
        switch ((WireForwarderReason) why) {
        case WIRE_WHY_NONE:
                return "";
        case WIRE_WHY_DEFAULT:
                return "default";
        case WIRE_WHY_ASKED:
                return "asked";
        case WIRE_WHY_PROTOCOL:
                return "protocol";
        case WIRE_WHY_CLIENT_ADDRESS:
                return "client-address";
        case WIRE_WHY_NETWORKING_MODE:
                return "networking-mode";
        }
        return "unknown";
}
