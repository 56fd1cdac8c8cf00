/* The output distributions: -log p of the levels, its gradient, and draws by inversion. Sixteen items have a
 * value, each a column of its panels, so sums are those of src/kernels: of each column, then over the tree. */
#define HEAD_ITEMS 128
#define HEAD_VALUES (HEAD_ITEMS / PANEL) /* of a group */
#define COLUMN (ITEM % PANEL)
#define MOST_PANELS 4 /* of components: PRNN_MOST_COMPONENTS */

typedef prnn_gpu_nll nll;

/* The item's value: position and channel. Beyond the last the last, which nobody keeps. */
typedef struct value {
    uint m, channel, level;
    ulong at, to; /* of its logits, and their gradient */
    bool there;
    float scale;
} value;

DEVICE bool is_given(const pixels *p, uint m, uint step) {
    uint row = p->row + m / p->run, column = p->first + m % p->run / p->images;
    return step && row % step == 0 && column % step == 0;
}

DEVICE value value_of(const nll *l, GLOBAL const uchar *levels) {
    uint n = GROUP_X * HEAD_VALUES + ITEM / PANEL, values = l->p.rows * l->p.channels;
    value v;
    v.there = n < values;
    n = v.there ? n : values - 1;
    v.m = n / l->p.channels, v.channel = n % l->p.channels;
    v.level = levels[value_at(&l->p, v.m, v.channel)];
    v.at = AT(l->logits, v.m / l->p.run, v.m % l->p.run) + v.channel * l->block_stride;
    v.to = AT(l->dlogits, v.m / l->p.run, v.m % l->p.run) + v.channel * l->block_stride;
    v.scale = l->scale;
    return v;
}

/* What the small image gives costs nothing, and has no gradient. */
DEVICE void keep_nats(const nll *l, const value *v, float x, GLOBAL float *nats) {
    if (v->there && COLUMN == 0) {
        nats[v->m * l->p.channels + v->channel] = is_given(&l->p, v->m, l->given) ? 0.0f : x;
    }
}

/* ------------------------------------------------------------------------------------------ softmax */

KERNEL(HEAD_ITEMS)
softmax_nll(nll l, GLOBAL const uchar *levels, GLOBAL const float *soft, GLOBAL float *memory, GLOBAL float *nats) {
    COLUMNS_MEMORY
    value v = value_of(&l, levels);
    float top = FLOAT_OF(0xff800000u), sum = 0;
    for (uint i = COLUMN; i < l.block_stride; i += PANEL) {
        top = most(top, i < l.levels ? LOAD(l.logits, v.at + i) : -3e38f);
    }
    float highest = panel_max(top COLUMNS), at_target = LOAD(l.logits, v.at + v.level) - highest;
    for (uint i = COLUMN; i < l.block_stride; i += PANEL) {
        sum += exp_of((i < l.levels ? LOAD(l.logits, v.at + i) : -3e38f) - highest);
    }
    float total = panel_sum(sum COLUMNS);
    keep_nats(&l, &v, log_of(total) - at_target, nats);
    if (l.scale == 0 || !v.there) { return; }
    bool given = is_given(&l.p, v.m, l.given);
    float factor = l.scale / total;
    for (uint i = COLUMN; i < l.block_stride; i += PANEL) {
        float x = i < l.levels && !given ? exp_of(LOAD(l.logits, v.at + i) - highest) * factor : 0.0f;
        x = i == v.level && !given ? x - l.scale : x;
        if (l.soft && i < l.levels && !given) { x -= l.scale * soft[value_at(&l.p, v.m, v.channel) * l.soft + i]; }
        STORE(l.dlogits, v.to + i, x);
    }
}

/* ---------------------------------------------------------------------------------------- Bernoulli */

