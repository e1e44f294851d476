/* SPDX-License-Identifier: MIT */

/*
 * Runs a fuzz target once over each file of a folder, so that the corpus is a regression test.
 *
 *     replay-TARGET FOLDER|FILE…      prints the name of each file before it runs it; a finding
 *                                     aborts
 */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX (1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int replay_file(const char *path) {
        uint8_t *data = malloc(FILE_MAX), *exact;
        FILE *f = fopen(path, "rb");
        size_t n;

        if (data == NULL || f == NULL) {
                perror(path);
                exit(EXIT_FAILURE);
        }
        (void) printf("%s\n", path);
        (void) fflush(stdout); /* visible even if the target aborts */
        n = fread(data, 1, FILE_MAX, f);
        (void) fclose(f);
        /* A copy of exactly this size, so that ASan sees a read past the end. */
        exact = malloc(n > 0 ? n : 1);
        if (exact == NULL)
                exit(EXIT_FAILURE);
        memcpy(exact, data, n);
        free(data);
        (void) LLVMFuzzerTestOneInput(exact, n);
        free(exact);
        return 1;
}

static int replay_folder(const char *path) {
        DIR *folder = opendir(path);
        struct dirent *entry;
        int n = 0;

        if (folder == NULL) {
                perror(path);
                exit(EXIT_FAILURE);
        }
        while ((entry = readdir(folder)) != NULL) {
                char file[4096];

                if (entry->d_name[0] == '.')
                        continue;
                (void) snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
                n += replay_file(file);
        }
        (void) closedir(folder);
        return n;
}

int main(int argc, char **argv) {
        int n = 0;

        for (int i = 1; i < argc; i++) {
                struct stat st;

                if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
                        n += replay_folder(argv[i]);
                else
                        n += replay_file(argv[i]);
        }
        (void) printf("%d passed, %d failed\n", n, n > 0 ? 0 : 1);
        return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
