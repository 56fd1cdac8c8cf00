/* What the program gets from libpixelrnn_mpi_*.so, which it opens when an MPI launcher started it: each is
 * the same source (mpi/), built for one implementation of MPI. */
#ifndef PIXELRNN_CLI_SUPPORT_MPI_MODULE_H
#define PIXELRNN_CLI_SUPPORT_MPI_MODULE_H

#include <pixelrnn/ranks.h>

typedef struct mpi_module {
    prnn_ranks ranks;
    int local_rank; /* among the ranks of this host */
    /* Whether a callback of `ranks` has failed, and then, whether it is this rank that should say why. */
    bool (*broken)(void);
    bool (*speaks)(void);
    /* All ranks call it, once, and nothing after it. (If a callback has failed, a process just ends: without
     * MPI_Finalize, launchers end the others, which MPI_Abort would tell with ten lines more.) */
    void (*close)(void);
} mpi_module;

/* The one function of the module: begins MPI. `version` is the PRNN_VERSION_NUMBER of the program, which must
 * be the module's. NULL, or a sentence: it could not begin. */
typedef const char *(*mpi_open)(int version, mpi_module *module);
#define MPI_MODULE_OPEN "prnn_mpi_open"

#endif
