/* Ranks that work together: what the library does with the table of callbacks of a context
 * (<pixelrnn/ranks.h>). Without ranks a context is rank 0 of 1, nothing here waits, and no callback is
 * called.
 *
 * Ranks stay in step by agreeing: what can fail on one of them alone is followed by an agreement, and only
 * then by an exchange, which nothing but the loss of a rank can break. A rank whose work fails between two
 * agreements reports that to the one that the others come to next. */
#ifndef PRNN_RANKS_RANKS_H
#define PRNN_RANKS_RANKS_H

#include "base/message.h"

#include <pixelrnn/ranks.h>

typedef struct prnn_rank_state prnn_rank_state;

/* Which part of `count` things is that of rank `rank` of `ranks`: they differ by one at most. */
typedef struct prnn_share {
    size_t first, count;
} prnn_share;
prnn_share prnn_share_of(size_t count, int rank, int ranks);
/* That of this rank. */
prnn_share prnn_share_mine(const prnn_context *ctx, size_t count);

/* What ranks vote on when they agree. */
enum { PRNN_WISH_STOP = 1, PRNN_WISH_CHECKPOINT = 2 };

/* prnn_ranks_agree on the message of the context. *wishes, bits (NULL: none), become those of any rank. `key`
 * is a hash of what was asked for, and must be the same on all. */
prnn_status prnn_ranks_vote(prnn_context *ctx, prnn_status status, unsigned *wishes, uint64_t key);

/* How a collective call ends: the others hear of a failure that was not agreed on. */
prnn_status prnn_ranks_fail(prnn_context *ctx, prnn_status status);

/* After an agreement. The parcels are one a rank, as in the table, of any size. */
prnn_status prnn_ranks_exchange(prnn_context *ctx, const prnn_parcel *send, const prnn_parcel *receive);
prnn_status prnn_ranks_gather(prnn_context *ctx, const prnn_parcel *parts);
prnn_status prnn_ranks_broadcast(prnn_context *ctx, void *data, size_t bytes);

/* `count` results of `size` bytes each; NULL: not wanted. */
typedef struct prnn_results {
    void *data;
    size_t size;
} prnn_results;

/* Agrees on `status` and `key`, and then gets each array, of which every rank has its share, whole. */
prnn_status prnn_ranks_collect(prnn_context *ctx, prnn_status status, uint64_t key, size_t count,
                               const prnn_results *results, size_t n);

/* Refuses what is not the same on all ranks: all say `what` it is, and give its value as text. */
prnn_status prnn_ranks_compare(prnn_context *ctx, const char *what, const char *value);

/* FNV-1a, of 64-bit words in the order of their bytes, and then of the bytes that are left. */
uint64_t prnn_ranks_hash(uint64_t hash, const void *data, size_t bytes);
#define PRNN_HASH_BEGIN UINT64_C(14695981039346656037)

#endif