/* An item has a value here; the item of the last channel of a position clears its padding. */
KERNEL(HEAD_ITEMS)
bernoulli_nll(nll l, GLOBAL const uchar *levels, GLOBAL const float *soft, GLOBAL float *memory, GLOBAL float *nats) {
    uint n = GROUP_X * HEAD_ITEMS + ITEM, m = n / l.p.channels, channel = n % l.p.channels;
    if (m >= l.p.rows) { return; }
    uint q = m / l.p.run, r = m % l.p.run;
    bool given = is_given(&l.p, m, l.given);
    float a = LOAD(l.logits, AT(l.logits, q, r) + channel), b = (float)levels[value_at(&l.p, m, channel)];
    float e = exp_of(least(0.0f, least(a, -a)));
    nats[n] = given ? 0.0f : FMA(-a, b, relu_of(a)) + log1p_of(e);
    if (l.scale != 0) {
        float x = l.scale * ((a >= 0 ? 1.0f : e) / (e + 1.0f) - b);
        if (l.soft) { x -= l.scale * soft[value_at(&l.p, m, channel)]; }
        STORE(l.dlogits, AT(l.dlogits, q, r) + channel, given ? 0.0f : x);
        for (uint i = l.p.channels; channel + 1 == l.p.channels && i < l.block_stride; i++) {
            STORE(l.dlogits, AT(l.dlogits, q, r) + i, 0.0f);
        }
    }
}

/* ---------------------------------------------------------------------------- mixtures of logistics */

#define LEAST_SCALE 9.1188197e-4f

typedef struct logistic {
    float mean, rate, width, moved;
} logistic;

typedef struct bin {
    float a, b, above, below, exponent, factor, near;
} bin;

DEVICE float bounded(float x) { return most(-1e30f, least(1e30f, x)); }

/* The middles of the means when all parameters are 0: as mixture_of() has them. */
DEVICE float centre_of(uint component, uint components) {
    return component < components ? (float)((int)(2 * component + 1) - (int)components) / (float)components : 0.0f;
}

DEVICE logistic logistic_of(float mean, float log_scale, float least_log_scale, float centre, uint levels, float span) {
    float half_range = 0.5f * (float)(int)(levels - 1);
    logistic c;
    c.moved = exp_of(least(30.0f, log_scale) + least_log_scale);
    float scale = c.moved + LEAST_SCALE;
    float middle = bounded(mean) + centre;
    c.mean = (middle + 1.0f) * half_range;
    c.rate = 1.0f / (scale * half_range);
    c.moved = c.moved / scale;
    float t = tanh_of(0.5f * span * c.rate);
    c.width = 2.0f * t / (t + 1.0f);
    return c;
}

DEVICE bin bin_of(float level, float span, bool lower, bool upper, const logistic *c) {
    bin x;
    x.a = (level + (span - 0.5f) - c->mean) * c->rate, x.b = (level - 0.5f - c->mean) * c->rate;
    float ea = upper ? exp_of(least(x.a, -x.a)) : 0.0f, eb = lower ? exp_of(least(x.b, -x.b)) : 0.0f;
    float both = 1.0f / ((ea + 1.0f) * (eb + 1.0f)), ia = both * (eb + 1.0f), ib = both * (ea + 1.0f);
    x.above = upper ? (x.a > 0 ? ea : 1.0f) * ia : 0.0f;
    x.below = lower ? (x.b > 0 ? 1.0f : eb) * ib : 0.0f;
    x.exponent = (upper ? least(0.0f, x.a) : 0.0f) + (lower ? least(0.0f, -x.b) : 0.0f);
    x.near = upper && x.a < 0 ? ea : lower && x.b > 0 ? eb : 1.0f;
    x.factor = (lower && upper ? c->width : 1.0f) * both;
    return x;
}

