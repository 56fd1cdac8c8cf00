/* How a batch is cut into lanes, which ranks and threads compute which of them, and how the sums of all
 * become one.
 *
 * The gradient of a batch is the sum of its lanes over a binary tree: the sum of lanes i 2^k ..
 * (i + 1) 2^k - 1 is that of their first half plus that of their second, if that has a lane. A rank has a run
 * of lanes and adds up the largest nodes of the tree that lie in it; what is above those is added up by
 * whoever gets them. So the sum is the same for any number of ranks. */
#ifndef PRNN_MODEL_LANES_H
#define PRNN_MODEL_LANES_H

enum {
    PRNN_MOST_LANES = 64,
    PRNN_MOST_NODES = 12 /* of one rank: one of each size at either end of its run */
};

/* n / by, rounded up. */
static inline int prnn_divide_up(int n, int by) {
    return (n + by - 1) / by;
}

typedef struct prnn_cut {
    int lane;  /* images of a lane; the last one may have fewer */
    int shard; /* of them, those that go through the network together */
    int lanes;
} prnn_cut;

/* The sum depends on this, so this depends on the batch, and on how many images of it the kind of network
 * likes to have together, alone. Two lanes at least, of two images. */
prnn_cut prnn_cut_of(int together, int images);

/* A node of the tree: lanes begin .. begin + size - 1, as far as there are. */
typedef struct prnn_lane_node {
    int begin, size;
} prnn_lane_node;

/* The first lane of a rank; that of the next rank is the end of its run, which may be empty. */
int prnn_lanes_first(int lanes, int rank, int ranks);

/* Lanes begin .. end - 1. */
typedef struct prnn_lane_run {
    int begin, end;
} prnn_lane_run;

/* Those of a rank. */
prnn_lane_run prnn_lanes_run(int lanes, int rank, int ranks);

/* The nodes of a rank, from its first lane to its last; returns how many. */
int prnn_lanes_nodes(int lanes, int rank, int ranks, prnn_lane_node nodes[PRNN_MOST_NODES]);

/* Node `from` is added to node `to`; they are counted from the first node of rank 0 to the last one of the
 * last rank. */
typedef struct prnn_lane_sum {
    int to, from;
} prnn_lane_sum;

/* What is to be added, in this order, to have the sum of all in node 0; returns how often. */
int prnn_lanes_sums(int lanes, int ranks, prnn_lane_sum sums[PRNN_MOST_LANES]);

/* Levels of the tree that a thread adds up itself, lane by lane, in memory of its own. The more, the less
 * memory, but each thread should find some pieces of work, and all of them equally many. No bit depends on
 * it. */
int prnn_lanes_levels(int lanes, int threads);

/* Cuts each node of a rank into pieces of at most 2^levels lanes; returns how many, and in ends[i] how many
 * there are up to the end of node i. */
int prnn_lanes_pieces(const prnn_lane_node *nodes, int count, int lanes, int levels,
                      prnn_lane_run pieces[PRNN_MOST_LANES], int ends[PRNN_MOST_NODES]);

#endif
