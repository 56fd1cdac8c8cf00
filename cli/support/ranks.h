/* The ranks of a program that mpirun, mpiexec or srun started: many processes, one on each machine, that run
 * one command together. Without a launcher there is one, and no module is opened. */
#ifndef PIXELRNN_CLI_SUPPORT_RANKS_H
#define PIXELRNN_CLI_SUPPORT_RANKS_H

#include <pixelrnn/ranks.h>

/* Begins; from here on only rank 0 prints, and keeps its messages in report.h in its own name. 0 or an exit
 * code. */
int ranks_open(void);

/* The context works with the ranks. With `threads` 0 it gets the share of this rank in the cores of its
 * machine, unless the environment says how many. Unless `quiet`, notes say how many ranks there are, and
 * which of them have less than they could. 0 or an exit code. */
int ranks_join(prnn_context *ctx, int threads, bool quiet);

/* The same code for all: what it is on the lowest rank that failed. */
int ranks_agree(prnn_context *ctx, int code);

/* Before the context of a command is closed. */
void ranks_leave(const prnn_context *ctx);

/* Whether this is rank 0, or there is only one. */
bool ranks_first(void);
bool ranks_many(void);
/* Number of this rank on its machine. */
int ranks_local(void);

/* All agree on how the command ended: if it failed on one rank only, rank 0 says so. Ends MPI. The exit code
 * for all. */
int ranks_close(int code);

#endif
