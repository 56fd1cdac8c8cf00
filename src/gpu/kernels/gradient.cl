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
    GLOBAL const float *from, *dout; /* of the present chunk, from the item's feature, and its column, on */
    uint from_pitch, from_stride, dout_pitch, dout_stride, begin, run;
    ulong part; /* 1 / run, as a multiple of 2^-32 that is a little larger */
    bool there;       /* the item's column */
    float x[8], y[4]; /* brought */
} outer;

/* Offset of position m of a block, of which there are fewer than 2^30. */
DEVICE uint position_of(const outer *o, uint m, uint pitch, uint stride) {
    uint q = (uint)(((o->begin + m) * o->part) >> 32), r = o->begin + m - q * o->run;
    return q * pitch + r * stride;
}

/* Positions m .. of a block, those before `count`. */
DEVICE void bring_outer(outer *o, const place *dout, uint m, uint count) {
    UNROLL for (uint i = 0; i < 8; i++) {
        uint at = m + ITEM / 128 + 2 * i;
        o->x[i] = at < count ? o->from[position_of(o, at, o->from_pitch, o->from_stride)] : -0.0f;
    }
    UNROLL for (uint i = 0; i < 4; i++) {
        uint at = m + ITEM / 64 + 4 * i;
        o->y[i] = at < count && o->there ? LOAD_FROM(o->dout, *dout, position_of(o, at, o->dout_pitch, o->dout_stride)) : 0.0f;
    }
}

DEVICE void keep_outer(const outer *o, OF_LOCAL float *a, OF_LOCAL float *b) {
    UNROLL for (uint i = 0; i < 8; i++) { a[(ITEM / 128 + 2 * i) * F_PITCH + ITEM % 128] = o->x[i]; }
    UNROLL for (uint i = 0; i < 4; i++) { b[(ITEM / 64 + 4 * i) * 64 + ITEM % 64] = o->y[i]; }
}

DEVICE uint blocks_of(uint positions) { return (positions + BLOCK_POSITIONS - 1) / BLOCK_POSITIONS; }

KERNEL(GRADIENT_ITEMS) product_gradient(prnn_gpu_product_gradient l, GLOBAL const prnn_gpu_tile *tiles,
                              GLOBAL const strip *strips, GLOBAL const segment *segments, GLOBAL const tap *taps,
                              GLOBAL const float *memory, GLOBAL float *gradient) {
    LOCAL ALIGNED float a[POSITIONS * F_PITCH];
    LOCAL ALIGNED float b[POSITIONS * 64];
    prnn_gpu_tile tile = tiles[l.first_tile + GROUP_X];
    strip s = strips[l.first_strip + tile.strip];
    uint lane = GROUP_Y, panel = ITEM % 64 / PANEL, run = run_of(&l.lanes, lane);
    float sum[8][4], four[4], bias = 0;
    outer o;
    uint number_of, number;
    find_feature(s.first_segment, s.segments, segments, tile.feature + ITEM % 128, &number_of, &number);
    tap t = taps[l.first_tap + number_of];
    place from = place_of_tap(&t, l.lanes.images, l.row, l.col, 0);
    from.at += number + (ulong)(lane * l.lanes.lane) * from.stride;
    o.from_pitch = from.stride * l.lanes.images, o.from_stride = from.stride;
    o.dout_pitch = l.dout.pitch, o.dout_stride = l.dout.stride;
    o.run = run, o.part = ((ulong)1 << 32) / run + 1;
    o.there = panel < s.panels;
    ulong dout = l.dout.at + (ulong)(lane * l.lanes.lane) * l.dout.stride + s.column + panel * s.step + ITEM % PANEL;
    bool biases = tile.feature == 0 && l.biased;
    GLOBAL float *to = gradient + (lane * l.lane_size + s.at);
    if (biases && ITEM < 64 && o.there) { bias = to[(ulong)panel * s.size + ITEM % PANEL]; }
    uint first = tile.feature + ITEM / 16 * 8, v = ITEM % 16 / 4;
    GLOBAL float *own = to + ((ulong)v * s.size + (1 + first) * PANEL + ITEM % 4 * 4);
    /* Blocks of the first chunk, and of the others. */
    uint of_first = blocks_of(rows_of_chunk(&l.lanes, 0) * l.lanes.pixels * run);
    uint of_other = blocks_of((l.lanes.dense ? l.lanes.block : 1) * l.lanes.pixels * run);
    uint blocks = of_first + (chunks_of(&l.lanes) - 1) * of_other;
    for (uint n = 0; n < blocks; n++) {
        SYNC; /* PoCL 3.1 compiles it wrong without */
        uint after = n - of_first, chunk = n < of_first ? 0 : 1 + after / of_other;
        uint row = row_of_chunk(&l.lanes, chunk);
        o.begin = (n < of_first ? n : after % of_other) * BLOCK_POSITIONS;
        uint left = rows_of_chunk(&l.lanes, chunk) * l.lanes.pixels * run - o.begin;
        uint positions = left < BLOCK_POSITIONS ? left : BLOCK_POSITIONS;
        o.from = memory + (from.at + (ulong)row * from.line);
        o.dout = BEGIN(l.dout, dout + (ulong)row * l.dout.line);
        four[0] = bias, four[1] = four[2] = four[3] = 0;
        UNROLL for (uint i = 0; i < 8; i++) {
            UNROLL for (uint j = 0; j < 4; j++) { sum[i][j] = 0; }
        }
        bring_outer(&o, &l.dout, 0, positions);
        for (uint m = 0; m < positions; m += POSITIONS) {
            SYNC;
            keep_outer(&o, a, b);
            SYNC;
            bring_outer(&o, &l.dout, m + POSITIONS, positions);
            multiply_outer(sum, a, b);
            if (biases && ITEM < 64) { add_biases(four, b, m, positions); }
        }
        UNROLL for (uint i = 0; i < 8; i++) {
            UNROLL for (uint j = 0; j < 4; j++) {
                if (first + i < s.depth && v < s.panels) { own[i * PANEL + j] += sum[i][j]; }
            }
        }
        bias = (four[0] + four[1]) + (four[2] + four[3]);
    }
    if (biases && ITEM < 64 && o.there) { to[(ulong)panel * s.size + ITEM % PANEL] = bias; }
}
