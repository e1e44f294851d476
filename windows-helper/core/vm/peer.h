/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the transport knows of a connection's other end before its first byte has arrived, and what
 * the lists of running VMs add to that. Pure.
 */

#include "windows-helper/core/vm/vm-list.h"

typedef struct Peer {
        VmId vm;           /* its VM, or null; use peer_vm() */
        bool any;          /* it came through the listener for any VM: .vm is only what the peer's
                            * address said, and nobody documents that (fact 3.1.2) */
        bool listed;       /* .vm was in a list of the Host Compute Service */
        bool wsl;          /* the VM is one of WSL */
        bool source_known; /* the transport reports the peer's port, which is … */
        uint32_t source;   /* … this one */
} Peer;

/* The VM of the peer, or null if it is not known for sure: a listener of one VM vouches for it, and
 * so does a list that has had it. */
const VmId *peer_vm(const Peer *p);

typedef enum PeerNews {
        PEER_SAME,   /* the list tells nothing new about this peer */
        PEER_LEARNT, /* its VM is known now, or known better */
        PEER_GONE,   /* its VM was in an earlier list, and does not run any more */
} PeerNews;

/**
 * peer_compare() - learn from a list of the Host Compute Service
 *
 * An id that no list has ever had proves nothing: it may be no VM's id at all, or the service may
 * not know it yet. A list that has left VMs out does not prove that one has gone, either.
 */
PeerNews peer_compare(Peer *p, const VmList *list);
