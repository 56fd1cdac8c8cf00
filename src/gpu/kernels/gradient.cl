/* The gradient by the weights in fp32. A group has 128 features of a strip, its 64 columns and one lane, of
 * which it sums the chunks one after the other, in blocks of positions: each from zero, its positions in their
 * order, fused; then it is added to what is there. That is how the other processors do it, so lanes have their
 * bits, and so has the tree over lanes (see unpack). Nothing is added by two groups. */
#define GRADIENT_ITEMS 256
#define GRADIENT_FEATURES 128
#define POSITIONS 16        /* brought at a time */
#define BLOCK_POSITIONS 128 /* summed from zero: GRADIENT_ROWS of src/kernels */
#define F_PITCH (GRADIENT_FEATURES + 4)

/* The item's feature of a tile: tap and number. Beyond the last, tap 0's first, whose sums nobody keeps. */
DEVICE void find_feature(uint first_segment, uint count, GLOBAL const segment *segments, uint feature, uint *of_tap,
                         uint *number) {
    uint before = 0;
    *of_tap = 0, *number = 0;
    for (uint n = first_segment; n < first_segment + count; n++) {
        uint features = segments[n].count;
        if (feature >= before && feature < before + features) {
            *of_tap = segments[n].tap;
            *number = segments[n].first + (feature - before);
        }
        before += features;
    }
}

DEVICE void multiply_outer(float (*sum)[4], OF_LOCAL const float *a, OF_LOCAL const float *b) {
    UNROLL_LONG for (uint m = 0; m < POSITIONS; m++) {
        float x[8], y[4];
        UNROLL for (uint i = 0; i < 8; i += 4) {
            float4 four = *(OF_LOCAL const float4 *)(a + m * F_PITCH + ITEM / 16 * 8 + i);
            x[i] = four.x, x[i + 1] = four.y, x[i + 2] = four.z, x[i + 3] = four.w;
        }
        float4 four = *(OF_LOCAL const float4 *)(b + m * 64 + ITEM % 16 * 4);
        y[0] = four.x, y[1] = four.y, y[2] = four.z, y[3] = four.w;
        UNROLL for (uint i = 0; i < 8; i++) {
            UNROLL for (uint j = 0; j < 4; j++) { sum[i][j] = FMA(x[i], y[j], sum[i][j]); }
        }
    }
}

/* Four sums in flight, of which the first begins with the gradient so far, added at the end of a chunk. */
DEVICE void add_biases(float *four, OF_LOCAL const float *b, uint m, uint count) {
    uint fours = count / 4 * 4;
    for (uint i = 0; i < POSITIONS && m + i < count; i++) {
        float x = b[i * 64 + ITEM];
        if (m + i >= fours || i % 4 == 0) {
            four[0] += x;
        } else if (i % 4 == 1) {
            four[1] += x;
        } else if (i % 4 == 2) {
            four[2] += x;
        } else {
            four[3] += x;
        }
    }
}

typedef struct outer {
    place from, dout; /* from the item's feature, and its column, on */
    uint lane, run;
    bool there;       /* the item's column */
    float x[8], y[4]; /* brought */
} outer;

/* Positions m .. of a chunk, those before `end`. */
DEVICE void bring_outer(outer *o, const lanes *l, uint chunk, uint m, uint end, GLOBAL const float *memory) {
    UNROLL for (uint i = 0; i < 8; i++) {
        uint at = m + ITEM / 128 + 2 * i;
        o->x[i] = at < end ? LOAD(o->from, chunk_at(&o->from, l, o->lane, o->run, chunk, at)) : -0.0f;
    }
    UNROLL for (uint i = 0; i < 4; i++) {
        uint at = m + ITEM / 64 + 4 * i;
        o->y[i] = at < end && o->there ? LOAD(o->dout, chunk_at(&o->dout, l, o->lane, o->run, chunk, at)) : 0.0f;
    }
}

DEVICE void keep_outer(const outer *o, OF_LOCAL float *a, OF_LOCAL float *b) {
    UNROLL for (uint i = 0; i < 8; i++) { a[(ITEM / 128 + 2 * i) * F_PITCH + ITEM % 128] = o->x[i]; }
    UNROLL for (uint i = 0; i < 4; i++) { b[(ITEM / 64 + 4 * i) * 64 + ITEM % 64] = o->y[i]; }
}

