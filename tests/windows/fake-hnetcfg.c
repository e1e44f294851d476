/* SPDX-License-Identifier: MIT */

/*
 * The firewall of fake-firewall.c as a COM server in a DLL, for the helper itself. A test registers
 * it in place of Wine's and sets the networks and the firewall in the registry.
 */

#include "tests/windows/fake-firewall.h"

HRESULT WINAPI DllGetClassObject(REFCLSID clsid, REFIID iid, void **ret) {
        IClassFactory *factory = fake_firewall_factory(clsid);

        if (!fake_firewall.from_registry) {
                fake_firewall_reset();
                fake_firewall.from_registry = true;
        }
        *ret = factory;
        return factory ? S_OK : CLASS_E_CLASSNOTAVAILABLE;
}

HRESULT WINAPI DllCanUnloadNow(void) {
        return S_FALSE;
}
