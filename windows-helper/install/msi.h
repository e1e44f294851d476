/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What Windows Installer has done for the package, as its custom actions: 'install' and
 * 'uninstall', and the ways back for a transaction that fails later. core/install/package.h has the
 * decisions.
 *
 * All return 0 or negative errno, which they have logged. @package is the package's product code,
 * and
 * @database its file, from which the programs come.
 */

#include <wchar.h>

/* Install this version, keeping a copy of the one that is there. @arguments: as for install() */
int msi_install(const wchar_t *package, const wchar_t *database, const wchar_t *arguments);

/* The installation of @package has failed after that: take it back. */
int msi_install_back(const wchar_t *package, const wchar_t *arguments);

/* The installation is complete. */
int msi_install_done(void);

/* Remove the program, unless another package owns the installation now. */
int msi_remove(const wchar_t *package);

/* The removal has failed after that, so Windows lists the package as before: install again, with a
 * service as it was. */
int msi_remove_back(const wchar_t *package, const wchar_t *database, const wchar_t *arguments);

/* The removal is complete. */
int msi_remove_done(const wchar_t *package);
