/* The gradient by the weights on tensor cores: a group has 128 features, 128 columns and a slice of the
 * positions, 32 of which come at a time. It is added to the slice's own gradient, where the packed weights
 * are. Slices are summed by `unpack`: nothing is added by two groups, so the bits are the same every time. */
#define OUTER_HALVES (2 * FEATURES * WIDE) /* of a stage: features, then columns, of 32 positions */

/* An item brings one piece of 8 features and one of 8 columns, of positions ITEM / 16 + 8 * i of 32. */
typedef struct tensor_outer {
    place tap, dout;
    GLOBAL const ushort *halves;
    bool feature, column; /* are there */
    uint m, end, run, q, r;
} tensor_outer;

DEVICE void bring_tensor_outer(tensor_outer *x, OF_LOCAL ushort *stage) {
    uint q = x->q, r = x->r;
    UNROLL for (uint i = 0; i < 4; i++) {
        uint row = ITEM / 16 + 8 * i;
        bool there = x->m + 8 * i < x->end;
        bool feature = there && x->feature, column = there && x->column;
        copy_later(stage + WIDE_AT(row, ITEM % 16), x->halves + (feature ? AT(x->tap, q, r) : 0), feature);
        copy_later(stage + FEATURES * WIDE + WIDE_AT(row, ITEM % 16), x->halves + (column ? AT(x->dout, q, r) : 0), column);
        for (r += 8; r >= x->run; r -= x->run) { q++; }
    }
    x->q = q, x->r = r, x->m += FEATURES;
}

DEVICE void multiply_tensor_outer(float (*sum)[8][4], OF_LOCAL const ushort *stages, uint first EXCHANGED_OF) {
    UNROLL for (uint k = 0; k < FEATURES / 16; k++) {
        uint a[4][4], b[4];
        UNROLL for (uint i = 0; i < 4; i++) {
            uint row = k * 16 + LANE / 16 * 8 + LANE % 8, piece = (WARP / 2 * 4 + i) * 2 + LANE / 8 % 2;
            load_matrices_transposed(a[i], stages, first + WIDE_AT(row, piece));
        }
        UNROLL for (uint j = 0; j < 8; j += 2) {
            uint row = k * 16 + LANE % 16;
            load_matrices_transposed(b, stages, first + FEATURES * WIDE + WIDE_AT(row, BLOCK_OF(j) + LANE / 16));
            UNROLL for (uint i = 0; i < 4; i++) {
                multiply_add(sum[i][j], a[i], b);
                multiply_add(sum[i][j + 1], a[i], b + 2);
            }
        }
    }
}

TENSOR_KERNEL tensor_gradient(prnn_gpu_wide_gradient l, GLOBAL const prnn_gpu_tile *tiles, GLOBAL const wide *strips,
                              GLOBAL const unit *units, GLOBAL const tap *taps, GLOBAL const uint *weight_places,
                              GLOBAL const uint *bias_places, GLOBAL const float *memory, GLOBAL float *gradient) {
    LOCAL ALIGNED ushort stages[STAGES * OUTER_HALVES];
    EXCHANGE
    prnn_gpu_tile tile = tiles[l.first_tile + GROUP_X];
    GLOBAL const wide *s = strips + l.first_strip + tile.strip;
    tensor_outer x;
    uint number = tile.feature / 8 + ITEM % 16, block = ITEM % 16;
    x.feature = number < s->units, x.column = block < s->blocks;
    unit u = units[s->first_unit + (x.feature ? number : 0)];
    tap t = taps[l.first_tap + u.tap];
    x.tap = place_of_tap(&t, l.images, l.row, l.col, 0), x.tap.at += u.first;
    x.dout = l.dout, x.dout.at += x.column ? s->column[block] : 0;
    x.halves = (GLOBAL const ushort *)memory;
    uint begin = GROUP_Y * l.per, end = begin + l.per < l.rows ? begin + l.per : l.rows;
    x.m = begin + ITEM / 16, x.end = end, x.run = l.run, x.q = x.m / l.run, x.r = x.m % l.run;
    float sum[4][8][4], bias = 0;
    UNROLL for (uint i = 0; i < 4; i++) {
        UNROLL for (uint j = 0; j < 8; j++) { sum[i][j][0] = sum[i][j][1] = sum[i][j][2] = sum[i][j][3] = 0; }
    }
    uint chunks = end > begin ? (end - begin + FEATURES - 1) / FEATURES : 0, now = 0, next = STAGES - 1;
    bool biases = tile.feature == 0 && l.biased;
    for (uint chunk = 0; chunk < STAGES - 1; chunk++) {
        if (chunk < chunks) { bring_tensor_outer(&x, stages + chunk * OUTER_HALVES); }
        STAGE_ENDS;
    }
    for (uint chunk = 0; chunk < chunks; chunk++) {
        WAIT_BUT(STAGES - 2);
        SYNC;
        if (chunk + STAGES - 1 < chunks) { bring_tensor_outer(&x, stages + next * OUTER_HALVES); }
        STAGE_ENDS;
        multiply_tensor_outer(sum, stages, now * OUTER_HALVES EXCHANGED);
        if (biases) {
            OF_LOCAL const ushort *d = stages + now * OUTER_HALVES + FEATURES * WIDE;
            for (uint k = 0; k < FEATURES; k++) { bias += from_bf16(d[WIDE_AT(k, ITEM / 8) + ITEM % 8]); }
        }
        now = now + 1 < STAGES ? now + 1 : 0, next = next + 1 < STAGES ? next + 1 : 0;
    }
    GLOBAL float *to = gradient + GROUP_Y * l.slice_size;
    UNROLL for (uint i = 0; i < 4; i++) {
        UNROLL for (uint h = 0; h < 2; h++) {
            uint feature = tile.feature + (WARP / 2 * 4 + i) * 16 + LANE / 4 + 8 * h;
            if (feature < 8 * s->units) {
                GLOBAL const uint *places = weight_places + s->at / 8 + (ulong)feature * PRNN_GPU_BLOCKS;
                UNROLL for (uint j = 0; j < 8; j++) {
                    uint at = places[BLOCK_OF(j)];
                    if (at != NOWHERE) {
                        GLOBAL float2 *two = (GLOBAL float2 *)(to + at + LANE % 4 * 2);
                        float2 y = *two;
                        y.x += sum[i][j][2 * h], y.y += sum[i][j][2 * h + 1];
                        *two = y;
                    }
                }
            }
        }
    }
    if (biases) {
        uint at = bias_places[s->bias / 8 + ITEM / 8];
        if (at != NOWHERE) { to[at + ITEM % 8] += bias; }
    }
}

/* Packed weights as wide strips have them, 8 columns an item. */
KERNEL(256) widen_weights(ulong n, GLOBAL const uint *places, GLOBAL const float *packed, GLOBAL ushort *weights) {
    ulong i = ((ulong)GROUP_Y * 65535u + GROUP_X) * 256 + ITEM;
    if (i < n) {
        uint at = places[i];
        for (uint k = 0; k < 8; k++) { weights[8 * i + k] = to_bf16(at != NOWHERE ? packed[at + k] : 0.0f); }
    }
}
KERNEL(256) widen_biases(ulong n, GLOBAL const uint *places, GLOBAL const float *packed, GLOBAL float *biases) {
    ulong i = ((ulong)GROUP_Y * 65535u + GROUP_X) * 256 + ITEM;
    if (i < n) {
        uint at = places[i];
        for (uint k = 0; k < 8; k++) { biases[8 * i + k] = at != NOWHERE ? packed[at + k] : 0.0f; }
    }
}
