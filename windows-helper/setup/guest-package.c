/* SPDX-License-Identifier: MIT */

/*
 * Finds, reads and checks a package.
 */

#include "windows-helper/setup/guest-package.h"

#include "windows-helper/core/setup/version.h"
#include "windows-helper/store/paths.h"
#include "windows-helper/win/crypto.h"
#include "windows-helper/win/file.h"

#include "common/hex.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKAGE_MAX (64u * 1024 * 1024) /* bytes; a real one has less than a thousandth of it */
#define SUMS_MAX    65536

typedef struct PackageFile {
        wchar_t folder[PATHS_MAX];
        wchar_t name[MAX_PATH]; /* "" = none found */
        char shown[MAX_PATH];
} PackageFile;

/* The newest one in @f->folder. */
static void package_find(const char *arch, PackageFile *f, GuestPackage *ret) {
        wchar_t pattern[PATHS_MAX];
        WIN32_FIND_DATAW entry;
        HANDLE find;

        (void) win_format(pattern, PATHS_MAX, L"%ls\\wslbridge_*.deb", f->folder);
        find = FindFirstFileW(pattern, &entry);
        for (BOOL more = find != INVALID_HANDLE_VALUE; more; more = FindNextFileW(find, &entry)) {
                char version[PACKAGE_VERSION_MAX], *name = NULL;

                if (win_from_wide(entry.cFileName, wcslen(entry.cFileName), &name) == 0 &&
                    strlen(name) < sizeof(f->shown) && package_version(name, arch, version) &&
                    (!f->name[0] || version_compare(version, ret->version) > 0)) {
                        memcpy(f->name, entry.cFileName, sizeof(f->name));
                        memcpy(f->shown, name, strlen(name) + 1);
                        memcpy(ret->version, version, sizeof(version));
                }
                free(name);
        }
        if (find != INVALID_HANDLE_VALUE)
                (void) FindClose(find);
}

static int package_check(const PackageFile *f, const uint8_t *bytes, size_t n, SetupPart *part,
                         GuestPackage *ret) {
        uint8_t hash[CRYPTO_MAC_SIZE];
        wchar_t path[PATHS_MAX];
        char sum[PACKAGE_SUM_MAX], *sums = NULL;
        size_t sums_n;
        bool found;

        (void) win_format(path, PATHS_MAX, L"%ls\\SHA256SUMS", f->folder);
        found = file_read(path, SUMS_MAX, &sums, &sums_n) == 0 &&
                package_sum(sums, f->shown, ret->sum);
        free(sums);
        if (!found) {
                setup_advises(part, "Install wslbridge again from a complete download.");
                (void) setup_says(part, SETUP_FAILED,
                                  "SHA256SUMS beside '%s' does not have its sum", f->shown);
                return -ENOENT;
        }
        if (sha256_bcrypt(bytes, n, hash) < 0)
                return -EIO;
        hex_format(hash, sizeof(hash), sum);
        if (strcmp(sum, ret->sum) == 0)
                return 0;
        setup_advises(part, "Download the release again and compare it with its SHA256SUMS.");
        (void) setup_says(part, SETUP_FAILED, "'%s' is damaged or was not downloaded to its end",
                          f->shown);
        return -EBADMSG;
}

static int package_read(const PackageFile *f, SetupPart *part, GuestPackage *ret) {
        wchar_t path[PATHS_MAX];
        char *bytes = NULL;
        size_t n = 0;
        int r;

        (void) win_format(path, PATHS_MAX, L"%ls\\%ls", f->folder, f->name);
        r = file_read(path, PACKAGE_MAX, &bytes, &n);
        if (r < 0)
                (void) setup_says(part, SETUP_FAILED, "'%s' cannot be read", WIN_UTF8(path));
        else
                r = package_check(f, (const uint8_t *) bytes, n, part, ret);
        if (r == 0) {
                package_base64((const uint8_t *) bytes, n, &ret->text);
                r = ret->text.oom ? -ENOMEM : 0;
        }
        free(bytes);
        return r;
}

int guest_package_load(const char *arch, SetupPart *part, GuestPackage *ret) {
        PackageFile f = {.name = L""};

        *ret = (GuestPackage){.text = BUFFER_NULL};
        if (paths_beside(L"guest", f.folder) == 0)
                package_find(arch, &f, ret);
        if (!f.name[0] && paths_program(L"guest", f.folder) == 0)
                package_find(arch, &f, ret);
        if (f.name[0])
                return package_read(&f, part, ret);
        setup_advises(part,
                      "They come with the installer (wslbridge-%s-x64.msi), which puts them "
                      "into '%s'.",
                      PROJECT_VERSION, WIN_UTF8(f.folder));
        (void) setup_says(part, SETUP_FAILED, "There is no package of the agent for %s", arch);
        return -ENOENT;
}

void guest_package_done(GuestPackage *p) {
        buffer_done(&p->text);
}