KERNEL(HEAD_ITEMS)
logistics_nll(nll l, GLOBAL const uchar *levels, GLOBAL const float *soft, GLOBAL float *memory, GLOBAL float *nats) {
    COLUMNS_MEMORY
    value v = value_of(&l, levels);
    uint stride = l.block_stride / 3;
    float logit[MOST_PANELS], exponent[MOST_PANELS], factor[MOST_PANELS], by_mean[MOST_PANELS], by_scale[MOST_PANELS];
    float top = FLOAT_OF(0xff800000u), sum = 0, half_range = 0.5f * (float)(int)(l.levels - 1);
    for (uint n = 0, i = COLUMN; n < MOST_PANELS && i < stride; n++, i += PANEL) {
        logit[n] = i < l.components ? bounded(LOAD(l.logits, v.at + i)) : -3e38f;
        top = most(top, logit[n]);
    }
    float highest = panel_max(top COLUMNS);
    for (uint n = 0, i = COLUMN; n < MOST_PANELS && i < stride; n++, i += PANEL) {
        logit[n] = logit[n] - highest;
        sum += exp_of(logit[n]);
    }
    float weights = panel_sum(sum COLUMNS);
    float at = (float)v.level;
    bool lower = at > 0, upper = at < (float)(int)(l.levels - 1);
    top = FLOAT_OF(0xff800000u);
    for (uint n = 0, i = COLUMN; n < MOST_PANELS && i < stride; n++, i += PANEL) {
        logistic c = logistic_of(LOAD(l.logits, v.at + stride + i), LOAD(l.logits, v.at + 2 * stride + i), l.log_scale,
                                 centre_of(i, l.components), l.levels, 1.0f);
        bin x = bin_of(at, 1.0f, lower, upper, &c);
        float narrow = lower && upper ? c.rate * (1.0f - c.width) / c.width : 0.0f;
        exponent[n] = logit[n] + x.exponent;
        factor[n] = x.factor;
        by_mean[n] = (x.above - x.below) * c.rate * half_range;
        by_scale[n] = (FMA(x.above, x.a, narrow) - x.below * x.b) * c.moved;
        top = most(top, exponent[n]);
    }
    highest = panel_max(top COLUMNS);
    sum = 0;
    for (uint n = 0, i = COLUMN; n < MOST_PANELS && i < stride; n++, i += PANEL) {
        factor[n] = exp_of(exponent[n] - highest) * factor[n];
        sum += factor[n];
    }
    float total = panel_sum(sum COLUMNS), cost = log_of(weights / total) - highest;
    keep_nats(&l, &v, cost < 0 ? 0.0f : cost, nats);
    if (l.scale == 0 || !v.there) { return; }
    bool given = is_given(&l.p, v.m, l.given);
    for (uint n = 0, i = COLUMN; n < MOST_PANELS && i < stride; n++, i += PANEL) {
        bool kept = i < l.components && !given;
        float p = factor[n] * (l.scale / total);
        STORE(l.dlogits, v.to + i, kept ? FMA(exp_of(logit[n]), l.scale / weights, -p) : 0.0f);
        STORE(l.dlogits, v.to + stride + i, kept ? p * by_mean[n] : 0.0f);
        STORE(l.dlogits, v.to + 2 * stride + i, kept ? p * by_scale[n] : 0.0f);
    }
}

/* -------------------------------------------------------------------------------------------- draws */

#ifdef DOUBLES
typedef prnn_gpu_draw draw;

/* prnn_draw_level: weights of `levels` levels, padded with zeros to full blocks of 16. -1: not finite. */
DEVICE int draw_level(OF_LOCAL const float *p, int levels, double *uniform) {
    int blocks = (levels + PANEL - 1) / PANEL, b = 0, last = 0;
    double total = 0, sums[16];
    for (int n = 0; n < blocks; n++) {
        float s[4] = {0, 0, 0, 0};
        for (int i = 0; i < PANEL; i += 4) {
            for (int j = 0; j < 4; j++) { s[j] += p[n * PANEL + i + j]; }
        }
        sums[n] = (double)((s[0] + s[1]) + (s[2] + s[3]));
        total += sums[n];
    }
    if (!(total - total == 0)) { return -1; }
    double left = *uniform * total;
    while (b < blocks - 1 && left >= sums[b]) { left -= sums[b++]; }
    for (int k = b * PANEL; k < levels; k++) {
        if (p[k] > 0) {
            last = k;
            if (left < (double)p[k]) {
                *uniform = left / (double)p[k];
                return k;
            }
        }
        left -= (double)p[k];
    }
    *uniform = 1;
    return last;
}

/* The item's value, of which sixteen items have one. */
typedef struct drawn {
    uint m;
    ulong at, value; /* of its logits, and in the pictures */
    bool there;      /* and is to be drawn */
} drawn;

DEVICE drawn drawn_of(const draw *l, GLOBAL const uchar *known) {
    uint m = GROUP_X * HEAD_VALUES + ITEM / PANEL;
    drawn d;
    d.there = m < l->p.rows;
    d.m = d.there ? m : l->p.rows - 1;
    d.at = AT(l->logits, d.m / l->p.run, d.m % l->p.run) + l->channel * l->block_stride;
    d.value = value_at(&l->p, d.m, l->channel);
    if (l->masked) {
        uint pixel = (l->p.row + d.m / l->p.run) * l->p.width + l->p.first + d.m % l->p.run / l->p.images;
        d.there = d.there && !known[pixel];
    }
    return d;
}