KERNEL(GRADIENT_ITEMS) product_gradient(prnn_gpu_product_gradient l, GLOBAL const prnn_gpu_tile *tiles,
                              GLOBAL const strip *strips, GLOBAL const segment *segments, GLOBAL const tap *taps,
                              GLOBAL const float *memory, GLOBAL float *gradient) {
    LOCAL ALIGNED float a[POSITIONS * F_PITCH];
    LOCAL ALIGNED float b[POSITIONS * 64];
    prnn_gpu_tile tile = tiles[l.first_tile + GROUP_X];
    strip s = strips[l.first_strip + tile.strip];
    uint lane = GROUP_Y, panel = ITEM % 64 / PANEL;
    float sum[8][4], total[8][4], four[4], bias = 0;
    outer o;
    uint number_of, number;
    find_feature(s.first_segment, s.segments, segments, tile.feature + ITEM % 128, &number_of, &number);
    tap t = taps[l.first_tap + number_of];
    o.from = place_of_tap(&t, l.lanes.images, l.row, l.col, 0);
    o.from.pitch = o.from.stride * l.lanes.images;
    o.from.at += number;
    o.lane = lane, o.run = run_of(&l.lanes, lane);
    o.there = panel < s.panels;
    o.dout = l.dout;
    o.dout.at += s.column + panel * s.step + ITEM % PANEL;
    bool biases = tile.feature == 0 && l.biased;
    GLOBAL float *to = gradient + (lane * l.lane_size + s.at);
    if (biases && ITEM < 64 && o.there) { bias = to[(ulong)panel * s.size + ITEM % PANEL]; }
    UNROLL for (uint i = 0; i < 8; i++) {
        uint feature = tile.feature + ITEM / 16 * 8 + i, v = ITEM % 16 / 4;
        UNROLL for (uint j = 0; j < 4; j++) {
            bool there = feature < s.depth && v < s.panels;
            total[i][j] = there ? to[(ulong)v * s.size + (1 + feature) * PANEL + ITEM % 4 * 4 + j] : 0.0f;
        }
    }
    uint count = l.lanes.pixels * o.run;
    uint blocks = (count + BLOCK_POSITIONS - 1) / BLOCK_POSITIONS;
    for (uint n = 0; n < l.lanes.chunks * blocks; n++) {
        uint chunk = n / blocks, begin = n % blocks * BLOCK_POSITIONS;
        uint end = count - begin < BLOCK_POSITIONS ? count : begin + BLOCK_POSITIONS;
        four[0] = bias, four[1] = four[2] = four[3] = 0;
        UNROLL for (uint i = 0; i < 8; i++) {
            UNROLL for (uint j = 0; j < 4; j++) { sum[i][j] = 0; }
        }
        bring_outer(&o, &l.lanes, chunk, begin, end, memory);
        for (uint m = begin; m < end; m += POSITIONS) {
            SYNC;
            keep_outer(&o, a, b);
            SYNC;
            bring_outer(&o, &l.lanes, chunk, m + POSITIONS, end, memory);
            multiply_outer(sum, a, b);
            if (biases && ITEM < 64) { add_biases(four, b, m - begin, end - begin); }
        }
        UNROLL for (uint i = 0; i < 8; i++) {
            UNROLL for (uint j = 0; j < 4; j++) { total[i][j] += sum[i][j]; }
        }
        bias = (four[0] + four[1]) + (four[2] + four[3]);
    }
    UNROLL for (uint i = 0; i < 8; i++) {
        uint feature = tile.feature + ITEM / 16 * 8 + i, v = ITEM % 16 / 4;
        UNROLL for (uint j = 0; j < 4; j++) {
            if (feature < s.depth && v < s.panels) {
                to[(ulong)v * s.size + (1 + feature) * PANEL + ITEM % 4 * 4 + j] = total[i][j];
            }
        }
    }
    if (biases && ITEM < 64 && o.there) { to[(ulong)panel * s.size + ITEM % PANEL] = bias; }
}
