/* SPDX-License-Identifier: MIT */

/*
 * Step 14: which engine translates the addresses of guests: ICS, or WinNAT with its objects.
 */

#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/selftest/tools/wmi.h"

#include "common/json-read.h"

#include <objbase.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAT_NETWORKS_MAX 16

/* From the header of computenetwork.dll. Texts are freed with CoTaskMemFree(). */
typedef struct NatApi {
        HRESULT(WINAPI *list)(const wchar_t *query, wchar_t **ret_networks, wchar_t **ret_error);
        HRESULT(WINAPI *open)(const GUID *id, void **ret_network, wchar_t **ret_error);
        HRESULT(WINAPI *query)
        (void *network, const wchar_t *query, wchar_t **ret_text, wchar_t **ret_error);
        HRESULT(WINAPI *close)(void *network);
} NatApi;

static bool nat_load(Step *s, NatApi *ret_api) {
        static const wchar_t dll[] = L"computenetwork.dll";

        return step_function(s, "nat.networks", dll, "HcnEnumerateNetworks", &ret_api->list) &&
               step_function(s, "nat.networks", dll, "HcnOpenNetwork", &ret_api->open) &&
               step_function(s, "nat.networks", dll, "HcnQueryNetworkProperties",
                             &ret_api->query) &&
               step_function(s, "nat.networks", dll, "HcnCloseNetwork", &ret_api->close);
}

/* UTF-8 of a text that was allocated by COM, which is freed. The caller frees; may be NULL. */
static char *nat_text(wchar_t *wide) {
        char *text = NULL;

        if (wide)
                (void) win_from_wide(wide, wcslen(wide), &text);
        CoTaskMemFree(wide);
        return text;
}

/* Only networks that Windows and WSL name themselves are named. */
static void nat_properties(Step *s, const char *json) {
        char type[32] = "?", name[64] = "";
        uint64_t began = step_clock();
        JsonReader r;
        JsonToken t;

        json_reader_init(&r, json, strlen(json));
        if (json_next(&r, &t) < 0 || t.type != JSON_OBJECT)
                return;
        while (json_next(&r, &t) == 0 && t.type != JSON_OBJECT_END) {
                if (json_skip(&r, &t) < 0)
                        return;
                if (strcmp(t.name, "Type") == 0)
                        (void) snprintf(type, sizeof(type), "%.31s", t.text);
                else if (strcmp(t.name, "Name") == 0)
                        (void) snprintf(name, sizeof(name), "%.63s", t.text);
        }
        if (strncmp(name, "WSL", 3) != 0 && strcmp(name, "Default Switch") != 0)
                (void) snprintf(name, sizeof(name), "another");
        step_line(s, "nat.type", "HcnQueryNetworkProperties", 0, began, "network %s is of type %s",
                  name, type);
}

static void nat_network(Step *s, const NatApi *api, const char *id) {
        wchar_t braces[64], *error = NULL, *text = NULL;
        void *network = NULL;
        char *json;
        GUID guid;

        (void) win_format(braces, ARRAYSIZE(braces), L"{%.36hs}", id);
        if (FAILED(CLSIDFromString(braces, &guid)) || FAILED(api->open(&guid, &network, &error))) {
                CoTaskMemFree(error);
                return;
        }
        if (FAILED(api->query(network, L"{}", &text, &error)))
                CoTaskMemFree(error);
        json = nat_text(text);
        if (json)
                nat_properties(s, json);
        free(json);
        (void) api->close(network);
}

static void nat_networks(Step *s) {
        wchar_t *text = NULL, *error = NULL;
        uint64_t began = step_clock();
        unsigned n = 0;
        JsonReader r;
        JsonToken t;
        NatApi api;
        char *json;
        HRESULT hr;

        if (!nat_load(s, &api))
                return;
        hr = api.list(L"{}", &text, &error);
        CoTaskMemFree(error);
        json = nat_text(text);
        if (json && SUCCEEDED(hr)) {
                json_reader_init(&r, json, strlen(json));
                if (json_next(&r, &t) == 0 && t.type == JSON_ARRAY)
                        while (n < NAT_NETWORKS_MAX && json_next(&r, &t) == 0 &&
                               t.type == JSON_STRING && step_is_open(s)) {
                                nat_network(s, &api, t.text);
                                n++;
                        }
        }
        free(json);
        step_line(s, "nat.networks", "HcnEnumerateNetworks", (DWORD) hr, began,
                  "virtual networks: %u", n);
}

void step_nat(Step *s) {
        static const wchar_t *const nat[] = {L"Active", L"InternalIPInterfaceAddressPrefix", NULL};
        static const wchar_t *const mapping[] = {L"Active", L"Protocol", L"ExternalPort", NULL};

        nat_networks(s);
        wmi_list(s, "nat.winnat", L"MSFT_NetNat", nat);
        wmi_list(s, "nat.mappings", L"MSFT_NetNatStaticMapping", mapping);
        if (step_options(s)->pass == SELFTEST_USER)
                step_nat_mapping(s);
}
