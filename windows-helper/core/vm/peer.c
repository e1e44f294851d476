/* SPDX-License-Identifier: MIT */

/*
 * When to believe in the VM of a peer.
 */

#include "windows-helper/core/vm/peer.h"

const VmId *peer_vm(const Peer *p) {
        static const VmId unknown = {{0}};

        return p->any && !p->listed ? &unknown : &p->vm;
}

PeerNews peer_compare(Peer *p, const VmList *list) {
        const Vm *vm = vm_list_find(list, &p->vm);
        bool learnt;

        if (vm_id_is_null(&p->vm))
                return PEER_SAME;
        if (!vm)
                return p->listed && list->n_left_out == 0 ? PEER_GONE : PEER_SAME;
        learnt = !p->listed || p->wsl != vm->wsl;
        p->listed = true;
        p->wsl = vm->wsl;
        return learnt ? PEER_LEARNT : PEER_SAME;
}
