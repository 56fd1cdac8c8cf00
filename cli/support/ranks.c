#include "support/ranks.h"

#include "support/memory.h"
#include "support/mpi_module.h"
#include "support/report.h"
#include "support/seats.h"
#include "support/try.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    bool open;
    mpi_module module;
    prnn_context *ctx; /* for the last agreement */
    bool agreed;       /* all know that the command failed */
} ranks;

bool ranks_many(void) {
    return ranks.open;
}

bool ranks_first(void) {
    return ranks.module.ranks.rank == 0;
}

int ranks_local(void) {
    return ranks.module.local_rank;
}

/* ------------------------------------------------------------------------------------- the module */

static long number_of(const char *variable) {
    const char *text = getenv(variable);
    return text ? strtol(text, NULL, 10) : -1;
}

/* What launched this process, as far as its environment tells. */
typedef struct launch {
    const char *implementation;
    long processes, rank;
} launch;

/* Slurm speaks PMIx with Open MPI and PMI2 with both, and mpiexec of MPICH (and its kin) PMI. */
static launch find_launch(void) {
    if (number_of("OMPI_COMM_WORLD_SIZE") > 0) {
        return (launch){"openmpi", number_of("OMPI_COMM_WORLD_SIZE"), number_of("OMPI_COMM_WORLD_RANK")};
    }
    if (number_of("PMI_SIZE") > 0) {
        return (launch){"mpich", number_of("PMI_SIZE"), number_of("PMI_RANK")};
    }
    if (getenv("PMIX_RANK") && number_of("SLURM_STEP_NUM_TASKS") > 0) {
        return (launch){"openmpi", number_of("SLURM_STEP_NUM_TASKS"), number_of("SLURM_PROCID")};
    }
    return (launch){NULL, 1, 0};
}

enum { PATH_ROOM = 4096 };

/* Module `name` in the folder of the program (a build), or in that of its installation. */
static bool find_module(const char *name, char path[PATH_ROOM]) {
    static const char *const folders[] = {".", "../" PIXELRNN_MODULE_FOLDER};
    char self[PATH_ROOM / 2];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    char *slash = strrchr(self, '/');
    if (!slash) {
        return false;
    }
    *slash = 0;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, PATH_ROOM, "%s/%s/libpixelrnn_mpi_%s.so", self, folders[i], name);
        if (access(path, R_OK) == 0) {
            return true;
        }
    }
    return false;
}

/* PRNN_MPI, or what launched the process, or the only one that is there. */
static int choose_module(const launch *by, char path[PATH_ROOM]) {
    static const char *const known[] = {"openmpi", "mpich"};
    const char *wish = getenv("PRNN_MPI");
    int there = 0;
    char other[PATH_ROOM];
    if (wish && strchr(wish, '/')) {
        snprintf(path, PATH_ROOM, "%s", wish);
        return EXIT_OK;
    }
    if (wish && *wish) {
        return find_module(wish, path) ? EXIT_OK
                                       : fail("the environment variable PRNN_MPI is \"%s\", and "
                                              "libpixelrnn_mpi_%s.so is not there: set it to openmpi, mpich, "
                                              "the path of a module, or none",
                                              wish, wish);
    }
    if (find_module(by->implementation, path)) {
        return EXIT_OK;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (find_module(known[i], other)) {
            memcpy(path, other, sizeof other);
            there++;
        }
    }
    return there == 1
               ? EXIT_OK
               : fail("this is one of %ld processes that work together, and libpixelrnn_mpi_%s.so, which "
                      "speaks MPI, is not there: build pixelrnn where mpicc is, or set PRNN_MPI=none to run "
                      "the command %ld times",
                      by->processes, by->implementation, by->processes);
}

static int open_module(const char *path) {
    mpi_open begin;
    void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL); /* parts of MPI look for others by name */
    void *found = library ? dlsym(library, MPI_MODULE_OPEN) : NULL;
    if (!found) {
        return fail("%s: cannot be opened to speak MPI: %s", path, dlerror());
    }
    memcpy(&begin, &found, sizeof begin);
    const char *why = begin(PRNN_VERSION_NUMBER, &ranks.module);
    return why ? fail("%s: %s", path, why) : EXIT_OK;
}

/* Results are rank 0's. */
static void mute(void) {
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) {
        dup2(nowhere, STDOUT_FILENO);
        close(nowhere);
    }
    report_keep();
}