/* One item of the sixteen keeps the level: in the pictures, and as the network sees it. */
DEVICE void keep_level(const draw *l, const drawn *d, int level, GLOBAL const float *scaled, GLOBAL uchar *levels,
                       GLOBAL uint *failed, GLOBAL float *memory) {
    if (level < 0) {
        *failed = 1;
        level = 0;
    }
    levels[d->value] = (uchar)level;
    if (l->values.at != NONE) {
        STORE(l->values, AT(l->values, d->m / l->p.run, d->m % l->p.run) + l->channel, scaled[level]);
    }
}

#define DRAW_ARGUMENTS                                                                                                 \
    draw l, GLOBAL const double *uniforms, GLOBAL const uchar *known, GLOBAL const float *scaled,                      \
        GLOBAL uchar *levels, GLOBAL uint *failed, GLOBAL float *memory

/* p[k] = exp((logits[k] - the highest) * sharpness), in the place of the logits. */
DEVICE void weigh(OF_LOCAL float *p, int levels, float sharpness COLUMNS_OF) {
    float top = FLOAT_OF(0xff800000u);
    int padded = (levels + PANEL - 1) / PANEL * PANEL;
    for (int i = (int)COLUMN; i < padded; i += PANEL) { top = most(top, i < levels ? p[i] : -3e38f); }
    float highest = panel_max(top COLUMNS);
    for (int i = (int)COLUMN; i < padded; i += PANEL) {
        p[i] = i < levels ? exp_of((p[i] - highest) * sharpness) : 0.0f;
    }
    SYNC;
}

KERNEL(HEAD_ITEMS) softmax_draw(DRAW_ARGUMENTS) {
    COLUMNS_MEMORY
    LOCAL float weights[HEAD_VALUES * 256];
    OF_LOCAL float *p = weights + ITEM / PANEL * 256;
    drawn d = drawn_of(&l, known);
    for (uint i = COLUMN; i < l.levels; i += PANEL) { p[i] = LOAD(l.logits, d.at + i); }
    weigh(p, (int)l.levels, l.sharpness COLUMNS);
    if (COLUMN == 0 && d.there) {
        double uniform = uniforms[d.value];
        keep_level(&l, &d, draw_level(p, (int)l.levels, &uniform), scaled, levels, failed, memory);
    }
}

KERNEL(HEAD_ITEMS) bernoulli_draw(DRAW_ARGUMENTS) {
    drawn d = drawn_of(&l, known);
    if (COLUMN == 0 && d.there) {
        /* Channels lie beside each other here: block_stride is 1. */
        double x = (double)LOAD(l.logits, d.at) / l.temperature;
        int level = x != x ? -1 : uniforms[d.value] * (1 + double_exp_of(x)) >= 1;
        keep_level(&l, &d, level, scaled, levels, failed, memory);
    }
}

/* A mixture whose components sixteen items share: logits less the highest, weights, and how they are for bins
 * of a span. */
typedef struct mixture {
    int components, levels;
    float log_weights;
} mixture;

#define MIXTURE_MEMORY                                                                                                 \
    LOCAL float logits[HEAD_VALUES * 64];                                                                              \
    LOCAL float near_weights[HEAD_VALUES * 64];                                                                        \
    LOCAL float means[HEAD_VALUES * 64];                                                                               \
    LOCAL float rates[HEAD_VALUES * 64];                                                                               \
    LOCAL float widths[HEAD_VALUES * 64];
#define MIXTURE logits, near_weights, means, rates, widths
#define MIXTURE_OF                                                                                                     \
    OF_LOCAL float *logits, OF_LOCAL float *near_weights, OF_LOCAL float *means, OF_LOCAL float *rates,                \
        OF_LOCAL float *widths

DEVICE void begin_mixture(mixture *x, const draw *l, const drawn *d, GLOBAL const float *memory,
                          MIXTURE_OF COLUMNS_OF) {
    uint stride = l->block_stride / 3, own = ITEM / PANEL * 64;
    float top = FLOAT_OF(0xff800000u), sum = 0;
    x->components = (int)l->components, x->levels = (int)l->levels;
    for (uint i = COLUMN; i < stride; i += PANEL) {
        logits[own + i] = i < l->components ? bounded(LOAD(l->logits, d->at + i)) : -3e38f;
        top = most(top, logits[own + i]);
    }
    float highest = panel_max(top COLUMNS);
    for (uint i = COLUMN; i < stride; i += PANEL) {
        logits[own + i] = logits[own + i] - highest;
        near_weights[own + i] = exp_of(logits[own + i]);
        sum += near_weights[own + i];
    }
    x->log_weights = log_of(panel_sum(sum COLUMNS));
}

