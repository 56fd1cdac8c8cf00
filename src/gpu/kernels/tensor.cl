/* Products of bf16 numbers on tensor cores, summed in fp32. A group has TILE_ROWS = 32 * TALL positions and the
 * 128 columns of a wide strip; of its four warps each has half of both: TALL times 16 rows, and 8 blocks of 8
 * columns. Features come 32 at a time, three stages deep, without a register between device and local memory.
 *
 * Maps that products read are bf16 (others may be). Without tensor cores (OpenCL) the instructions are
 * emulated: what each lane holds is as PTX has it, so that tests without a GPU see a wrong place; sums are of
 * the features in their order there, and in the hardware's order on tensor cores. */

#ifndef TENSOR_ONCE
#define TENSOR_ONCE
typedef prnn_gpu_wide wide;
typedef prnn_gpu_unit unit;
#define WIDE PRNN_GPU_WIDE
#define TENSOR_ITEMS 128
#define LANE (ITEM % 32)
#define WARP (ITEM / 32)
#define STAGES 3
#define FEATURES 32 /* of a stage */
#define B_HALVES (FEATURES * WIDE)

/* Where 8 numbers are, in a tile of 32 and in one of 128 numbers a row: so that 8 rows, and the 8 pieces of a
 * column, are in different banks. */
#define NARROW_AT(row, piece) ((row) * 32 + (((piece) ^ ((row) / 2 % 4)) * 8))
#define WIDE_AT(row, piece) ((row) * 128 + (((piece) ^ ((row) % 8)) * 8))

#ifdef CUDA
#define TENSOR_KERNEL extern "C" __global__ void __launch_bounds__(TENSOR_ITEMS, 2)
#define EXCHANGE
#define EXCHANGED
#define EXCHANGED_OF
DEVICE uint shared_address(const ushort *p) { return (uint)__cvta_generic_to_shared(p); }
DEVICE void load_matrices(uint *r, const ushort *memory, uint at) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(memory) + 2 * at));
}
DEVICE void load_matrices_transposed(uint *r, const ushort *memory, uint at) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(memory) + 2 * at));
}
DEVICE void multiply_add(float *d, const uint *a, const uint *b) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
                 "{%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