/* What rank 0 cannot do either it says, and then the launcher ends the others before they do. */
static int wait_for_first(const launch *by, int code) {
    if (code != EXIT_OK && by->rank > 0) {
        sleep(3);
        report_speak();
        fail("rank %ld: %s", by->rank, report_kept());
    }
    return code;
}

int ranks_open(void) {
    const launch by = find_launch();
    const char *wish = getenv("PRNN_MPI");
    char path[PATH_ROOM];
    int code = EXIT_OK;
    if (by.processes <= 1 || (wish && strcmp(wish, "none") == 0)) {
        return EXIT_OK;
    }
    setvbuf(stderr, NULL, _IOLBF, BUFSIZ); /* a line stays whole among those of the launcher */
    if (by.rank > 0) {
        mute();
    }
    TRY(wait_for_first(&by, choose_module(&by, path)));
    TRY(wait_for_first(&by, open_module(path)));
    if (ranks.module.ranks.count != by.processes) {
        return fail(
            "%ld processes were started, and MPI knows of %d: %s is for another MPI than the one that "
            "started them; set PRNN_MPI to openmpi or mpich",
            by.processes, ranks.module.ranks.count, path);
    }
    ranks.open = true;
    ranks.ctx = prnn_context_create();
    TRY(check_memory(ranks.ctx));
    TRY(exit_code(ranks.ctx, prnn_context_set_ranks(ranks.ctx, &ranks.module.ranks)));
done:
    return code;
}

/* ---------------------------------------------------------------------------------------- threads */

static int wished_threads(void) {
    long wish = number_of("PRNN_THREADS");
    return wish > 0 && wish <= 1024 ? (int)wish : 0;
}

static int settle_threads(prnn_context *ctx, int threads, bool quiet) {
    const prnn_ranks *table = &ranks.module.ranks;
    size_t count = (size_t)table->count;
    seat *all = allocate(count, sizeof *all);
    prnn_parcel *parts = allocate(count, sizeof *parts);
    int code;
    TRY(check_memory(all));
    TRY(check_memory(parts));
    for (size_t r = 0; r < count; r++) {
        parts[r] = (prnn_parcel){&all[r], sizeof *all};
    }
    seat_look(&all[table->rank], threads ? threads : wished_threads());
    TRY(exit_code(ctx, prnn_ranks_agree(ctx, PRNN_OK, NULL)));
    if (!table->gather(table->user, parts)) {
        return fail("%s", table->why(table->user));
    }
    TRY(exit_code(ctx, prnn_context_set_threads(ctx, seat_threads(all, table->count, table->rank))));
    if (!quiet) {
        seats_note(all, table->count);
    }
done:
    free(all);
    free(parts);
    return code;
}

int ranks_join(prnn_context *ctx, int threads, bool quiet) {
    int code = EXIT_OK;
    if (ranks.open) {
        TRY(exit_code(ctx, prnn_context_set_ranks(ctx, &ranks.module.ranks)));
        TRY(settle_threads(ctx, threads, quiet));
    }
done:
    return code;
}

static prnn_status status_of(int code) {
    return code == EXIT_OK ? PRNN_OK : code == EXIT_USAGE ? PRNN_ERROR_ARGUMENT : PRNN_ERROR_FILE;
}

int ranks_agree(prnn_context *ctx, int code) {
    prnn_status status = ranks.open ? prnn_ranks_agree(ctx, status_of(code), report_kept()) : PRNN_OK;
    return status == PRNN_OK || code != EXIT_OK ? code : usage_code(ctx, status);
}

void ranks_leave(const prnn_context *ctx) {
    ranks.agreed = ranks.open && ctx && prnn_ranks_agreed(ctx);
}

/* ------------------------------------------------------------------------------------- the end */

/* Nobody is there to wait for. Rank 0 has said why, if a command failed on it. */
static void end_broken(int code) {
    if (ranks.module.speaks() && (code == EXIT_OK || !ranks_first())) {
        report_speak();
        fail("%s", ranks.module.ranks.why(NULL));
    }
    fflush(NULL);
    _exit(code ? code : EXIT_FAILED);
}

int ranks_close(int code) {
    if (!ranks.open) {
        return code;
    }
    if (code == EXIT_OK || !ranks.agreed) {
        prnn_status status = prnn_ranks_agree(ranks.ctx, status_of(code), report_kept());
        if (status != PRNN_OK && code == EXIT_OK && !ranks.module.broken()) {
            code = usage_code(ranks.ctx, status);
        }
    }
    if (ranks.module.broken()) {
        end_broken(code);
    }
    prnn_context_free(ranks.ctx);
    ranks.module.close();
    return code;
}
