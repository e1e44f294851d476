/* SPDX-License-Identifier: MIT */

/*
 * Which functions of the C library the other libraries of a program have called: a library for
 * LD_PRELOAD. calls.c stands in for those functions, so whatever is called here, and is not there,
 * has never failed in a test.
 *
 * Each call of another library goes through an entry of a table, which has the function's address.
 * Here each entry gets the address of two instructions instead: the first remembers that they were
 * passed, the second goes on to the function.
 *
 *      CALLED_PROGRAM  the program that is meant
 *      CALLED_LOG      a file to which a line "LIBRARY FUNCTION" is added for each of them at the
 * end
 */

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ENTRIES_MAX 4096
#define PAGE        4096

#ifdef __x86_64__

/* Those whose names begin with this are looked at. */
static const char *const libraries[] = {"libnl-", "libsystemd.", "libinih.", "libsodium.",
                                        "libjansson."};

static struct Entry {
        const char *library, *function; /* borrowed from the loader */
} entries[ENTRIES_MAX];
static unsigned n_entries;

/* In memory that can be executed, so it cannot be written; what can be is a page table away. */
static struct Code { uint8_t remember[7], go_on[6], unused[3]; } * code;
static struct Data { uint64_t passed, function; } * data;

static int32_t distance(const void *from, const void *to) {
        return (int32_t) ((const uint8_t *) to - (const uint8_t *) from);
}

/* Return: the address of the instructions for the entry @slot. */
static const void *stand_in(unsigned i, uint64_t function) {
        struct Code *c = &code[i];
        int32_t to_passed = distance(c->go_on, &data[i].passed);
        int32_t to_function = distance(c->unused, &data[i].function);

        data[i].function = function;
        memcpy(c->remember, (uint8_t[]){0xc6, 0x05, 0, 0, 0, 0, 1}, sizeof(c->remember)); /* movb */
        memcpy(c->remember + 2, &to_passed, sizeof(to_passed));
        memcpy(c->go_on, (uint8_t[]){0xff, 0x25}, 2); /* jmp */
        memcpy(c->go_on + 2, &to_function, sizeof(to_function));
        return c;
}

static void watch(const char *library, ElfW(Addr) base, const ElfW(Rela) * r, size_t size,
                  const ElfW(Sym) * symbols, const char *names) {
        for (const ElfW(Rela) *end = r + size / sizeof(*r); r < end; r++) {
                const ElfW(Sym) *s = &symbols[ELF64_R_SYM(r->r_info)];
                uint64_t *slot = (uint64_t *) (base + r->r_offset);
                const void *page = (const void *) ((uintptr_t) slot & ~(uintptr_t) (PAGE - 1));

                if ((ELF64_R_TYPE(r->r_info) != R_X86_64_JUMP_SLOT &&
                     ELF64_R_TYPE(r->r_info) != R_X86_64_GLOB_DAT) ||
                    s->st_shndx != SHN_UNDEF || ELF64_ST_TYPE(s->st_info) != STT_FUNC ||
                    *slot == 0 || n_entries == ENTRIES_MAX)
                        continue;
                if (mprotect((void *) page, 2 * PAGE, PROT_READ | PROT_WRITE) < 0)
                        (void) mprotect((void *) page, PAGE, PROT_READ | PROT_WRITE);
                entries[n_entries] = (struct Entry){library, names + s->st_name};
                *slot = (uint64_t) (uintptr_t) stand_in(n_entries, *slot);
                n_entries++;
        }
}

static int watch_library(struct dl_phdr_info *info, size_t size, void *userdata) {
        const char *slash = strrchr(info->dlpi_name, '/');
        const char *library = slash ? slash + 1 : info->dlpi_name;
        const ElfW(Dyn) *d = NULL;
        ElfW(Addr) value[DT_JMPREL + 1] = {0};
        bool meant = false;

        for (size_t i = 0; i < sizeof(libraries) / sizeof(*libraries); i++)
                meant = meant || strncmp(library, libraries[i], strlen(libraries[i])) == 0;
        for (unsigned i = 0; i < info->dlpi_phnum; i++)
                if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
                        d = (const ElfW(Dyn) *) (info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
        if (!meant || !d)
                return 0;
        for (; d->d_tag != DT_NULL; d++)
                if (d->d_tag > 0 && d->d_tag <= DT_JMPREL)
                        value[d->d_tag] = d->d_un.d_ptr;
        watch(library, info->dlpi_addr, (const ElfW(Rela) *) value[DT_JMPREL], value[DT_PLTRELSZ],
              (const ElfW(Sym) *) value[DT_SYMTAB], (const char *) value[DT_STRTAB]);
        watch(library, info->dlpi_addr, (const ElfW(Rela) *) value[DT_RELA], value[DT_RELASZ],
              (const ElfW(Sym) *) value[DT_SYMTAB], (const char *) value[DT_STRTAB]);
        return 0;
}

/* All libraries are loaded and linked by now. */
__attribute__((constructor)) static void begin(void) {
        const char *program = getenv("CALLED_PROGRAM");
        size_t n = ENTRIES_MAX * sizeof(*code);

        if (!program || strcmp(program, program_invocation_short_name) != 0)
                return;
        code = mmap(NULL, 2 * n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (code == MAP_FAILED)
                abort();
        data = (struct Data *) (code + ENTRIES_MAX);
        (void) dl_iterate_phdr(watch_library, NULL);
        if (mprotect(code, n, PROT_READ | PROT_EXEC) < 0)
                abort();
}

__attribute__((destructor)) static void end(void) {
        const char *path = getenv("CALLED_LOG");
        int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;

        for (unsigned i = 0; i < n_entries && fd >= 0; i++)
                if (data[i].passed)
                        (void) dprintf(fd, "%s %s\n", entries[i].library, entries[i].function);
        if (fd >= 0)
                (void) close(fd);
}

#endif
