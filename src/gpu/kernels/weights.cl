/* The weights: from parameters to where products read them, gradients back, and the optimizers. */

/* packed[i] = parameter index[i], or 0. */
KERNEL(256) pack(ulong n, GLOBAL const int *index, GLOBAL const float *parameters, GLOBAL float *packed) {
    ulong i = ((ulong)GROUP_Y * 65535u + GROUP_X) * 256 + ITEM;
    if (i < n) { packed[i] = index[i] >= 0 ? parameters[index[i]] : 0.0f; }
}

/* Node `first` of the tree over lanes: a lane's float, or the sum of two smaller nodes, of which the second
 * may be missing. */
DEVICE float lane_1(GLOBAL const float *x, ulong size, uint first, uint lanes) { return x[first * size]; }
#define NODE(twice, once)                                                                                              \
    DEVICE float PASTE(lane_, twice)(GLOBAL const float *x, ulong size, uint first, uint lanes) {                      \
        float sum = PASTE(lane_, once)(x, size, first, lanes);                                                         \
        return first + once < lanes ? sum + PASTE(lane_, once)(x, size, first + once, lanes) : sum;                    \
    }
NODE(2, 1)
NODE(4, 2)
NODE(8, 4)
NODE(16, 8)
NODE(32, 16)
NODE(64, 32)

/* gradient[index[i]] = the sum over lanes, which begin at `first`, of packed float i: each parameter has one at most. */
KERNEL(256) unpack(ulong n, ulong first, uint lanes, GLOBAL const int *index, GLOBAL const float *packed, GLOBAL float *gradient) {
    ulong i = ((ulong)GROUP_Y * 65535u + GROUP_X) * 256 + ITEM;
    if (i < n && index[i] >= 0) { gradient[index[i]] = lane_64(packed + first + i, n, 0, lanes); }
}

KERNEL(256) clear(ulong n, ulong first, GLOBAL float *x) {
    ulong i = ((ulong)GROUP_Y * 65535u + GROUP_X) * 256 + ITEM;
    if (i < n) { x[first + i] = 0; }
}

KERNEL(256) copy_numbers(ulong n, ulong from_first, ulong to_first, GLOBAL const float *from, GLOBAL float *to) {
    ulong i = ((ulong)GROUP_Y * 65535u + GROUP_X) * 256 + ITEM;
    if (i < n) { to[to_first + i] = from[from_first + i]; }
}

KERNEL(256) add_numbers(ulong n, ulong from_first, ulong to_first, GLOBAL const float *from, GLOBAL float *to) {
    ulong i = ((ulong)GROUP_Y * 65535u + GROUP_X) * 256 + ITEM;
    if (i < n) { to[to_first + i] += from[from_first + i]; }
}

#ifdef DOUBLES
/* Sums of squares of pieces of 32768, each in eight parts: prnn_norm's. An item has a part; 16 pieces a group. */
#define NORM_PIECE 32768
KERNEL(128) squares(ulong n, GLOBAL const float *x, GLOBAL double *sums) {
    LOCAL double parts[128];
    uint part = ITEM % 8;
    ulong piece = (ulong)GROUP_X * 16 + ITEM / 8, first = piece * NORM_PIECE;
    ulong end = first + NORM_PIECE < n ? first + NORM_PIECE : n, i = first;
    double sum = 0;
    for (; i + 8 <= end; i += 8) {
        double y = (double)x[i + part];
        sum += y * y;
    }
    parts[ITEM] = sum;
    SYNC;
    if (part == 0 && first < n) {
        double total = 0;
        for (; i < end; i++) {
            double y = (double)x[i];
            total += y * y;
        }
        for (uint j = 0; j < 8; j++) { total += parts[ITEM + j]; }
        sums[piece] = total;
    }
}
#endif

/* prnn_optimizer_update's formulas; moments that a formula does not have are not touched. */
KERNEL(256) update(prnn_gpu_step s, GLOBAL const float *gradient, GLOBAL float *weights, GLOBAL float *moment1,
                   GLOBAL float *moment2, GLOBAL float *ema) {
    ulong i = ((ulong)GROUP_Y * 65535u + GROUP_X) * 256 + ITEM;
    if (i >= s.n) { return; }
    i += s.first;
    float g = gradient[i] * s.scale, w = weights[i], m, v;
    if (s.decay > 0) { w = FMA(-s.decay, w, w); }
    if (s.kind == 0) { /* rmsprop */
        v = FMA(s.beta2, moment2[i], (1 - s.beta2) * g * g);
        moment2[i] = v;
        m = g / (SQRT(v) + s.epsilon);
    } else if (s.kind == 1) { /* adam */
        m = FMA(s.beta1, moment1[i], (1 - s.beta1) * g);
        v = FMA(s.beta2, moment2[i], (1 - s.beta2) * g * g);
        moment1[i] = m, moment2[i] = v;
        w -= s.rate * (m * s.correct1) / (SQRT(v * s.correct2) + s.epsilon);
    } else { /* sgd */
        m = g;
    }
    if (s.kind != 1) {
        if (s.beta1 > 0) {
            m = FMA(s.beta1, moment1[i], m);
            moment1[i] = m;
        }
        w = FMA(-s.rate, m, w);
    }
    weights[i] = w;
    if (s.ema) { ema[i] = FMA(s.keep, ema[i], (1 - s.keep) * w); }
}
