/* Blocks of a batch that ranks (ranks/ranks.h) code together. They are dealt like cards: blocks alike, which
 * are neighbours, cost about as much as each other, and each rank gets as many of them. A list that is dealt
 * has the blocks of rank 0 first, then those of rank 1, ..., each in their order; without ranks it is the
 * list itself. */
#ifndef PRNN_CODEC_DEAL_H
#define PRNN_CODEC_DEAL_H

#include "codec/block.h"
#include "ranks/ranks.h"

/* Where block i of n is in a list that is dealt; prnn_share_mine says which places are this rank's. */
size_t prnn_deal_place(const prnn_context *ctx, size_t n, size_t i);

/* What ranks coded, each its own blocks of a dealt list, becomes that of all: bytes, size, method and
 * content. Agrees on `status` first; after a failure some have bytes, as after prnn_blocks_write. */
prnn_status prnn_deal_gather(prnn_context *ctx, prnn_status status, prnn_block_of_parts *blocks, size_t n);

#endif
