/* ranks.h - many processes, on one machine or many, that do one piece of work together (see pixelrnn.h).
 *
 * Each process is a rank, 0 to count - 1, with a context, a model and data of its own. How they talk is the
 * caller's: MPI in the program, threads, pipes or sockets elsewhere. The library gets a table of three
 * callbacks:
 *
 *     prnn_ranks ranks = PRNN_RANKS_INIT;
 *     ranks.rank = ...; ranks.count = ...; ranks.exchange = ...; ranks.gather = ...; ranks.broadcast = ...;
 *     status = prnn_context_set_ranks(ctx, &ranks);
 *
 * From then on these calls with that context are collective: all ranks make them, in the same order, with the
 * same arguments, each does a part of the work, and all get the result, the same bits that one rank would
 * compute:
 *   prnn_train, prnn_trainer_create, _step, _validate and _save; prnn_gradient;
 *   prnn_evaluate, prnn_chain_evaluate, prnn_ensemble_evaluate, prnn_compressed_bytes, prnn_check;
 *   prnn_sample, prnn_complete, prnn_upscale and those of chains;
 *   prnn_archive_writer_create, _add and _finish; prnn_data_convert, if `together` is set.
 * All other calls are the rank's own. For work of its own in between, such as samples drawn by rank 0 in a
 * progress callback, a rank takes another context.
 *
 * In training, rank 0 alone uses the folder of the run: it locks it and writes the log, checkpoints and
 * models. Each rank reads the images of its own lanes (docs/architecture.md). If a progress callback of any
 * rank says stop, all stop. In evaluation, sampling, completion and archives a rank's callback is told of its
 * own share, a progress that returns false stops all when they have done theirs, and the results are then of
 * no use.
 *
 * Of an archive all ranks add all images, each compresses some of the blocks, and rank 0 alone writes the
 * file, which is there when _finish returns on any of them.
 *
 * What fails on one rank fails on all, at the next collective call, with the status and the sentence of the
 * lowest rank that it failed on: "rank 2 on node7: ...". If a rank is lost, which the table must notice (its
 * callbacks then return false), the others get PRNN_ERROR_RANK, and their contexts work together no more.
 */
#ifndef PIXELRNN_RANKS_H
#define PIXELRNN_RANKS_H

#include <pixelrnn/pixelrnn.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Some bytes for a rank, or from it. */
typedef struct prnn_parcel {
    void *data;
    size_t bytes;
} prnn_parcel;

/* How ranks talk. A callback returns when it is done, on the thread that called the library, or returns false
 * if it cannot be done: then `why`, unless it is NULL, gives a sentence about it. Nobody calls two at a time
 * for one context. No parcel and no part is larger than PRNN_RANKS_MOST_BYTES. */
typedef struct prnn_ranks {
    size_t size;
    int rank, count; /* this process, 0 .. count - 1; 1..65536 */
    /* send[r] goes to rank r, receive[r] comes from it, for all ranks, this one included; sizes agree. */
    bool (*exchange)(void *user, const prnn_parcel *send, const prnn_parcel *receive);
    /* parts[r] is what rank r has, for all ranks; this one gets those of the others. Sizes agree. */
    bool (*gather)(void *user, const prnn_parcel *parts);
    /* All get the bytes of rank 0. */
    bool (*broadcast)(void *user, void *data, size_t bytes);
    const char *(*why)(void *user);
    void *user;
} prnn_ranks;

#define PRNN_RANKS_INIT                                                                                      \
    { sizeof(prnn_ranks), 0, 1, NULL, NULL, NULL, NULL, NULL }

#define PRNN_RANKS_MOST_BYTES ((size_t)1 << 28)

/* The context works with these ranks from now on; collective. NULL, or a count of 1: alone again. The table
 * is copied; `user` must outlast the context. All ranks must have the same version of the library. A training
 * that is under way goes on with the ranks that it was begun with only. */
PRNN_API prnn_status prnn_context_set_ranks(prnn_context *ctx, const prnn_ranks *ranks);

/* 0 and 1 for a context without ranks. */
PRNN_API int prnn_context_rank(const prnn_context *ctx);
PRNN_API int prnn_context_rank_count(const prnn_context *ctx);

/* Whether all is well on all ranks; collective. Each gives what it has come to, and, unless it is PRNN_OK,
 * a sentence (NULL: the message of the context). PRNN_OK if that is what all gave; else all get the status
 * and the sentence of the lowest rank that failed. What a call of the library failed with on all ranks was
 * agreed on already, and is returned at once: so a rank ends its work with this call whatever happened, and
 * the others, wherever they wait for it, hear of it. */
PRNN_API prnn_status prnn_ranks_agree(prnn_context *ctx, prnn_status status, const char *sentence);

/* Whether all ranks have the message of the context: the last failure was agreed on, or a rank was lost. */
PRNN_API bool prnn_ranks_agreed(const prnn_context *ctx);

/* Which of `count` images, or completions, are this rank's in prnn_evaluate, prnn_chain_evaluate and so on
 * (not in archives): *n of them from number *first on. It need not have the others to be evaluated. All,
 * without ranks. */
PRNN_API void prnn_ranks_share(const prnn_context *ctx, size_t count, size_t *first, size_t *n);

/* PRNN_ERROR_ARGUMENT, with a sentence that names the rank and `name`, unless all ranks have the same model
 * (network and weights), or set of images (as well as a fingerprint can tell: of a set of more than 256 MB
 * it is of a sample); collective. */
PRNN_API prnn_status prnn_ranks_compare_model(prnn_context *ctx, const prnn_model *model, const char *name);
PRNN_API prnn_status prnn_ranks_compare_data(prnn_context *ctx, const prnn_data *data, const char *name);

/* How many ranks have work in an update of `batch` images (1..65536); more of them wait. */
PRNN_API int prnn_ranks_useful(const prnn_model *model, int batch);

#ifdef __cplusplus
}
#endif

#endif
