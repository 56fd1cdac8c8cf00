/* The functions of src/kernels/vectors.h and src/base/real.c once more: the same operations in the same order
 * give the same bits. */
typedef prnn_gpu_place place;
typedef prnn_gpu_segment segment;
typedef prnn_gpu_strip strip;
typedef prnn_gpu_tap tap;
#define NONE PRNN_GPU_NONE
#define NOWHERE PRNN_GPU_NOWHERE
#define PANEL PRNN_GPU_PANEL

/* Offset of position m, of which quotient and rest by `run` are known. */
#define AT(p, q, r) ((p).at + (ulong)(q) * (p).pitch + (ulong)(r) * (p).stride)

/* What a tap is for a region of `images` images that begins at (row, col). */
DEVICE place place_of_tap(const tap *t, uint images, uint row, uint col, uint back) {
    ulong stride = (ulong)t->stride * images;
    place p;
    p.at = t->at * images + ((ulong)((row + t->row) % t->rows) * t->width + (t->col + col)) * stride;
    p.stride = t->stride;
    p.pitch = (uint)((t->width - back) * stride);
    p.line = (uint)(t->width * stride);
    p.bf16 = 0;
    return p;
}

/* Where one of two is NaN the result is b: a bound goes first, and lets a NaN through. */
DEVICE float least(float a, float b) { return a < b ? a : b; }
DEVICE float most(float a, float b) { return a > b ? a : b; }
DEVICE float relu_of(float x) { return most(0.0f, x); }

/* Round to nearest, ties to even; NaN stays NaN. */
DEVICE ushort to_bf16(float x) {
    uint u = BITS_OF(x);
    return (ushort)((u & 0x7fffffffu) > 0x7f800000u ? (u >> 16) | 0x40u : (u + 0x7fffu + (u >> 16 & 1u)) >> 16);
}
DEVICE float from_bf16(ushort h) { return FLOAT_OF((uint)h << 16); }

/* A number of a map; and one of its numbers from `at` on. */
#ifdef BF16
DEVICE float load_from(GLOBAL const float *memory, uint bf16, ulong at) {
    return bf16 ? from_bf16(((GLOBAL const ushort *)memory)[at]) : memory[at];
}
DEVICE void store_to(GLOBAL float *memory, uint bf16, ulong at, float x) {
    if (bf16) {
        ((GLOBAL ushort *)memory)[at] = to_bf16(x);
    } else {
        memory[at] = x;
    }
}
DEVICE GLOBAL const float *begin_of(GLOBAL const float *memory, uint bf16, ulong at) {
    return bf16 ? (GLOBAL const float *)((GLOBAL const ushort *)memory + at) : memory + at;
}
#define LOAD(place, at) load_from(memory, (place).bf16, at)
#define STORE(place, at, x) store_to(memory, (place).bf16, at, x)
#define BEGIN(place, at) begin_of(memory, (place).bf16, at)
#define LOAD_FROM(begin, place, at) load_from(begin, (place).bf16, at)
#else
#define LOAD(place, at) (memory[at])
#define STORE(place, at, x) (memory[at] = (x))
#define BEGIN(place, at) (memory + (at))
#define LOAD_FROM(begin, place, at) ((begin)[at])
#endif

DEVICE float tanh_of(float x) {
    x = most(-9.02f, least(9.02f, x));
    float u = x * x;
    float p = FMA(1.8162567e-11f, u, -1.2743862e-08f);
    p = FMA(p, u, 9.2551427e-06f);
    p = FMA(p, u, 2.9194127e-03f);
    p = FMA(p, u, 0.12917973f);
    p = FMA(p, u, 0.99999994f);
    float q = FMA(2.2791390e-04f, u, 2.3757642e-02f);
    q = FMA(q, u, 0.46251255f);
    q = FMA(q, u, 1.0f);
    return x * p / q;
}

DEVICE float sigmoid_of(float x) {
    x = most(-18.04f, least(18.04f, x));
    float u = x * x;
    float p = FMA(1.8162567e-11f / 4096, u, -1.2743862e-08f / 1024);
    p = FMA(p, u, 9.2551427e-06f / 256);
    p = FMA(p, u, 2.9194127e-03f / 64);
    p = FMA(p, u, 0.12917973f / 16);
    p = FMA(p, u, 0.99999994f / 4);
    float q = FMA(2.2791390e-04f / 64, u, 2.3757642e-02f / 16);
    q = FMA(q, u, 0.46251255f / 4);
    q = FMA(q, u, 1.0f);
    return x * p / q + 0.5f;
}

DEVICE float exp_of(float x) {
    const float magic = 12582912.0f;
    x = most(-87.0f, x);
    float shifted = FMA(x, 1.44269504f, magic);
    float k = shifted - magic;
    float r = FMA(k, -0.693359375f, x);
    r = FMA(k, 2.12194440e-4f, r);
    float p = FMA(0.00138367934f, r, 0.00837485678f);
    p = FMA(p, r, 0.0416682288f);
    p = FMA(p, r, 0.166664198f);
    p = FMA(p, r, 0.499999911f);
    p = FMA(p, r, 1.0f);
    p = FMA(p, r, 1.0f);
    return p * FLOAT_OF((BITS_OF(shifted) - BITS_OF(magic) + 127u) << 23);
}

