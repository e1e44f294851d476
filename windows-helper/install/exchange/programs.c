/* SPDX-License-Identifier: MIT */

/*
 * The steps of exchanging all programs, each for one after the other.
 */

#include "windows-helper/install/exchange/programs.h"
#include "windows-helper/install/exchange/package-file.h"
#include "windows-helper/install/exchange/program-file.h"
#include "windows-helper/program/fault.h"
#include "windows-helper/program/report.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdio.h>

#define PROGRAMS_COPY L".new"
#define PROGRAMS_KEPT L".kept"

/* @ending: NULL: its place */
static int programs_path(ProgramId id, const wchar_t *ending, wchar_t ret_path[PATHS_MAX]) {
        wchar_t name[PATHS_MAX];

        (void) win_format(name, PATHS_MAX, L"%ls%ls", programs_file(id), ending ? ending : L"");
        return paths_program(name, ret_path);
}

/* A program that lies in a folder of downloads may have another name, but only the helper can. */
static int programs_source(ProgramId id, const ProgramsFrom *from, wchar_t ret_path[PATHS_MAX]) {
        DWORD n;

        if (from->kept)
                return programs_path(id, PROGRAMS_KEPT, ret_path);
        if (id != PROGRAM_HELPER)
                return paths_beside(programs_file(id), ret_path);
        n = GetModuleFileNameW(NULL, ret_path, PATHS_MAX);
        if (n == 0 || n >= PATHS_MAX)
                return log_win_error(GetLastError(), "Cannot find the file of this program");
        return 0;
}

static int programs_open_file(ProgramFile *f, ProgramId id, const ProgramsFrom *from) {
        int r = programs_path(id, NULL, f->exe);

        if (r == 0)
                r = programs_path(id, PROGRAMS_COPY, f->copy);
        if (r == 0)
                r = program_old_name(f->exe, f->aside);
        if (r == 0)
                r = programs_source(id, from, f->source);
        /* A version that was kept may be older than one of its programs. */
        f->wanted = !from->kept || program_exists(f->source);
        return r;
}

int programs_open(Programs *p, const ProgramsFrom *from) {
        int r;

        *p = (Programs){.from = *from, .restart = RESTART_NULL};
        r = paths_program(NULL, p->folder);
        if (r == 0)
                r = paths_data(NULL, p->data);
        for (ProgramId id = 0; r == 0 && id < _PROGRAM_END; id++)
                r = programs_open_file(&p->files[id], id, from);
        if (r < 0)
                return r;
        p->is_self =
                program_same_file(p->files[PROGRAM_HELPER].source, p->files[PROGRAM_HELPER].exe);
        p->had_folder = program_exists(p->folder);
        return 0;
}

void programs_close(Programs *p) {
        restart_free(&p->restart);
}

/* Do @act for each program, in the order of the table. A test can make it fail for one of them:
 * @step, a hyphen and its number. Return: 0 or the first error, behind which nothing is done. */
static int programs_each(Programs *p, const char *step, int (*act)(Programs *p, ProgramId id)) {
        int r = 0;

        for (ProgramId id = 0; r == 0 && id < _PROGRAM_END; id++) {
                char name[32];

                (void) snprintf(name, sizeof(name), "%s-%d", step, (int) id);
                r = fault_before(name);
                r = fault_after(name, r < 0 ? r : act(p, id));
        }
        return r;
}

/* The way back goes on for the others when one fails. Return: 0 or the first error. */
static int programs_each_back(Programs *p, int (*act)(Programs *p, ProgramId id)) {
        int r = 0;

        for (int id = _PROGRAM_END - 1; id >= 0; id--) {
                int r2 = act(p, (ProgramId) id);

                r = r ? r : r2;
        }
        return r;
}

/* One that is in use is renamed, which always works. */
static bool programs_repair_file(const ProgramFile *f, const wchar_t *from) {
        wchar_t old[PATHS_MAX];

        if (from[0] && !program_exists(from))
                return true; /* it was not put aside yet */
        if (program_exists(f->exe) &&
            (program_old_name(f->exe, old) < 0 || program_rename(f->exe, old, 0) < 0))
                return false;
        if (from[0] && program_rename(from, f->exe, 0) < 0)
                return false;
        report_done("repaired", f->exe);
        return true;
}

