/* The upper part of the tree over lanes: ranks bring the sums of their nodes (model/lanes.h), and all get the
 * sum of all. Every rank owns a slice of the parameters: it gets that of all nodes, finishes the tree, and
 * the others get it back. */
#ifndef PRNN_MODEL_TREE_H
#define PRNN_MODEL_TREE_H

#include "base/need.h"
#include "ranks/ranks.h"

typedef struct prnn_tree prnn_tree;

/* Since it was made: */
typedef struct prnn_traffic {
    double wait;     /* seconds until the last rank had its nodes */
    double exchange; /* seconds after that */
    double bytes;    /* sent by this rank */
} prnn_traffic;

/* For blocks of `floats` parameters, of batches of up to `batch` images that are cut as prnn_cut_of(together)
 * says. */
prnn_status prnn_tree_create(prnn_context *ctx, size_t floats, int together, int batch, prnn_tree **tree);
void prnn_tree_free(prnn_tree *tree);

/* Bytes that it asks for. */
size_t prnn_tree_bytes(const prnn_context *ctx, size_t floats, int together, int batch);

/* Where the sum of node `node` of this rank is to be put. A float that is never put stays zero. */
float *prnn_tree_node(const prnn_tree *tree, int node);

/* After the nodes of a batch of so many lanes were put on all ranks: the sum of all is where the first one
 * was. `status` and `wishes` are for the vote (prnn_ranks_vote) that comes first. */
prnn_status prnn_tree_sum(prnn_context *ctx, prnn_tree *tree, prnn_status status, unsigned *wishes,
                          int lanes);

prnn_traffic prnn_tree_traffic(const prnn_tree *tree);

#endif
