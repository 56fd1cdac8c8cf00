/* Elementwise on the features of positions: an item has four numbers, which lie together. */
#define ELEMENTWISE_ITEMS 256

/* Quotient and rest of the item's position, and its feature; false: beyond the last. */
DEVICE bool find_four(const prnn_gpu_elementwise *l, uint *q, uint *r, uint *feature) {
    uint fours = l->width / 4, m;
    ulong i = ((ulong)GROUP_Y * 65536u + GROUP_X) * ELEMENTWISE_ITEMS + ITEM;
    m = (uint)(i / fours);
    *feature = (uint)(i % fours) * 4;
    *q = m / l->run, *r = m % l->run;
    return m < l->rows;
}

DEVICE float4 load_four(GLOBAL const float *memory, const place *p, uint q, uint r, uint feature) {
    ulong at = AT(*p, q, r) + feature;
#ifdef BF16
    if (p->bf16) {
        float2 low = load_two(memory, 1, at), high = load_two(memory, 1, at + 2);
        float4 x = {low.x, low.y, high.x, high.y};
        return x;
    }
#endif
    return *(GLOBAL const float4 *)(memory + at);
}

DEVICE void store_four(GLOBAL float *memory, const place *p, uint q, uint r, uint feature, float4 x) {
    ulong at = AT(*p, q, r) + feature;
#ifdef BF16
    if (p->bf16) {
        store_two(memory, 1, at, x.x, x.y);
        store_two(memory, 1, at + 2, x.z, x.w);
        return;
    }
#endif
    *(GLOBAL float4 *)(memory + at) = x;
}

#define ELEMENTWISE(name, result)                                                                                      \
    KERNEL(ELEMENTWISE_ITEMS) name(prnn_gpu_elementwise l, GLOBAL float *memory) {                                     \
        uint q, r, feature;                                                                                            \
        if (find_four(&l, &q, &r, &feature)) {                                                                         \
            float4 a = load_four(memory, &l.a, q, r, feature);                                                         \
            result                                                                                                     \
            store_four(memory, &l.out, q, r, feature, a);                                                              \
        }                                                                                                              \
    }
#define EACH(f) a.x = f(a.x, b.x), a.y = f(a.y, b.y), a.z = f(a.z, b.z), a.w = f(a.w, b.w);
#define WITH_B float4 b = load_four(memory, &l.b, q, r, feature);
#define SUM_OF(a, b) (a) + (b)
#define RELU_OF(a, b) relu_of(a)
#define OPEN_OF(a, b) (a) > 0 ? (b) : 0.0f

ELEMENTWISE(copy, )
ELEMENTWISE(add, WITH_B EACH(SUM_OF))
ELEMENTWISE(relu, float4 b = a; EACH(RELU_OF))
ELEMENTWISE(relu_gradient, WITH_B EACH(OPEN_OF)) /* a: y, b: dy */

/* Philox 4x32-10 (Salmon et al. 2011), as src/base/random.c has it. */
DEVICE void random_at(ulong seed, ulong high, ulong index, uint *word) {
    uint a = (uint)seed, b = (uint)(seed >> 32);
    word[0] = (uint)index, word[1] = (uint)(index >> 32);
    word[2] = (uint)high, word[3] = (uint)(high >> 32);
    for (uint round = 0; round < 10; round++) {
        ulong x = (ulong)0xd2511f53u * word[0], y = (ulong)0xcd9e8d57u * word[2];
        word[0] = (uint)(y >> 32) ^ word[1] ^ a, word[1] = (uint)y;
        word[2] = (uint)(x >> 32) ^ word[3] ^ b, word[3] = (uint)x;
        a += 0x9e3779b9u, b += 0xbb67ae85u;
    }
}

/* Four features have two words of the eight that share 128 bits. */
KERNEL(ELEMENTWISE_ITEMS) dropout(prnn_gpu_dropout l, GLOBAL float *memory) {
    uint q, r, feature, word[4];
    if (find_four(&l.e, &q, &r, &feature)) {
        uint image = r % l.images, pixel = (l.row + q) * l.width + l.column + r / l.images;
        ulong number = l.first + image / l.lane * l.apart + image % l.lane;
        random_at(l.seed, l.high, (number << 8 | l.layer) << 40 | (ulong)pixel << 16 | feature / 8, word);
        uint low = feature % 8 ? word[2] : word[0], high = feature % 8 ? word[3] : word[1];
        float4 a = load_four(memory, &l.e.a, q, r, feature);
        a.x = (low & 0xffffu) < l.below ? 0.0f : a.x * l.scale;
        a.y = low >> 16 < l.below ? 0.0f : a.y * l.scale;
        a.z = (high & 0xffffu) < l.below ? 0.0f : a.z * l.scale;
        a.w = high >> 16 < l.below ? 0.0f : a.w * l.scale;
        if (l.add) {
            float4 b = load_four(memory, &l.e.b, q, r, feature);
            EACH(SUM_OF)
        }
        store_four(memory, &l.e.out, q, r, feature, a);
    }
}

/* All positions get the same features: packed[first ..], or zeros. */
KERNEL(ELEMENTWISE_ITEMS) fill(prnn_gpu_elementwise l, uint zeros, uint first, GLOBAL const float *packed,
                               GLOBAL float *memory) {
    uint q, r, feature;
    if (find_four(&l, &q, &r, &feature)) {
        float4 x = {0, 0, 0, 0};
        if (!zeros) {
            x.x = packed[first + feature], x.y = packed[first + feature + 1];
            x.z = packed[first + feature + 2], x.w = packed[first + feature + 3];
        }
        store_four(memory, &l.out, q, r, feature, x);
    }
}

/* ------------------------------------------------------------------------------------------- pixels */

typedef prnn_gpu_pixels pixels;

/* Where value (position m, channel) is among those of pictures in the order (image, row, column, channel). */
DEVICE ulong value_at(const pixels *p, uint m, uint channel) {
    uint row = p->row + m / p->run, column = p->first + m % p->run / p->images, image = m % p->images;
    return (((ulong)image * p->height + row) * p->width + column) * p->channels + channel;
}

/* Levels of pictures as the network sees them; of large pictures, every step-th pixel of every step-th row. */
KERNEL(256) load_levels(prnn_gpu_load l, GLOBAL const uchar *levels, GLOBAL const float *scaled,
                        GLOBAL float *memory) {
    uint i = GROUP_X * 256 + ITEM, m = i / l.p.channels, channel = i % l.p.channels;
    if (m < l.p.rows) {
        uint row = l.p.row + m / l.p.run, column = l.p.first + m % l.p.run / l.p.images, image = m % l.p.images;
        ulong pixel = ((ulong)image * l.p.height * l.step + row * l.step) * l.p.width * l.step + column * l.step;
        STORE(l.values, AT(l.values, m / l.p.run, m % l.p.run) + channel,
              scaled[levels[pixel * l.p.channels + channel]]);
    }
}