/* Without an old helper there is no old version to be taken back. (Versions before this one told
 * Windows to delete the file of the helper when they were removed.) */
void programs_repair(Programs *p) {
        const wchar_t *const folders[] = {p->folder};
        Restart restart = RESTART_NULL;
        wchar_t from[PATHS_MAX];
        bool good = true;

        if (!restart_replaces(p->files[PROGRAM_HELPER].exe, from) || !from[0])
                return;
        for (ProgramId id = 0; id < _PROGRAM_END; id++)
                if (restart_replaces(p->files[id].exe, from))
                        good = programs_repair_file(&p->files[id], from) && good;
        if (good)
                (void) restart_spare(&restart, folders, ARRAYSIZE(folders), NULL, 0);
        restart_free(&restart);
}

static int programs_missing(const wchar_t *path) {
        log_write(LOG_LEVEL_ERROR,
                  "'%s' is missing: all programs of wslbridge are installed together. Put those of "
                  "one version into one folder, and install from there",
                  WIN_UTF8(path));
        return -ENOENT;
}

/* What could not be renamed later is better known while the old version serves. The copy is on the
 * disk before it replaces a program that works. */
static int programs_copy_one(Programs *p, ProgramId id) {
        const ProgramFile *f = &p->files[id];
        int r = 0;

        if (p->is_self)
                return program_exists(f->exe) ? 0 : programs_missing(f->exe);
        if (program_exists(f->exe))
                r = program_is_free(f->exe);
        if (r < 0 || !f->wanted)
                return r;
        if (p->from.package && id != PROGRAM_HELPER)
                return package_file_copy(p->from.package, programs_stream(id), f->copy);
        return program_exists(f->source) ? program_copy_file(f->source, f->copy)
                                         : programs_missing(f->source);
}

int programs_copy(Programs *p) {
        /* The folder inherits the protection of Program Files: users may read and run, not write.
         */
        if (!CreateDirectoryW(p->folder, NULL) && GetLastError() != ERROR_ALREADY_EXISTS)
                return log_win_error(GetLastError(), "Cannot create folder '%s'",
                                     WIN_UTF8(p->folder));
        return programs_each(p, "copy", programs_copy_one);
}

static int programs_drop_copy(Programs *p, ProgramId id) {
        package_file_sweep(p->files[id].copy);
        return program_drop(p->files[id].copy);
}

int programs_copy_undo(Programs *p) {
        int r = p->is_self ? 0 : programs_each_back(p, programs_drop_copy);

        if (!p->had_folder)
                (void) RemoveDirectoryW(p->folder);
        return r;
}

/* What brings the old version back at a restart: nothing, when nothing is exchanged. */
static size_t programs_old_version(const Programs *p, RestartPair ret_pairs[_PROGRAM_END]) {
        size_t n = 0;

        for (ProgramId id = 0; !p->is_self && id < _PROGRAM_END; id++) {
                const ProgramFile *f = &p->files[id];

                if (f->is_aside || (!f->is_placed && program_exists(f->exe)))
                        ret_pairs[n++] = (RestartPair){f->aside, f->exe};
                else if (f->wanted)
                        ret_pairs[n++] = (RestartPair){f->exe, NULL};
        }
        return n;
}

static int programs_spare(const Programs *p, Restart *r, const RestartPair *pairs, size_t n_pairs) {
        const wchar_t *const folders[] = {p->folder, p->data};

        return restart_spare(r, folders, ARRAYSIZE(folders), pairs, n_pairs);
}

int programs_pend(Programs *p) {
        RestartPair pairs[_PROGRAM_END];

        return programs_spare(p, &p->restart, pairs, programs_old_version(p, pairs));
}

/* If the way back could not rename a program, a restart has to. */
int programs_pend_undo(Programs *p) {
        for (ProgramId id = 0; id < _PROGRAM_END; id++)
                if (p->files[id].is_aside || p->files[id].is_placed)
                        return 0;
        return restart_undo(&p->restart);
}

