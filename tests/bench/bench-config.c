/* SPDX-License-Identifier: MIT */

/*
 * Measures how long config_load() takes for N drop-ins. Prints one line of JSON for each N:
 *
 *     {"n":100,"usec":[…],"baseline_usec":[…]}
 *
 * The baseline is to open, read and close the same files in the same order, which every loader must
 * do. The files are in the page cache for both.
 */

#include "agent/config/config.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define N_RUNS    15
#define FOLDER    "/etc/wslbridge/services.d"
#define FIRST     10000u /* listen port of the first service */
#define PATH_SIZE 256

static char root[64];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

static void service_path(unsigned i, char *ret_path) {
        (void) snprintf(ret_path, PATH_SIZE, "%s" FOLDER "/service-%05u.ini", root, i);
}

static int write_services(unsigned begin, unsigned end) {
        for (unsigned i = begin; i < end; i++) {
                char path[PATH_SIZE];
                FILE *file;

                service_path(i, path);
                file = fopen(path, "we");
                if (!file)
                        return -1;
                (void) fprintf(file,
                               "# service %u of a benchmark\n[service]\ndescription = Service %u\n"
                               "listen = 0.0.0.0:%u\nconnect-port = %u\nfirewall = private\n"
                               "remote = 192.168.0.0/16, 10.0.0.0/8\nenabled = yes\n",
                               i, i, FIRST + i, 1 + i);
                if (fclose(file) != 0)
                        return -1;
        }
        return 0;
}

static int load(unsigned n) {
        Config *config;
        int r = config_load(root, &config);
        bool good;

        if (r < 0)
                return r;
        good = config->n_services == n && config->n_problems == 0;
        config_free(config);
        return good ? 0 : -1;
}

static int read_only(unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                char path[PATH_SIZE], buffer[4096];
                int fd;

                service_path(i, path);
                fd = open(path, O_RDONLY | O_CLOEXEC);
                if (fd < 0 || read(fd, buffer, sizeof(buffer)) <= 0)
                        return -1;
                (void) close(fd);
        }
        return 0;
}

static int take_time(int (*function)(unsigned), unsigned n, uint64_t *ret_usec) {
        uint64_t begin = now_usec();
        int r = function(n);

        *ret_usec = now_usec() - begin;
        return r;
}

/* Durations of N_RUNS calls of each, in turn, so that what else the machine does is in both. */
static int measure(unsigned n, uint64_t *ret_baseline, uint64_t *ret_usec) {
        for (size_t i = 0; i < N_RUNS; i++)
                if (take_time(read_only, n, &ret_baseline[i]) < 0 ||
                    take_time(load, n, &ret_usec[i]) < 0)
                        return -1;
        return 0;
}

static void print_times(const char *name, const uint64_t *usec) {
        (void) printf(", \"%s\": [", name);
        for (size_t i = 0; i < N_RUNS; i++)
                (void) printf("%s%llu", i > 0 ? ", " : "", (unsigned long long) usec[i]);
        (void) printf("]");
}

static int run(void) {
        static const unsigned counts[] = {100, 1000, 10000};
        uint64_t usec[N_RUNS], baseline[N_RUNS];
        unsigned written = 0;

        for (size_t i = 0; i < ELEMENTSOF(counts); i++) {
                unsigned n = counts[i];

                if (write_services(written, n) < 0 || measure(n, baseline, usec) < 0)
                        return -1;
                written = n;
                (void) printf("{\"n\": %u", n);
                print_times("usec", usec);
                print_times("baseline_usec", baseline);
                (void) printf("}\n");
        }
        return 0;
}

int main(void) {
        static const char *const folders[] = {"/etc", "/etc/wslbridge", FOLDER};
        int r = 0;

        (void) snprintf(root, sizeof(root), "/tmp/wslbridge-bench-XXXXXX");
        if (!mkdtemp(root)) {
                perror(root);
                return EXIT_FAILURE;
        }
        for (size_t i = 0; i < ELEMENTSOF(folders) && r == 0; i++) {
                char path[PATH_SIZE];

                (void) snprintf(path, sizeof(path), "%s%s", root, folders[i]);
                r = mkdir(path, 0755);
        }
        if (r == 0)
                r = run();
        if (r < 0)
                (void) fprintf(stderr, "bench-config: files could not be written or loaded\n");
        (void) nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
