/* SPDX-License-Identifier: MIT */

/*
 * Reads a stream of the package's database with Windows' own functions.
 */

#include "windows-helper/install/exchange/package-file.h"
#include "windows-helper/store/paths.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/system-dll.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define PACKAGE_QUERY     L"SELECT `Data` FROM `Binary` WHERE `Name` = '%ls'"
#define PACKAGE_QUERY_MAX 128
#define PACKAGE_CHUNK     65536
#define PACKAGE_READ_ONLY ((const wchar_t *) 0) /* MSIDBOPEN_READONLY */

typedef unsigned long PackageHandle; /* MSIHANDLE */

static struct {
        UINT(WINAPI *open)(const wchar_t *path, const wchar_t *mode, PackageHandle *ret);
        UINT(WINAPI *view)(PackageHandle database, const wchar_t *query, PackageHandle *ret);
        UINT(WINAPI *execute)(PackageHandle view, PackageHandle record);
        UINT(WINAPI *fetch)(PackageHandle view, PackageHandle *ret_record);
        UINT(WINAPI *read)(PackageHandle record, UINT field, char *to, DWORD *size);
        UINT(WINAPI *close)(PackageHandle handle);
} msi;

static const SystemFunction msi_functions[] = {
        {"MsiOpenDatabaseW", &msi.open},    {"MsiDatabaseOpenViewW", &msi.view},
        {"MsiViewExecute", &msi.execute},   {"MsiViewFetch", &msi.fetch},
        {"MsiRecordReadStream", &msi.read}, {"MsiCloseHandle", &msi.close},
};

/* Return: the error. *ret_record: to be closed. */
static UINT package_find(PackageHandle database, const wchar_t *stream, PackageHandle *ret_record) {
        wchar_t query[PACKAGE_QUERY_MAX];
        PackageHandle view = 0;
        UINT error;

        (void) win_format(query, PACKAGE_QUERY_MAX, PACKAGE_QUERY, stream);
        error = msi.view(database, query, &view);
        if (error == ERROR_SUCCESS)
                error = msi.execute(view, 0);
        if (error == ERROR_SUCCESS)
                error = msi.fetch(view, ret_record);
        if (view)
                (void) msi.close(view);
        return error;
}

/* Return: the error. */
static UINT package_write(PackageHandle record, HANDLE file) {
        char *chunk = malloc(PACKAGE_CHUNK);
        UINT error = chunk ? ERROR_SUCCESS : ERROR_OUTOFMEMORY;
        DWORD n = PACKAGE_CHUNK, written;

        while (error == ERROR_SUCCESS && n == PACKAGE_CHUNK) {
                error = msi.read(record, 1, chunk, &n);
                if (error == ERROR_SUCCESS && !WriteFile(file, chunk, n, &written, NULL))
                        error = GetLastError();
        }
        if (error == ERROR_SUCCESS && !FlushFileBuffers(file))
                error = GetLastError();
        free(chunk);
        return error;
}

static int package_copy_record(PackageHandle record, const wchar_t *to) {
        HANDLE file =
                CreateFileW(to, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
        UINT error;

        if (file == INVALID_HANDLE_VALUE)
                return log_win_error(GetLastError(), "Cannot make '%s'", WIN_UTF8(to));
        error = package_write(record, file);
        (void) CloseHandle(file);
        return error == ERROR_SUCCESS
                       ? 0
                       : log_win_error(error, "Cannot copy the program to '%s'", WIN_UTF8(to));
}

/* Return: 0 or negative errno (logged). */
static int package_copy_stream(const wchar_t *database_path, const wchar_t *stream,
                               const wchar_t *to) {
        PackageHandle database = 0, record = 0;
        UINT error = msi.open(database_path, PACKAGE_READ_ONLY, &database);
        int r;

        if (error == ERROR_SUCCESS)
                error = package_find(database, stream, &record);
        r = error == ERROR_SUCCESS
                    ? package_copy_record(record, to)
                    : log_win_error(error, "The package has no program '%s'", WIN_UTF8(stream));
        if (record)
                (void) msi.close(record);
        if (database)
                (void) msi.close(database);
        return r;
}

static void package_temporary(const wchar_t *to, wchar_t ret_path[PATHS_MAX]) {
        (void) win_format(ret_path, PATHS_MAX, L"%ls.msi", to);
}

/* While Windows Installer has the package open for writing, nobody can open it as a database, but
 * everybody can copy it. */
int package_file_copy(const wchar_t *package, const wchar_t *stream, const wchar_t *to) {
        wchar_t temporary[PATHS_MAX];
        int r = system_dll_load(L"msi.dll", msi_functions, ARRAYSIZE(msi_functions));

        if (r < 0)
                return r;
        package_temporary(to, temporary);
        if (!CopyFileW(package, temporary, FALSE))
                return log_win_error(GetLastError(), "Cannot copy the package '%s'",
                                     WIN_UTF8(package));
        r = package_copy_stream(temporary, stream, to);
        package_file_sweep(to);
        return r;
}

void package_file_sweep(const wchar_t *to) {
        wchar_t temporary[PATHS_MAX];

        package_temporary(to, temporary);
        (void) SetFileAttributesW(temporary, FILE_ATTRIBUTE_NORMAL); /* as of the original */
        (void) DeleteFileW(temporary);
}
