#include "model/tree.h"

#include "base/clock.h"
#include "base/parallel.h"
#include "base/try.h"
#include "model/lanes.h"

#include <string.h>

enum {
    RECEIVED = 1 << 22, /* floats that are received at a time, about */
    PIECE = 1 << 14     /* of a slice, which a thread adds up */
};

struct prnn_tree {
    size_t floats;
    size_t slice;    /* floats of a rank at a time: all is done in rounds of one slice a rank */
    float *nodes;    /* of this rank, [floats] each */
    float *received; /* nodes of all ranks, [slice] each */
    int *first;      /* [ranks + 1] number of the first node of a rank */
    prnn_parcel *send, *receive;
    prnn_traffic traffic;
    /* The present sum: */
    prnn_lane_sum sums[PRNN_MOST_LANES];
    int sum_count;
    size_t own; /* floats of this rank's slice */
};

/* The most nodes that batches have. */
typedef struct most {
    int own, all;
} most;

static most count_most(const prnn_context *ctx, int together, int batch) {
    int rank = prnn_context_rank(ctx), ranks = prnn_context_rank_count(ctx);
    bool seen[PRNN_MOST_LANES + 1] = {false};
    most m = {1, 1};
    for (int n = 1; n <= batch; n++) {
        int lanes = prnn_cut_of(together, n).lanes, all = 0;
        for (int r = 0; !seen[lanes] && r < ranks; r++) {
            prnn_lane_node nodes[PRNN_MOST_NODES];
            int count = prnn_lanes_nodes(lanes, r, ranks, nodes);
            m.own = r == rank && count > m.own ? count : m.own;
            all += count;
        }
        seen[lanes] = true;
        m.all = all > m.all ? all : m.all;
    }
    return m;
}

static size_t slice_of(const prnn_context *ctx, size_t floats, most m) {
    size_t ranks = (size_t)prnn_context_rank_count(ctx);
    size_t whole = prnn_round_up((floats + ranks - 1) / ranks, 16);
    size_t room = prnn_round_up((size_t)(RECEIVED / m.all), 16);
    return whole < room ? whole : room;
}

size_t prnn_tree_bytes(const prnn_context *ctx, size_t floats, int together, int batch) {
    most m = count_most(ctx, together, batch);
    size_t ranks = (size_t)prnn_context_rank_count(ctx), bytes = 0;
    if (ranks > 1) {
        prnn_need_block(&bytes, 1, sizeof(prnn_tree));
        prnn_need_block(&bytes, (size_t)m.own * floats, sizeof(float));
        prnn_need_block(&bytes, (size_t)m.all * slice_of(ctx, floats, m), sizeof(float));
        prnn_need_block(&bytes, ranks + 1, sizeof(int));
        prnn_need_block(&bytes, ranks, sizeof(prnn_parcel));
        prnn_need_block(&bytes, ranks, sizeof(prnn_parcel));
    }
    return bytes;
}

prnn_status prnn_tree_create(prnn_context *ctx, size_t floats, int together, int batch, prnn_tree **tree) {
    most m = count_most(ctx, together, batch);
    size_t ranks = (size_t)prnn_context_rank_count(ctx);
    static const char what[] = "the exchange of gradients";
    prnn_tree *t = prnn_alloc(ctx, 1, sizeof *t, what);
    *tree = NULL;
    if (!t) {
        return PRNN_ERROR_MEMORY;
    }
    t->floats = floats;
    t->slice = slice_of(ctx, floats, m);
    t->nodes = prnn_alloc(ctx, (size_t)m.own * floats, sizeof *t->nodes, what);
    t->received = prnn_alloc(ctx, (size_t)m.all * t->slice, sizeof *t->received, what);
    t->first = prnn_alloc(ctx, ranks + 1, sizeof *t->first, what);
    t->send = prnn_alloc(ctx, ranks, sizeof *t->send, what);
    t->receive = prnn_alloc(ctx, ranks, sizeof *t->receive, what);
    if (!t->nodes || !t->received || !t->first || !t->send || !t->receive) {
        prnn_tree_free(t);
        return PRNN_ERROR_MEMORY;
    }
    *tree = t;
    return PRNN_OK;
}

void prnn_tree_free(prnn_tree *tree) {
    if (tree) {
        prnn_free(tree->nodes);
        prnn_free(tree->received);
        prnn_free(tree->first);
        prnn_free(tree->send);
        prnn_free(tree->receive);
        prnn_free(tree);
    }
}

