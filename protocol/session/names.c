/* SPDX-License-Identifier: MIT */

/*
 * The names of session states, for logs and status.
 */

#include "protocol/session/session-agent.h"
#include "protocol/session/session-helper.h"

const char *agent_session_state_name(AgentSessionState state) {
        switch (state) {
        case AGENT_SESSION_IDLE:
                return "idle";
        case AGENT_SESSION_HELLO_SENT:
                return "hello-sent";
        case AGENT_SESSION_PROOF_SENT:
                return "proof-sent";
        case AGENT_SESSION_READY:
                return "ready";
        case AGENT_SESSION_CLOSED:
                return "closed";
        case _AGENT_SESSION_STATE_END:
                break;
        }
        return "unknown";
}

const char *helper_session_state_name(HelperSessionState state) {
        switch (state) {
        case HELPER_SESSION_HELLO_WAIT:
                return "hello-wait";
        case HELPER_SESSION_KEY_WAIT:
                return "key-wait";
        case HELPER_SESSION_PROOF_WAIT:
                return "proof-wait";
        case HELPER_SESSION_SLOT_WAIT:
                return "slot-wait";
        case HELPER_SESSION_READY:
                return "ready";
        case HELPER_SESSION_CLOSED:
                return "closed";
        case _HELPER_SESSION_STATE_END:
                break;
        }
        return "unknown";
}