DEVICE float log1p_of(float x) {
    float s = x / (x + 2.0f), u = s * s;
    float p = FMA(0.28198576f, u, 0.27956292f);
    p = FMA(p, u, 0.400251955f);
    p = FMA(p, u, 0.66666311f);
    p = FMA(p, u, 2.0f);
    return s * p;
}

DEVICE float log_of(float x) {
    uint bits = BITS_OF(x);
    float m = FLOAT_OF((bits & 0x7fffffu) | 0x3f800000u), k = (float)(((int)bits >> 23) - 127);
    return FMA(k, 0.693147181f, log1p_of(m - 1.0f)) + (x - x);
}

#ifdef DOUBLES
CONSTANT double roots_of_two[32] = {
    0x1.0000000000000p+0, 0x1.059b0d3158574p+0, 0x1.0b5586cf9890fp+0, 0x1.11301d0125b51p+0,
    0x1.172b83c7d517bp+0, 0x1.1d4873168b9aap+0, 0x1.2387a6e756238p+0, 0x1.29e9df51fdee1p+0,
    0x1.306fe0a31b715p+0, 0x1.371a7373aa9cbp+0, 0x1.3dea64c123422p+0, 0x1.44e086061892dp+0,
    0x1.4bfdad5362a27p+0, 0x1.5342b569d4f82p+0, 0x1.5ab07dd485429p+0, 0x1.6247eb03a5585p+0,
    0x1.6a09e667f3bcdp+0, 0x1.71f75e8ec5f74p+0, 0x1.7a11473eb0187p+0, 0x1.82589994cce13p+0,
    0x1.8ace5422aa0dbp+0, 0x1.93737b0cdc5e5p+0, 0x1.9c49182a3f090p+0, 0x1.a5503b23e255dp+0,
    0x1.ae89f995ad3adp+0, 0x1.b7f76f2fb5e47p+0, 0x1.c199bdd85529cp+0, 0x1.cb720dcef9069p+0,
    0x1.d5818dcfba487p+0, 0x1.dfc97337b9b5fp+0, 0x1.ea4afa2a490dap+0, 0x1.f50765b6e4540p+0,
};

DEVICE double power_of_two(int k) { return DOUBLE_OF((ulong)(k + 1023) << 52); }

/* prnn_exp */
DEVICE double double_exp_of(double x) {
    const double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33, magic = 0x1.8p52;
    if (!(x < 709.8)) {
        return x + DOUBLE_OF(0x7ff0000000000000ul);
    }
    if (x < -745.2) {
        return 0;
    }
    double k = (x * (32 * 1.4426950408889634) + magic) - magic;
    double r = (x - k * (ln2_high / 32)) - k * (ln2_low / 32), square = r * r;
    double p = (1.0 / 2 + r * (1.0 / 6)) + square * ((1.0 / 24 + r * (1.0 / 120)) + square * (1.0 / 720));
    int whole = (int)k, j = whole & 31, n = (whole - j) / 32;
    double root = roots_of_two[j], scaled = root + root * (r + square * p);
    if (n > -1000 && n < 1000) {
        return DOUBLE_OF(BITS_OF_DOUBLE(scaled) + ((ulong)n << 52));
    }
    return scaled * power_of_two(n / 2) * power_of_two(n - n / 2);
}
#endif

/* Sixteen neighbours each have a column's part of a sum, or of a maximum: panel_sum and panel_max. All items
 * of the group take part, and what they read before it is read before anything that they write after it. */
#ifdef CUDA
#define COLUMNS_MEMORY
#define COLUMNS
#define COLUMNS_OF
DEVICE float panel_sum(float x) {
    UNROLL for (uint span = PANEL / 2; span > 0; span /= 2) { x += __shfl_down_sync(~0u, x, span, PANEL); }
    __syncwarp();
    return __shfl_sync(~0u, x, 0, PANEL);
}
DEVICE float panel_max(float x) {
    UNROLL for (uint span = PANEL / 2; span > 0; span /= 2) {
        float y = __shfl_down_sync(~0u, x, span, PANEL);
        x = x > y ? x : y;
    }
    __syncwarp();
    return __shfl_sync(~0u, x, 0, PANEL);
}
#else
#define COLUMNS_MEMORY LOCAL float columns[128];
#define COLUMNS , columns
#define COLUMNS_OF , OF_LOCAL float *columns
DEVICE float panel_fold(float x, int largest, OF_LOCAL float *columns) {
    uint column = ITEM % PANEL;
    SYNC;
    columns[ITEM] = x;
    SYNC;
    for (uint span = PANEL / 2; span > 0; span /= 2) {
        if (column < span) {
            float a = columns[ITEM], b = columns[ITEM + span];
            columns[ITEM] = largest ? (a > b ? a : b) : a + b;
        }
        SYNC;
    }
    return columns[ITEM - column];
}
DEVICE float panel_sum(float x, OF_LOCAL float *columns) { return panel_fold(x, 0, columns); }
DEVICE float panel_max(float x, OF_LOCAL float *columns) { return panel_fold(x, 1, columns); }
#endif
