#include "codec/deal.h"

#include "base/memory.h"
#include "base/try.h"

#include <string.h>

/* What is known of a block besides its bytes. */
typedef struct head {
    uint64_t size;
    uint32_t content, method;
} head;

size_t prnn_deal_place(const prnn_context *ctx, size_t n, size_t i) {
    size_t ranks = (size_t)prnn_context_rank_count(ctx);
    return prnn_share_of(n, (int)(i % ranks), (int)ranks).first + i / ranks;
}

static prnn_status gather_heads(prnn_context *ctx, prnn_status status, prnn_block_of_parts *blocks,
                                size_t n) {
    prnn_share mine = prnn_share_mine(ctx, n);
    head *heads = prnn_alloc(ctx, n, sizeof *heads, "the list of blocks");
    const prnn_results all = {heads, sizeof *heads};
    TRY(status);
    TRY(heads ? PRNN_OK : PRNN_ERROR_MEMORY);
    for (size_t i = mine.first; i < mine.first + mine.count; i++) {
        heads[i] = (head){blocks[i].size, blocks[i].content, (uint32_t)blocks[i].method};
    }
    TRY(prnn_ranks_collect(ctx, PRNN_OK, n, n, &all, 1));
    for (size_t i = 0; i < n; i++) {
        blocks[i].size = (size_t)heads[i].size;
        blocks[i].content = heads[i].content;
        blocks[i].method = (prnn_method)heads[i].method;
    }
done:
    prnn_free(heads);
    return prnn_ranks_fail(ctx, status);
}

/* Memory for the bytes of all blocks together, and for those of the others' blocks. */
static prnn_status make_room(prnn_context *ctx, prnn_block_of_parts *blocks, size_t n, prnn_parcel *parts,
                             uint8_t **bytes) {
    int ranks = prnn_context_rank_count(ctx);
    size_t total = 0;
    prnn_status status = PRNN_OK;
    for (size_t i = 0; i < n; i++) {
        total += blocks[i].size;
    }
    *bytes = prnn_alloc_raw(ctx, total, 1, "the blocks of all ranks");
    TRY(*bytes ? PRNN_OK : PRNN_ERROR_MEMORY);
    uint8_t *at = *bytes;
    for (int r = 0; r < ranks; r++) {
        prnn_share of = prnn_share_of(n, r, ranks);
        parts[r].data = at;
        for (size_t i = of.first; i < of.first + of.count; at += blocks[i++].size) {
            if (blocks[i].bytes) { /* this rank's */
                memcpy(at, blocks[i].bytes, blocks[i].size);
                continue;
            }
            blocks[i].bytes = prnn_alloc_raw(ctx, blocks[i].size, 1, "the blocks of all ranks");
            TRY(blocks[i].bytes ? PRNN_OK : PRNN_ERROR_MEMORY);
        }
        parts[r].bytes = (size_t)(at - (uint8_t *)parts[r].data);
    }
done:
    return status;
}

static prnn_status gather_bytes(prnn_context *ctx, prnn_block_of_parts *blocks, size_t n) {
    prnn_parcel *parts =
        prnn_alloc(ctx, (size_t)prnn_context_rank_count(ctx), sizeof *parts, "the blocks of all ranks");
    uint8_t *bytes = NULL;
    prnn_status status;
    TRY(parts ? make_room(ctx, blocks, n, parts, &bytes) : PRNN_ERROR_MEMORY);
    TRY(prnn_ranks_vote(ctx, PRNN_OK, NULL, n));
    TRY(prnn_ranks_gather(ctx, parts));
    const uint8_t *at = bytes;
    for (size_t i = 0; i < n; at += blocks[i++].size) {
        memcpy(blocks[i].bytes, at, blocks[i].size);
    }
done:
    prnn_free(parts);
    prnn_free(bytes);
    return prnn_ranks_fail(ctx, status);
}

prnn_status prnn_deal_gather(prnn_context *ctx, prnn_status status, prnn_block_of_parts *blocks, size_t n) {
    if (prnn_context_rank_count(ctx) == 1) {
        return status;
    }
    TRY(gather_heads(ctx, status, blocks, n));
    TRY(gather_bytes(ctx, blocks, n));
done:
    return status;
}
