/* SPDX-License-Identifier: MIT */

/*
 * HMAC-SHA256 and random bytes, from bcrypt.dll, which is not a KnownDLL.
 */

#include "windows-helper/win/crypto.h"
#include "windows-helper/win/system-dll.h"
#include "windows-helper/win/win.h"

#include <bcrypt.h>
#include <errno.h>

/* Set by crypto_load() and never changed afterwards. */
static struct {
        __typeof__(&BCryptCloseAlgorithmProvider) close;
        __typeof__(&BCryptGenRandom) random;
        __typeof__(&BCryptHash) hash;
        __typeof__(&BCryptOpenAlgorithmProvider) open;
} bcrypt;

int crypto_load(void) {
        const SystemFunction functions[] = {
                {"BCryptCloseAlgorithmProvider", &bcrypt.close},
                {"BCryptGenRandom", &bcrypt.random},
                {"BCryptHash", &bcrypt.hash},
                {"BCryptOpenAlgorithmProvider", &bcrypt.open},
        };

        return system_dll_load(L"bcrypt.dll", functions, ARRAYSIZE(functions));
}

/* The pseudo handle BCRYPT_HMAC_SHA256_ALG_HANDLE would save opening and closing an algorithm. Wine
 * 8 accepts it but computes a MAC that differs from RFC 2104. Handshakes are rare, so the cost does
 * not matter. */
static int crypto_hash(ULONG flags, const uint8_t *key, const uint8_t *data, size_t n,
                       uint8_t ret[CRYPTO_MAC_SIZE]) {
        BCRYPT_ALG_HANDLE algorithm = NULL;
        NTSTATUS status;

        status = bcrypt.open(&algorithm, BCRYPT_SHA256_ALGORITHM, NULL, flags);
        if (!BCRYPT_SUCCESS(status))
                return -EIO;
        status = bcrypt.hash(algorithm, (PUCHAR) (uintptr_t) key, key ? CRYPTO_KEY_SIZE : 0,
                             (PUCHAR) (uintptr_t) data, (ULONG) n, ret, CRYPTO_MAC_SIZE);
        (void) bcrypt.close(algorithm, 0);
        return BCRYPT_SUCCESS(status) ? 0 : -EIO;
}

int mac_bcrypt(const uint8_t *key, const uint8_t *data, size_t n,
               uint8_t ret_mac[CRYPTO_MAC_SIZE]) {
        return crypto_hash(BCRYPT_ALG_HANDLE_HMAC_FLAG, key, data, n, ret_mac);
}

int sha256_bcrypt(const uint8_t *data, size_t n, uint8_t ret_hash[CRYPTO_MAC_SIZE]) {
        return crypto_hash(0, NULL, data, n, ret_hash);
}

int random_bcrypt(uint8_t *ret_bytes, size_t n) {
        NTSTATUS status;

        status = bcrypt.random(NULL, ret_bytes, (ULONG) n, BCRYPT_USE_SYSTEM_PREFERRED_RNG);
        return BCRYPT_SUCCESS(status) ? 0 : -EIO;
}