DEVICE void set_span(const draw *l, const drawn *d, float span, GLOBAL const float *memory, MIXTURE_OF) {
    uint stride = l->block_stride / 3, own = ITEM / PANEL * 64;
    SYNC;
    for (uint i = COLUMN; i < stride; i += PANEL) {
        logistic c = logistic_of(LOAD(l->logits, d->at + stride + i), LOAD(l->logits, d->at + 2 * stride + i),
                                 l->log_scale, centre_of(i, l->components), l->levels, span);
        means[own + i] = c.mean, rates[own + i] = c.rate, widths[own + i] = c.width;
    }
    SYNC;
}

DEVICE bin level_bin(const mixture *x, uint j, float level, float span, MIXTURE_OF) {
    uint own = ITEM / PANEL * 64;
    logistic c = {means[own + j], rates[own + j], widths[own + j], 0};
    return bin_of(level, span, level > 0, level + span < (float)x->levels, &c);
}

/* log p of the bin of `span` levels from `level` on. */
DEVICE float mixture_log_p(const mixture *x, float level, float span, MIXTURE_OF) {
    uint own = ITEM / PANEL * 64;
    float sum = 0, highest = -3e38f;
    for (uint j = 0; j < (uint)x->components; j++) {
        bin b = level_bin(x, j, level, span, MIXTURE);
        sum = FMA(near_weights[own + j] * b.near, b.factor, sum);
    }
    if (sum > 1e-28f) { return log_of(sum) - x->log_weights; }
    for (uint j = 0; j < (uint)x->components; j++) {
        highest = most(highest, level_bin(x, j, level, span, MIXTURE).exponent + logits[own + j]);
    }
    sum = 0;
    for (uint j = 0; j < (uint)x->components; j++) {
        bin b = level_bin(x, j, level, span, MIXTURE);
        sum = FMA(exp_of(b.exponent + logits[own + j] - highest), b.factor, sum);
    }
    return highest + log_of(sum) - x->log_weights;
}

/* As draw() of src/heads/logistics.c: at temperature 1 first a block of 16 levels, then one of them. */
KERNEL(HEAD_ITEMS) logistics_draw(DRAW_ARGUMENTS) {
    COLUMNS_MEMORY
    MIXTURE_MEMORY
    LOCAL float weights[HEAD_VALUES * 256];
    LOCAL int steps[HEAD_VALUES];
    LOCAL double places[HEAD_VALUES];
    OF_LOCAL float *p = weights + ITEM / PANEL * 256;
    uint own = ITEM / PANEL;
    drawn d = drawn_of(&l, known);
    mixture x;
    int first = 0, bad = 0;
    double uniform = uniforms[d.value];
    begin_mixture(&x, &l, &d, memory, MIXTURE COLUMNS);
    for (int span = l.temperature == 1 ? PANEL : 1; span > 0; span /= PANEL) {
        int left = (int)l.levels - first, bins = span > 1 ? (left + PANEL - 1) / PANEL : left;
        int count = span == 1 && l.temperature == 1 && bins > PANEL ? PANEL : bins;
        set_span(&l, &d, (float)span, memory, MIXTURE);
        for (int i = (int)COLUMN; i < (count + PANEL - 1) / PANEL * PANEL; i += PANEL) {
            p[i] = mixture_log_p(&x, (float)(first + i * span), (float)span, MIXTURE);
        }
        weigh(p, count, l.sharpness COLUMNS);
        if (COLUMN == 0) {
            steps[own] = draw_level(p, count, &uniform);
            places[own] = uniform;
        }
        SYNC;
        bad |= steps[own] < 0;
        first += bad ? 0 : steps[own] * span;
        uniform = places[own];
    }
    if (COLUMN == 0 && d.there) { keep_level(&l, &d, bad ? -1 : first, scaled, levels, failed, memory); }
}
#endif