float *prnn_tree_node(const prnn_tree *tree, int node) {
    return tree->nodes + (size_t)node * tree->floats;
}

prnn_traffic prnn_tree_traffic(const prnn_tree *tree) {
    return tree->traffic;
}

/* Of the round that begins with float `at`, what rank `rank` owns. */
static prnn_share owned(const prnn_tree *t, size_t at, int rank) {
    size_t first = at + (size_t)rank * t->slice;
    size_t left = first < t->floats ? t->floats - first : 0;
    return (prnn_share){first, left < t->slice ? left : t->slice};
}

/* Node `node` of every rank goes to the owners of its slices; some ranks have fewer nodes. */
static prnn_status exchange(prnn_context *ctx, prnn_tree *t, size_t at, int node) {
    int rank = prnn_context_rank(ctx), ranks = prnn_context_rank_count(ctx);
    for (int r = 0; r < ranks; r++) {
        prnn_share theirs = owned(t, at, r);
        bool mine = t->first[rank] + node < t->first[rank + 1], has = t->first[r] + node < t->first[r + 1];
        t->send[r] = (prnn_parcel){0};
        t->receive[r] = (prnn_parcel){0};
        if (mine && theirs.count) {
            t->send[r] = (prnn_parcel){prnn_tree_node(t, node) + theirs.first, theirs.count * sizeof(float)};
            t->traffic.bytes += r == rank ? 0 : (double)t->send[r].bytes;
        }
        if (has && t->own) {
            t->receive[r] =
                (prnn_parcel){t->received + (size_t)(t->first[r] + node) * t->slice, t->own * sizeof(float)};
        }
    }
    return prnn_ranks_exchange(ctx, t->send, t->receive);
}

static void add_piece(void *arg, size_t index, void *own) {
    (void)own;
    const prnn_tree *t = arg;
    size_t first = index * PIECE, n = t->own - first < PIECE ? t->own - first : PIECE;
    for (int i = 0; i < t->sum_count; i++) {
        float *to = t->received + (size_t)t->sums[i].to * t->slice + first;
        const float *from = t->received + (size_t)t->sums[i].from * t->slice + first;
        for (size_t j = 0; j < n; j++) {
            to[j] += from[j];
        }
    }
}

/* Slices that are finished go to all. */
static prnn_status gather(prnn_context *ctx, prnn_tree *t, size_t at) {
    int rank = prnn_context_rank(ctx), ranks = prnn_context_rank_count(ctx);
    if (t->own) {
        memcpy(t->nodes + owned(t, at, rank).first, t->received, t->own * sizeof(float));
    }
    for (int r = 0; r < ranks; r++) {
        prnn_share theirs = owned(t, at, r);
        t->send[r] =
            (prnn_parcel){theirs.count ? t->nodes + theirs.first : NULL, theirs.count * sizeof(float)};
    }
    t->traffic.bytes += (double)t->own * sizeof(float) * (ranks - 1);
    return prnn_ranks_gather(ctx, t->send);
}

static int number_nodes(prnn_tree *t, int lanes, int ranks) {
    int most_nodes = 0;
    for (int r = 0; r < ranks; r++) {
        prnn_lane_node nodes[PRNN_MOST_NODES];
        int count = prnn_lanes_nodes(lanes, r, ranks, nodes);
        t->first[r + 1] = t->first[r] + count;
        most_nodes = count > most_nodes ? count : most_nodes;
    }
    return most_nodes;
}

prnn_status prnn_tree_sum(prnn_context *ctx, prnn_tree *t, prnn_status status, unsigned *wishes, int lanes) {
    int rank = prnn_context_rank(ctx), ranks = prnn_context_rank_count(ctx);
    int nodes = number_nodes(t, lanes, ranks);
    double began = prnn_clock();
    t->sum_count = prnn_lanes_sums(lanes, ranks, t->sums);
    TRY(prnn_ranks_vote(ctx, status, wishes, (uint64_t)lanes));
    double ready = prnn_clock();
    t->traffic.wait += ready - began;
    for (size_t at = 0; at < t->floats; at += (size_t)ranks * t->slice) {
        t->own = owned(t, at, rank).count;
        for (int node = 0; node < nodes; node++) {
            TRY(exchange(ctx, t, at, node));
        }
        prnn_parallel_for(ctx, (t->own + PIECE - 1) / PIECE, add_piece, t);
        TRY(gather(ctx, t, at));
    }
    t->traffic.exchange += prnn_clock() - ready;
done:
    return status;
}