static int programs_away_one(Programs *p, ProgramId id) {
        ProgramFile *f = &p->files[id];
        int r;

        if (p->is_self || !program_exists(f->exe))
                return 0;
        r = program_rename(f->exe, f->aside, 0);
        f->is_aside = r == 0;
        return r;
}

int programs_away(Programs *p) {
        return programs_each(p, "away", programs_away_one);
}

static int programs_back_one(Programs *p, ProgramId id) {
        ProgramFile *f = &p->files[id];
        int r;

        if (!f->is_aside)
                return 0;
        r = program_rename(f->aside, f->exe, MOVEFILE_REPLACE_EXISTING);
        f->is_aside = r < 0;
        return r;
}

int programs_away_undo(Programs *p) {
        return programs_each_back(p, programs_back_one);
}

static int programs_place_one(Programs *p, ProgramId id) {
        ProgramFile *f = &p->files[id];
        int r;

        if (p->is_self || !f->wanted)
                return 0;
        r = program_rename(f->copy, f->exe, 0);
        f->is_placed = r == 0;
        if (r == 0)
                report_done("program", f->exe);
        return r;
}

int programs_place(Programs *p) {
        return programs_each(p, "place", programs_place_one);
}

/* An antivirus may have taken the new program away by now; then there is nothing to take back. */
static int programs_unplace_one(Programs *p, ProgramId id) {
        ProgramFile *f = &p->files[id];
        int r = 0;

        if (f->is_placed && program_exists(f->exe))
                r = program_rename(f->exe, f->copy, MOVEFILE_REPLACE_EXISTING);
        f->is_placed = r < 0;
        return r;
}

int programs_place_undo(Programs *p) {
        return programs_each_back(p, programs_unplace_one);
}

int programs_settle(Programs *p) {
        Restart restart = RESTART_NULL;
        int r = programs_spare(p, &restart, NULL, 0);

        restart_free(&restart);
        return r;
}

/* The way back is killed as easily as the way there. */
int programs_settle_undo(Programs *p) {
        Restart restart = RESTART_NULL;
        RestartPair pairs[_PROGRAM_END];
        int r = programs_spare(p, &restart, pairs, programs_old_version(p, pairs));

        restart_free(&restart);
        return r;
}

void programs_sweep(Programs *p) {
        (void) programs_each_back(p, programs_drop_copy);
        for (ProgramId id = 0; id < _PROGRAM_END; id++)
                program_sweep_old(p->files[id].exe);
}

bool programs_are_installed(void) {
        wchar_t exe[PATHS_MAX];

        return programs_path(PROGRAM_HELPER, NULL, exe) == 0 && program_exists(exe);
}

int programs_keep(void) {
        wchar_t exe[PATHS_MAX], kept[PATHS_MAX];
        int r = 0;

        programs_forget();
        for (ProgramId id = 0; r == 0 && id < _PROGRAM_END; id++) {
                r = programs_path(id, NULL, exe);
                if (r == 0)
                        r = programs_path(id, PROGRAMS_KEPT, kept);
                if (r == 0 && program_exists(exe))
                        r = program_copy_file(exe, kept);
        }
        return r;
}

void programs_forget(void) {
        wchar_t kept[PATHS_MAX];

        for (ProgramId id = 0; id < _PROGRAM_END; id++)
                if (programs_path(id, PROGRAMS_KEPT, kept) == 0)
                        (void) DeleteFileW(kept);
}

static int programs_remove_one(Programs *p, ProgramId id) {
        (void) programs_drop_copy(p, id);
        return program_delete_file(p->files[id].exe);
}

int programs_remove(Programs *p) {
        const wchar_t *const folders[] = {p->folder};
        Restart restart = RESTART_NULL;
        int r, r2;

        /* What an installation that was killed has planned must not bring a program back. */
        r = restart_spare(&restart, folders, ARRAYSIZE(folders), NULL, 0);
        restart_free(&restart);
        programs_forget();
        r2 = programs_each_back(p, programs_remove_one);
        for (ProgramId id = 0; id < _PROGRAM_END; id++)
                program_sweep_old(p->files[id].exe);
        program_delete_folder(p->folder);
        return r < 0 ? r : r2;
}
