#include "model/lanes.h"

enum { MOST_AT_ONCE = 4 };

prnn_cut prnn_cut_of(int together, int images) {
    int least = prnn_divide_up(images, 2) < together ? prnn_divide_up(images, 2) : together;
    int lane = prnn_divide_up(prnn_divide_up(images, PRNN_MOST_LANES), least) * least;
    return (prnn_cut){lane, lane < MOST_AT_ONCE ? lane : MOST_AT_ONCE, prnn_divide_up(images, lane)};
}

int prnn_lanes_first(int lanes, int rank, int ranks) {
    return (int)((long long)rank * lanes / ranks);
}

prnn_lane_run prnn_lanes_run(int lanes, int rank, int ranks) {
    return (prnn_lane_run){prnn_lanes_first(lanes, rank, ranks), prnn_lanes_first(lanes, rank + 1, ranks)};
}

int prnn_lanes_nodes(int lanes, int rank, int ranks, prnn_lane_node nodes[PRNN_MOST_NODES]) {
    prnn_lane_run own = prnn_lanes_run(lanes, rank, ranks);
    int begin = own.begin, end = own.end;
    int whole = end == lanes ? PRNN_MOST_LANES : end; /* there is nothing behind the last lane */
    int n = 0;
    while (begin < end) {
        int size = 1;
        while (begin % (2 * size) == 0 && begin + 2 * size <= whole) {
            size *= 2;
        }
        nodes[n++] = (prnn_lane_node){begin, size};
        begin += size;
    }
    return n;
}

/* All nodes of all ranks are not more than there are lanes. */
static int list_nodes(int lanes, int ranks, prnn_lane_node all[PRNN_MOST_LANES]) {
    int n = 0;
    for (int rank = 0; rank < ranks; rank++) {
        prnn_lane_node own[PRNN_MOST_NODES];
        int count = prnn_lanes_nodes(lanes, rank, ranks, own);
        for (int i = 0; i < count; i++) {
            all[n++] = own[i];
        }
    }
    return n;
}

int prnn_lanes_sums(int lanes, int ranks, prnn_lane_sum sums[PRNN_MOST_LANES]) {
    prnn_lane_node all[PRNN_MOST_LANES];
    int count = list_nodes(lanes, ranks, all), n = 0;
    for (int size = 1; size < PRNN_MOST_LANES; size *= 2) {
        int before = -1; /* the node of this size that waits for its second half */
        for (int i = 0; i < count; i++) {
            if (all[i].size == size && all[i].begin % (2 * size) == 0) {
                all[i].size *= 2; /* also if there is no second half */
                before = i;
            } else if (all[i].size == size) {
                sums[n++] = (prnn_lane_sum){before, i};
                all[i].size = 0;
            }
        }
    }
    return n;
}

int prnn_lanes_levels(int lanes, int threads) {
    int levels = 0, best = prnn_divide_up(lanes, threads);
    for (int more = 1; prnn_divide_up(lanes, 1 << more) >= 4 * threads; more++) {
        int longest = prnn_divide_up(prnn_divide_up(lanes, 1 << more), threads) << more;
        levels = longest * 16 <= best * 17 ? more : levels;
    }
    return levels;
}

int prnn_lanes_pieces(const prnn_lane_node *nodes, int count, int lanes, int levels,
                      prnn_lane_run pieces[PRNN_MOST_LANES], int ends[PRNN_MOST_NODES]) {
    int n = 0;
    for (int i = 0; i < count; i++) {
        int end = nodes[i].begin + nodes[i].size, most = 1 << levels;
        end = end < lanes ? end : lanes;
        for (int begin = nodes[i].begin; begin < end; begin += most) {
            pieces[n++] = (prnn_lane_run){begin, end - begin < most ? end : begin + most};
        }
        ends[i] = n;
    }
    return n;
}
