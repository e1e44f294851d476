/* SPDX-License-Identifier: MIT */

/*
 * HMAC-SHA256 and random bytes, from bcrypt.dll.
 */

#include "windows-helper/win/crypto.h"
#include "windows-helper/win/win.h"

#include <bcrypt.h>
#include <errno.h>

/* The pseudo handle BCRYPT_HMAC_SHA256_ALG_HANDLE would save opening and closing an algorithm. Wine
 * 8 accepts it but computes a MAC that differs from RFC 2104. Handshakes are rare, so the cost does
 * not matter. */
int mac_bcrypt(const uint8_t *key, const uint8_t *data, size_t n,
               uint8_t ret_mac[CRYPTO_MAC_SIZE]) {
        BCRYPT_ALG_HANDLE algorithm = NULL;
        NTSTATUS status;

        status = BCryptOpenAlgorithmProvider(&algorithm, BCRYPT_SHA256_ALGORITHM, NULL,
                                             BCRYPT_ALG_HANDLE_HMAC_FLAG);
        if (!BCRYPT_SUCCESS(status))
                return -EIO;
        status = BCryptHash(algorithm, (PUCHAR) (uintptr_t) key, CRYPTO_KEY_SIZE,
                            (PUCHAR) (uintptr_t) data, (ULONG) n, ret_mac, CRYPTO_MAC_SIZE);
        (void) BCryptCloseAlgorithmProvider(algorithm, 0);
        return BCRYPT_SUCCESS(status) ? 0 : -EIO;
}

int random_bcrypt(uint8_t *ret_bytes, size_t n) {
        NTSTATUS status;

        status = BCryptGenRandom(NULL, ret_bytes, (ULONG) n, BCRYPT_USE_SYSTEM_PREFERRED_RNG);
        return BCRYPT_SUCCESS(status) ? 0 : -EIO;
}
