/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * IUnknown of a COM object that a test makes up: it answers to every interface that is asked for,
 * and lives for ever. Whoever includes this has included a header of COM before, in its own way.
 */

#define FAKE_UNKNOWN(type_)                                                                   \
        static HRESULT STDMETHODCALLTYPE query_##type_(type_ *this, REFIID iid, void **ret) { \
                *ret = this;                                                                  \
                return S_OK;                                                                  \
        }                                                                                     \
        static ULONG STDMETHODCALLTYPE count_##type_(type_ *this) {                           \
                return 1;                                                                     \
        }
#define FAKE_BASE(type_) \
        .QueryInterface = query_##type_, .AddRef = count_##type_, .Release = count_##type_