/* 16 bytes come later; zeros if they are not there. */
DEVICE void copy_later(ushort *to, const ushort *from, bool there) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from),
                 "r"(there ? 16 : 0));
}
#define STAGE_ENDS asm volatile("cp.async.commit_group;")
/* All stages but the last `n` are there. */
#define WAIT_BUT(n) asm volatile("cp.async.wait_group %0;" ::"n"(n))
DEVICE float quick_tanh(float x) {
    float y;
    asm("tanh.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
DEVICE uint pair_of(float low, float high) {
    uint r;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
    return r;
}
#else
#define TENSOR_KERNEL KERNEL(TENSOR_ITEMS)
#define EXCHANGE LOCAL uint words[TENSOR_ITEMS * 6];
/* A kernel whose stages take more than the host counts with does not compile. */
typedef char emulation_fits[STAGES * 2 * B_HALVES * 2 + TENSOR_ITEMS * 6 * 4 <= PRNN_GPU_EMULATION ? 1 : -1];
#define EXCHANGED , words
#define EXCHANGED_OF , OF_LOCAL uint *words
DEVICE void load_any(uint *r, OF_LOCAL const ushort *memory, uint at, int transposed, OF_LOCAL uint *words) {
    uint first = ITEM - LANE;
    SYNC;
    words[ITEM] = at;
    SYNC;
    for (uint i = 0; i < 4; i++) {
        uint low, high;
        if (transposed) {
            low = memory[words[first + i * 8 + LANE % 4 * 2] + LANE / 4];
            high = memory[words[first + i * 8 + LANE % 4 * 2 + 1] + LANE / 4];
        } else {
            uint row = words[first + i * 8 + LANE / 4];
            low = memory[row + LANE % 4 * 2], high = memory[row + LANE % 4 * 2 + 1];
        }
        r[i] = low | high << 16;
    }
}
#define load_matrices(r, memory, at) load_any(r, memory, at, 0, words)
#define load_matrices_transposed(r, memory, at) load_any(r, memory, at, 1, words)
DEVICE void multiply_add_by(float *d, const uint *a, const uint *b, OF_LOCAL uint *words) {
    uint first = (ITEM - LANE) * 6;
    SYNC;
    for (uint i = 0; i < 6; i++) { words[ITEM * 6 + i] = i < 4 ? a[i] : b[i - 4]; }
    SYNC;
    for (uint n = 0; n < 4; n++) {
        uint row = LANE / 4 + n / 2 * 8, column = LANE % 4 * 2 + n % 2;
        for (uint k = 0; k < 16; k++) {
            uint x = words[first + (row % 8 * 4 + k % 8 / 2) * 6 + row / 8 + k / 8 * 2];
            uint y = words[first + (column * 4 + k % 8 / 2) * 6 + 4 + k / 8];
            d[n] = FMA(from_bf16((ushort)(x >> k % 2 * 16)), from_bf16((ushort)(y >> k % 2 * 16)), d[n]);
        }
    }
}
#define multiply_add(d, a, b) multiply_add_by(d, a, b, words)
DEVICE void copy_later(OF_LOCAL ushort *to, GLOBAL const ushort *from, bool there) {
    uint4 zeros = {0, 0, 0, 0};
    *(OF_LOCAL uint4 *)to = there ? *(GLOBAL const uint4 *)from : zeros;
}
#define STAGE_ENDS
#define WAIT_BUT(n)
DEVICE float quick_tanh(float x) { return tanh_of(x); }
DEVICE uint pair_of(float low, float high) { return (uint)to_bf16(low) | (uint)to_bf16(high) << 16; }
#endif

DEVICE float quick_sigmoid(float x) { return FMA(0.5f, quick_tanh(0.5f * x), 0.5f); }

/* Two numbers that lie together; `at` is even. */
DEVICE float2 load_two(GLOBAL const float *memory, uint bf16, ulong at) {
    float2 x;
    if (bf16) {
        uint pair = *(GLOBAL const uint *)((GLOBAL const ushort *)memory + at);
        x.x = FLOAT_OF(pair << 16), x.y = FLOAT_OF(pair & 0xffff0000u);
    } else {
        x = *(GLOBAL const float2 *)(memory + at);
    }
    return x;
}
DEVICE void store_two(GLOBAL float *memory, uint bf16, ulong at, float low, float high) {
    if (bf16) {
        *(GLOBAL uint *)((GLOBAL ushort *)memory + at) = pair_of(low, high);
    } else {
        float2 x;
        x.x = low, x.y = high;
        *(GLOBAL float2 *)(memory + at) = x;
    }
}
#define LOAD_TWO(place, at) load_two(memory, (place).bf16, at)
#define STORE_TWO(place, at, low, high) store_two(memory, (place).bf16, at, low, high)

#define TENSOR_TABLES                                                                                                  \
    GLOBAL const wide *RESTRICT strips, GLOBAL const unit *RESTRICT units, GLOBAL const tap *RESTRICT taps,            \
        GLOBAL const ushort *RESTRICT weights, GLOBAL const float *RESTRICT biases, GLOBAL float *memory

/* Columns 8 * block + LANE % 4 * 2 and the next of the item. */
#define BLOCK_OF(j) (WARP % 2 * 8 + (j))
#endif

#define N(name) PASTE(name##_tall, TALL)
#undef TILE_ROWS
#define TILE_ROWS (32 * TALL)
#define A_HALVES (TILE_ROWS * FEATURES)
#define STAGE_HALVES (A_HALVES + B_HALVES)
#define TENSOR_MEMORY                                                                                                  \
    LOCAL ALIGNED ushort stages[STAGES * STAGE_HALVES];                                                                \
    EXCHANGE
/* Row h (0 or 1) of the item's rows in tile i of 16. */
#define TENSOR_ROW(i, h) (GROUP_Y * TILE_ROWS + (WARP / 2 * TALL + (i)) * 16 + LANE / 4 + 8 * (h))

/* What an item brings: TALL pieces of 8 features, of rows ITEM / 4 + 32 * i, and 4 pieces of weights. */
typedef struct N(source) {
    GLOBAL const wide *s;
    GLOBAL const unit *units;
    GLOBAL const tap *taps;
    GLOBAL const ushort *weights, *halves;
    uint count; /* of units */
    uint now;   /* tap of which `at` is */
    uint q[TALL], r[TALL];
    ulong at[TALL]; /* of the rows in its map */
    bool there[TALL];
} N(source);

DEVICE void N(bring)(N(source) *x, const prnn_gpu_factors *f, uint chunk, OF_LOCAL ushort *stage) {
    uint piece = ITEM % 4, number = chunk * 4 + piece;
    unit u = x->units[number < x->count ? number : 0];
    if (u.tap != x->now) {
        tap t = x->taps[u.tap];
        place p = place_of_tap(&t, f->images, f->row, f->col, f->back);
        x->now = u.tap;
        UNROLL for (uint i = 0; i < TALL; i++) { x->at[i] = AT(p, x->q[i], x->r[i]); }
    }
    UNROLL for (uint i = 0; i < TALL; i++) {
        uint row = ITEM / 4 + 32 * i;
        bool there = x->there[i] && number < x->count;
        copy_later(stage + NARROW_AT(row, piece), x->halves + (there ? x->at[i] + u.first : 0), there);
    }
    UNROLL for (uint i = 0; i < 4; i++) {
        uint k = ITEM / 16 + 8 * i;
        copy_later(stage + A_HALVES + WIDE_AT(k, ITEM % 16), x->weights + (chunk * FEATURES + k) * WIDE + ITEM % 16 * 8,
                   true);
    }
}

DEVICE void N(multiply)(float (*sum)[8][4], OF_LOCAL const ushort *stages, uint stage EXCHANGED_OF) {
    uint first = stage * STAGE_HALVES;
    UNROLL for (uint k = 0; k < FEATURES / 16; k++) {
        uint a[TALL][4], b[4];
        UNROLL for (uint i = 0; i < TALL; i++) {
            uint row = (WARP / 2 * TALL + i) * 16 + LANE % 16;
            load_matrices(a[i], stages, first + NARROW_AT(row, k * 2 + LANE / 16));
        }
        UNROLL for (uint j = 0; j < 8; j += 2) {
            uint row = k * 16 + LANE % 16;
            load_matrices_transposed(b, stages, first + A_HALVES + WIDE_AT(row, BLOCK_OF(j) + LANE / 16));
            UNROLL for (uint i = 0; i < TALL; i++) {
                multiply_add(sum[i][j], a[i], b);
                multiply_add(sum[i][j + 1], a[i], b + 2);
            }
        }
    }
}

/* sum += the strip's units times its weights; `sum` is set while the first stages come. */
DEVICE void N(begin_source)(N(source) *x, GLOBAL const wide *s, const prnn_gpu_factors *f, GLOBAL const unit *units,
                            GLOBAL const tap *taps, GLOBAL const ushort *weights, GLOBAL const float *memory,
                            OF_LOCAL ushort *stages) {
    x->s = s, x->units = units + s->first_unit, x->taps = taps, x->weights = weights + s->at;
    x->halves = (GLOBAL const ushort *)memory, x->count = s->units, x->now = ~0u;
    UNROLL for (uint i = 0; i < TALL; i++) {
        uint m = GROUP_Y * TILE_ROWS + ITEM / 4 + 32 * i;
        x->q[i] = m / f->run, x->r[i] = m % f->run, x->there[i] = m < f->rows;
    }
    for (uint chunk = 0; chunk < STAGES - 1; chunk++) {
        if (chunk * 4 < x->count) { N(bring)(x, f, chunk, stages + chunk * STAGE_HALVES); }
        STAGE_ENDS;
    }
}

DEVICE void N(tensor_sum)(float (*sum)[8][4], N(source) *x, const prnn_gpu_factors *f, OF_LOCAL ushort *stages EXCHANGED_OF) {
    uint chunks = (x->count + 3) / 4, now = 0, next = STAGES - 1;
    for (uint chunk = 0; chunk < chunks; chunk++) {
        WAIT_BUT(STAGES - 2);
        SYNC;
        if (chunk + STAGES - 1 < chunks) { N(bring)(x, f, chunk + STAGES - 1, stages + next * STAGE_HALVES); }
        STAGE_ENDS;
        N(multiply)(sum, stages, now EXCHANGED);
        now = now + 1 < STAGES ? now + 1 : 0, next = next + 1 < STAGES ? next + 1 : 0;
    }
}

/* sum = bias + add */
DEVICE void N(begin_sum)(float (*sum)[8][4], GLOBAL const wide *s, const prnn_gpu_factors *f, GLOBAL const float *biases,
                         GLOBAL const float *memory, place add) {
    UNROLL for (uint j = 0; j < 8; j++) {
        GLOBAL const float *bias = biases + s->bias + BLOCK_OF(j) * 8 + LANE % 4 * 2;
        UNROLL for (uint i = 0; i < TALL; i++) {
            sum[i][j][0] = sum[i][j][2] = bias[0];
            sum[i][j][1] = sum[i][j][3] = bias[1];
        }
    }
    if (add.at == NONE) { return; }
    UNROLL for (uint i = 0; i < TALL; i++) {
        UNROLL for (uint h = 0; h < 2; h++) {
            uint m = TENSOR_ROW(i, h);
            if (m < f->rows) {
                ulong at = AT(add, m / f->run, m % f->run) + LANE % 4 * 2;
                UNROLL for (uint j = 0; j < 8; j++) {
                    if (BLOCK_OF(j) < s->blocks) {
                        float2 x = LOAD_TWO(add, at + s->column[BLOCK_OF(j)]);
                        sum[i][j][2 * h] += x.x, sum[i][j][2 * h + 1] += x.y;
                    }
                }
            }
        }
    }
}

TENSOR_KERNEL N(product)(prnn_gpu_product l, TENSOR_TABLES) {
    TENSOR_MEMORY
    GLOBAL const wide *s = strips + l.f.first_strip + GROUP_X;
    float sum[TALL][8][4];
    N(source) x;
    N(begin_source)(&x, s, &l.f, units, taps + l.f.first_tap, weights, memory, stages);
    N(begin_sum)(sum, s, &l.f, biases, memory, l.add);
    N(tensor_sum)(sum, &x, &l.f, stages EXCHANGED);
    UNROLL for (uint i = 0; i < TALL; i++) {
        UNROLL for (uint h = 0; h < 2; h++) {
            uint m = TENSOR_ROW(i, h);
            if (m < l.f.rows) {
                ulong at = AT(l.out, m / l.f.run, m % l.f.run) + LANE % 4 * 2;
                UNROLL for (uint j = 0; j < 8; j++) {
                    if (BLOCK_OF(j) < s->blocks) {
                        float low = sum[i][j][2 * h], high = sum[i][j][2 * h + 1];
                        STORE_TWO(l.out, at + s->column[BLOCK_OF(j)], l.relu ? relu_of(low) : low,
                                  l.relu ? relu_of(high) : high);
                    }
                }
            }
        }
    }
}

/* Cells of features `at` and the next, of which d has the four gates: d[gate][0] and d[gate][1]. */
#ifndef TENSOR_CELLS_ONCE
#define TENSOR_CELLS_ONCE
DEVICE void two_cells(const prnn_gpu_lstm *l, GLOBAL float *memory, uint q, uint r, uint at, float (*d)[2]) {
    float2 before = LOAD_TWO(l->before, AT(l->before, q, r) + at);
    float cell[2], state[2], was[2];
    was[0] = before.x, was[1] = before.y;
    UNROLL for (uint n = 0; n < 2; n++) {
        d[0][n] = quick_sigmoid(d[0][n]), d[1][n] = quick_sigmoid(d[1][n]), d[2][n] = quick_sigmoid(d[2][n]);
        d[3][n] = quick_tanh(d[3][n]);
        cell[n] = FMA(d[1][n], was[n], d[2][n] * d[3][n]);
        state[n] = d[0][n] * quick_tanh(cell[n]);
    }
    STORE_TWO(l->cell, AT(l->cell, q, r) + at, cell[0], cell[1]);
    STORE_TWO(l->state, AT(l->state, q, r) + at, state[0], state[1]);
    if (l->gates.at != NONE) {
        ulong gates = AT(l->gates, q, r) + at;
        UNROLL for (uint g = 0; g < 4; g++) { STORE_TWO(l->gates, gates + g * l->hidden, d[g][0], d[g][1]); }
    }
}

DEVICE void two_cell_gradients(const prnn_gpu_lstm_gradient *l, GLOBAL float *memory, uint q, uint r, uint at, float ds0,
                               float ds1) {
    ulong gates = AT(l->gates, q, r) + at, dgates = AT(l->dgates, q, r) + at, dcells = AT(l->dcell, q, r) + at;
    float2 o = LOAD_TWO(l->gates, gates), f = LOAD_TWO(l->gates, gates + l->hidden);
    float2 in = LOAD_TWO(l->gates, gates + 2 * l->hidden), g = LOAD_TWO(l->gates, gates + 3 * l->hidden);
    float2 cell = LOAD_TWO(l->cell, AT(l->cell, q, r) + at), before = LOAD_TWO(l->before, AT(l->before, q, r) + at);
    float2 dcell = LOAD_TWO(l->dcell, dcells);
    float tc0 = quick_tanh(cell.x), tc1 = quick_tanh(cell.y);
    float dc0 = FMA(ds0 * o.x, FMA(-tc0, tc0, 1.0f), dcell.x), dc1 = FMA(ds1 * o.y, FMA(-tc1, tc1, 1.0f), dcell.y);
    STORE_TWO(l->dgates, dgates, ds0 * tc0 * o.x * (1.0f - o.x), ds1 * tc1 * o.y * (1.0f - o.y));
    STORE_TWO(l->dgates, dgates + l->hidden, dc0 * before.x * f.x * (1.0f - f.x), dc1 * before.y * f.y * (1.0f - f.y));
    STORE_TWO(l->dgates, dgates + 2 * l->hidden, dc0 * g.x * in.x * (1.0f - in.x), dc1 * g.y * in.y * (1.0f - in.y));
    STORE_TWO(l->dgates, dgates + 3 * l->hidden, dc0 * in.x * FMA(-g.x, g.x, 1.0f), dc1 * in.y * FMA(-g.y, g.y, 1.0f));
    STORE_TWO(l->dcell, dcells, dc0 * f.x, dc1 * f.y);
}
#endif

TENSOR_KERNEL N(product_lstm)(prnn_gpu_lstm l, TENSOR_TABLES) {
    TENSOR_MEMORY
    GLOBAL const wide *s = strips + l.f.first_strip + GROUP_X;
    float sum[TALL][8][4];
    N(source) x;
    N(begin_source)(&x, s, &l.f, units, taps + l.f.first_tap, weights, memory, stages);
    N(begin_sum)(sum, s, &l.f, biases, memory, l.add);
    N(tensor_sum)(sum, &x, &l.f, stages EXCHANGED);
    UNROLL for (uint i = 0; i < TALL; i++) {
        UNROLL for (uint h = 0; h < 2; h++) {
            uint m = TENSOR_ROW(i, h);
            UNROLL for (uint j = 0; j < 8; j += 4) {
                if (m < l.f.rows && BLOCK_OF(j) < s->blocks) {
                    float d[4][2];
                    UNROLL for (uint g = 0; g < 4; g++) {
                        d[g][0] = sum[i][j + g][2 * h], d[g][1] = sum[i][j + g][2 * h + 1];
                    }
                    two_cells(&l, memory, m / l.f.run, m % l.f.run, s->column[BLOCK_OF(j)] + LANE % 4 * 2, d);
                }
            }
        }
    }
}

TENSOR_KERNEL N(product_lstm_gradient)(prnn_gpu_lstm_gradient l, TENSOR_TABLES) {
    TENSOR_MEMORY
    GLOBAL const wide *s = strips + l.f.first_strip + GROUP_X;
    float sum[TALL][8][4];
    N(source) x;
    N(begin_source)(&x, s, &l.f, units, taps + l.f.first_tap, weights, memory, stages);
    N(begin_sum)(sum, s, &l.f, biases, memory, l.add);
    N(tensor_sum)(sum, &x, &l.f, stages EXCHANGED);
    UNROLL for (uint i = 0; i < TALL; i++) {
        UNROLL for (uint h = 0; h < 2; h++) {
            uint m = TENSOR_ROW(i, h);
            UNROLL for (uint j = 0; j < 8; j++) {
                if (m < l.f.rows && BLOCK_OF(j) < s->blocks) {
                    two_cell_gradients(&l, memory, m / l.f.run, m % l.f.run, s->column[BLOCK_OF(j)] + LANE % 4 * 2,
                                       sum[i][j][2 * h], sum[i][j][2 * h + 1]);
                }
            }
        }
    }
}

#undef N
#undef A_HALVES
#undef STAGE_HALVES
#undef TENSOR_MEMORY
#undef TENSOR_ROW
#undef TALL
