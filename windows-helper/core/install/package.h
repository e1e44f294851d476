/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What an installation by Windows Installer decides: which way leads back when it fails after our
 * part of it, and whether a package that is removed may remove the program.
 *
 * An update runs the old package's removal after the new package's installation. So the record
 * names the package to which the installation belongs, and the removal of another one leaves it
 * alone. That also holds on a Windows Installer that does not tell an update from a removal
 * (facts 9.6.2 and 10.1.11). The claim ends with the package: one that Windows does not know any
 * more owns nothing, so an installation that was cut off keeps nobody from removing the program.
 */

#include <stdbool.h>
#include <stdint.h>
#include <wchar.h>

#define PACKAGE_CODE_SIZE 39 /* characters of "{GUID}" with the NUL */

/* What was there before the installation or the removal. */
typedef enum PackageBefore {
        PACKAGE_UNKNOWN, /* neither is under way */
        PACKAGE_NOTHING,
        PACKAGE_SETTINGS, /* only what 'uninstall --keep' leaves */
        PACKAGE_PROGRAM,  /* a version, of which a copy was kept */
        _PACKAGE_BEFORE_END,
} PackageBefore;

/* How the service was found: a way back leaves it like that. */
typedef struct PackageService {
        uint32_t start_type; /* of Windows, such as SERVICE_DISABLED */
        bool runs;
} PackageService;

#define PACKAGE_SERVICE_USUAL ((PackageService){2 /* SERVICE_AUTO_START */, true})

typedef struct PackageRecord {
        wchar_t owner[PACKAGE_CODE_SIZE]; /* the package to which the installation belongs; "": none
                                           */
        wchar_t trying[PACKAGE_CODE_SIZE];   /* the package whose installation or removal is under
                                              * way;
                                              * "": none */
        wchar_t previous[PACKAGE_CODE_SIZE]; /* the owner before that one */
        PackageBefore before;
        PackageService service; /* for PACKAGE_PROGRAM */
} PackageRecord;

typedef enum PackageBack {
        PACKAGE_BACK_NOT, /* nothing is to be taken back */
        PACKAGE_BACK_REMOVE,
        PACKAGE_BACK_REMOVE_KEEP, /* but for the settings */
        PACKAGE_BACK_REINSTALL,   /* the copy of what was there */
} PackageBack;

/* Whether @text is a GUID in braces, as Windows Installer names packages. */
bool package_is_code(const wchar_t *text);

/* Begin an installation by @package: remember what is there. @service: of the program; NULL: there
 * is no program. */
void package_begin(PackageRecord *record, const wchar_t *package, const PackageService *service,
                   bool settings);

/* Our part is done: the installation belongs to @package now. */
void package_own(PackageRecord *record, const wchar_t *package);

/* The installation is complete, or was taken back by itself: there is no way back any more. */
void package_forget(PackageRecord *record);

/* The way back for the installation of @package. The owner is the previous one then. *ret_service:
 * how the service has to be after PACKAGE_BACK_REINSTALL; the usual one, if nothing is known. */
PackageBack package_back(PackageRecord *record, const wchar_t *package,
                         PackageService *ret_service);

/* The program of @package is removed, but Windows Installer may still take that back: then
 * package_back() answers PACKAGE_BACK_REINSTALL, of the version that @package has, and tells how
 * the service was. */
void package_removed(PackageRecord *record, const wchar_t *package, const PackageService *service);

/* Whether a way back is known for @package, because package_forget() has not been called yet. */
bool package_is_under_way(const PackageRecord *record, const wchar_t *package);

/* Whether the removal of @package removes the program. @owner_known: Windows knows the owner. */
bool package_removes(const PackageRecord *record, const wchar_t *package, bool owner_known);
