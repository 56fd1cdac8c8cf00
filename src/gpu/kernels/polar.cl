/* Gradients of matrices made orthogonal, as on the CPU (device/cpu_polar.c). GROUP_Y is the matrix, of R x C numbers padded to
 * r x c; its memory holds x and y, then a and b. */

DEVICE uint polar_padded(uint n) { return (n + PRNN_GPU_PANEL - 1) / PRNN_GPU_PANEL * PRNN_GPU_PANEL; }
DEVICE ulong polar_at(prnn_gpu_polar p) { return (ulong)p.at * (PRNN_GPU_PANEL * PRNN_GPU_PANEL); }

/* Which parameter is number (row, column) of a matrix. */
DEVICE ulong polar_parameter(prnn_gpu_polar p, GLOBAL const uint *columns, uint row, uint column) {
    ulong line = p.turned ? column : row;
    return p.first + line * p.width + columns[p.first_column + (p.turned ? row : column)];
}

KERNEL(256) polar_begin(float keep, float scale, GLOBAL const prnn_gpu_polar *table, GLOBAL const uint *columns, GLOBAL float *mean,
                        GLOBAL const float *gradient, GLOBAL float *scratch) {
    prnn_gpu_polar p = table[GROUP_Y];
    uint c = polar_padded(p.columns);
    ulong e = (ulong)GROUP_X * 256 + ITEM;
    uint row = (uint)(e / c), column = (uint)(e % c);
    if (row >= p.rows) { return; }
    float x = 0;
    if (column < p.columns) {
        ulong i = polar_parameter(p, columns, row, column);
        float g = (1 - keep) * (gradient[i] * scale);
        float m = keep * mean[i] + g;
        mean[i] = m;
        x = keep * m + g;
    }
    scratch[polar_at(p) + e] = x;
}

/* What makes the sum of the squares of x, which is that of the diagonal of a, 1 (nearly); 0 where it is no float. */
KERNEL(64) polar_length(uint count, float epsilon, GLOBAL const prnn_gpu_polar *table, GLOBAL const float *scratch, GLOBAL float *lengths) {
    uint i = GROUP_X * 64 + ITEM;
    if (i >= count) { return; }
    prnn_gpu_polar p = table[i];
    ulong r = polar_padded(p.rows), a = polar_at(p) + 2 * r * polar_padded(p.columns);
    float sum = 0;
    for (uint j = 0; j < p.rows; j++) { sum += scratch[a + j * r + j]; }
    lengths[i] = 1 / (SQRT(sum) + epsilon);
}

KERNEL(256) polar_scale(GLOBAL const prnn_gpu_polar *table, GLOBAL const float *lengths, GLOBAL float *scratch) {
    prnn_gpu_polar p = table[GROUP_Y];
    float s = lengths[GROUP_Y];
    ulong r = polar_padded(p.rows), c = polar_padded(p.columns), e = (ulong)GROUP_X * 256 + ITEM, a = polar_at(p) + 2 * r * c + e;
    if (e < p.rows * c) { scratch[polar_at(p) + e] = s > 0 ? scratch[polar_at(p) + e] * s : 0; }
    if (e < p.rows * r) { scratch[a] = s > 0 ? scratch[a] * s * s : 0; }
}

/* Products, a tile of numbers a group, each a sum in the order of its terms:
 *   kind 0  a = x x'
 *   kind 1  b = before a + now a a, where a is symmetric
 *   kind 2  y = before x + now b x
 * With `turns` odd, x and y are where the other is. */
#define TILE PRNN_GPU_POLAR_TILE
#define DEEP 16
KERNEL(256) polar_product(uint kind, uint turns, float before, float now, GLOBAL const prnn_gpu_polar *table, GLOBAL float *scratch) {
    LOCAL float left[TILE][DEEP + 1], right[TILE][DEEP + 1];
    prnn_gpu_polar p = table[GROUP_Y];
    ulong r = polar_padded(p.rows), c = polar_padded(p.columns);
    ulong x = polar_at(p) + (turns % 2 ? r * c : 0), y = polar_at(p) + (turns % 2 ? 0 : r * c), a = polar_at(p) + 2 * r * c, b = a + r * r;
    uint width = (uint)(kind == 2 ? c : r), across = (width + TILE - 1) / TILE;
    uint row = GROUP_X / across * TILE, column = GROUP_X % across * TILE, depth = kind == 0 ? p.columns : p.rows;
    if (row >= p.rows) { return; }
    ulong from = kind == 0 ? x : kind == 1 ? a : b, line = kind == 0 ? c : r;
    float sum[4] = {0, 0, 0, 0};
    uint own = ITEM % TILE, first = ITEM / TILE; /* rows first, first + 8, ... */
    for (uint k = 0; k < depth; k += DEEP) {
        uint n = depth - k < DEEP ? depth - k : DEEP;
        SYNC;
        for (uint i = ITEM; i < TILE * DEEP; i += 256) {
            uint at = i / DEEP, deep = i % DEEP;
            left[at][deep] = row + at < p.rows && deep < n ? scratch[from + (row + at) * line + k + deep] : 0.0f;
            if (kind < 2) {
                right[at][deep] = column + at < p.rows && deep < n ? scratch[from + (column + at) * line + k + deep] : 0.0f;
            }
        }
        for (uint i = ITEM; i < TILE * DEEP && kind == 2; i += 256) {
            uint at = i % TILE, deep = i / TILE;
            right[at][deep] = column + at < c && deep < n ? scratch[x + (k + deep) * c + column + at] : 0.0f;
        }
        SYNC;
        for (uint j = 0; j < n; j++) {
            for (uint i = 0; i < 4; i++) { sum[i] = FMA(left[first + 8 * i][j], right[own][j], sum[i]); }
        }
    }
    for (uint i = 0; i < 4; i++) {
        ulong m = row + first + 8 * i, n = column + own;
        if (m >= p.rows || n >= width) { continue; }
        if (kind == 0) {
            scratch[a + m * r + n] = sum[i];
        } else if (kind == 1) {
            scratch[b + m * r + n] = FMA(now, sum[i], before * scratch[a + m * r + n]);
        } else {
            scratch[y + m * c + n] = FMA(now, sum[i], before * scratch[x + m * c + n]);
        }
    }
}

#undef TILE
#undef DEEP

/* Of x, after `turns` steps. */
KERNEL(256) polar_end(uint turns, GLOBAL const prnn_gpu_polar *table, GLOBAL const uint *columns, GLOBAL const float *mean,
                      GLOBAL float *gradient, GLOBAL const float *scratch) {
    prnn_gpu_polar p = table[GROUP_Y];
    ulong r = polar_padded(p.rows), c = polar_padded(p.columns), e = (ulong)GROUP_X * 256 + ITEM;
    uint row = (uint)(e / c), column = (uint)(e % c);
    if (row >= p.rows || column >= p.columns) { return; }
    ulong i = polar_parameter(p, columns, row, column);
    gradient[i] = mean[i] != 0 ? p.factor * scratch[polar_at(p) + (turns % 2 ? r * c : 0) + e] : 0.0f;
}
