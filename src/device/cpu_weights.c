/* Blocks of weights on the CPU, in pieces, on all threads: packing and its reverse, the norm of a gradient,
 * the optimizers. */

#include "device/cpu.h"

#include "base/need.h"
#include "base/parallel.h"

#include <math.h>
#include <string.h>

enum {
    LEAST = 1 << 10,
    MOST = 1 << 15,
    NORM_PIECE = 1 << 15 /* always: each has a sum of its own */
};

/* Some pieces for each thread, of which none is worth less than what it costs to begin it. Where there is no
 * sum over them no bit depends on their size. */
static size_t piece_for(const prnn_context *ctx, size_t n) {
    size_t some = prnn_round_up(n / (4 * (size_t)prnn_thread_count(ctx)), LEAST);
    return some < LEAST ? LEAST : some < MOST ? some : MOST;
}

static size_t pieces_of(size_t n, size_t piece) {
    return (n + piece - 1) / piece;
}

/* -------------------------------------------------------------------------------------- packing */

size_t prnn_cpu_weights_bytes(prnn_context *ctx, size_t count) {
    size_t bytes = 0;
    if (prnn_kernels_of(ctx)->prepare) {
        prnn_need_block(&bytes, count, sizeof(float));
    }
    return bytes;
}

/* Kernels that read weights as they are packed read those of the host. */
prnn_status prnn_cpu_weights(prnn_context *ctx, prnn_product_list products, float *packed, size_t count,
                             prnn_block *block, prnn_block *owned) {
    *block = (prnn_block){.memory = packed, .count = count};
    *owned = (prnn_block){0};
    if (!prnn_kernels_of(ctx)->prepare) {
        return PRNN_OK;
    }
    prnn_status status = prnn_cpu.allocate(ctx, count, "the rounded weights", owned);
    if (status == PRNN_OK) {
        prnn_cpu.upload(*owned, packed);
        prnn_cpu_prepare(ctx, products, *owned, (prnn_block){0});
        *block = *owned;
    }
    return status;
}

typedef struct preparation {
    const prnn_kernels *kernels;
    prnn_product_list products;
    prnn_block forward, backward;
} preparation;

static void prepare_product(void *arg, size_t index, void *own) {
    (void)own;
    const preparation *p = arg;
    const prnn_product *product = p->products.list[index];
    prnn_block packed = product->transposed ? p->backward : p->forward;
    if (packed.memory) {
        p->kernels->prepare(&product->matrix, prnn_cpu_floats(packed));
    }
}

void prnn_cpu_prepare(prnn_context *ctx, prnn_product_list products, prnn_block forward,
                      prnn_block backward) {
    preparation p = {prnn_kernels_of(ctx), products, forward, backward};
    if (p.kernels->prepare) {
        prnn_parallel_for(ctx, (size_t)products.count, prepare_product, &p);
    }
}

typedef struct packer {
    const prnn_kernels *kernels;
    const prnn_packing *packing;
    float *parameters, *packed;
    size_t nodes; /* packed blocks */
    size_t piece;
} packer;

static size_t end_of_piece(const packer *p, size_t begin) {
    return p->packing->count - begin < p->piece ? p->packing->count : begin + p->piece;
}

static void pack_piece(void *arg, size_t index, void *own) {
    (void)own;
    const packer *p = arg;
    const int32_t *number = p->packing->index;
    for (size_t i = index * p->piece; i < end_of_piece(p, index * p->piece); i++) {
        p->packed[i] = number[i] < 0 ? 0 : p->parameters[number[i]];
    }
}

void prnn_cpu_pack(prnn_context *ctx, const prnn_packing *packing, prnn_block parameters, prnn_block packed) {
    packer p = {.packing = packing,
                .parameters = prnn_cpu_floats(parameters),
                .packed = prnn_cpu_floats(packed),
                .piece = piece_for(ctx, packing->count)};
    prnn_parallel_for(ctx, pieces_of(packing->count, p.piece), pack_piece, &p);
}

/* A parameter is in one place of a packed block, so pieces write different ones. */
static void unpack_piece(void *arg, size_t index, void *own) {
    (void)own;
    const packer *p = arg;
    size_t begin = index * p->piece, end = end_of_piece(p, begin), count = p->packing->count;
    for (size_t size = 1; size < p->nodes; size *= 2) {
        for (size_t left = 0; left + size < p->nodes; left += 2 * size) {
            float *sum = p->packed + left * count + begin;
            p->kernels->add(end - begin, sum, sum + size * count, sum);
        }
    }
    for (size_t i = begin; i < end; i++) {
        if (p->packing->index[i] >= 0) {
            p->parameters[p->packing->index[i]] = p->packed[i];
        }
    }
}

void prnn_cpu_unpack_sum(prnn_context *ctx, const prnn_packing *packing, prnn_block sums, size_t nodes,
                         prnn_block parameters) {
    packer p = {.kernels = prnn_kernels_of(ctx),
                .packing = packing,
                .parameters = prnn_cpu_floats(parameters),
                .packed = prnn_cpu_floats(sums),
                .nodes = nodes,
                .piece = piece_for(ctx, packing->count)};
    prnn_parallel_for(ctx, pieces_of(packing->count, p.piece), unpack_piece, &p);
}

/* ----------------------------------------------------------------------------------------- norm */

typedef struct squares {
    size_t n;
    const float *x;
    double *sums;
} squares;

/* In eight parts, which do not wait for each other. */
static void square_piece(void *arg, size_t index, void *own) {
    (void)own;
    const squares *s = arg;
    const float *x = s->x + index * NORM_PIECE;
    size_t left = s->n - index * NORM_PIECE, n = left < NORM_PIECE ? left : NORM_PIECE, i = 0;
    double part[8] = {0}, sum = 0;
    for (; i + 8 <= n; i += 8) {
        for (int j = 0; j < 8; j++) {
            part[j] += (double)x[i + j] * (double)x[i + j];
        }
    }
    for (; i < n; i++) {
        sum += (double)x[i] * (double)x[i];
    }
    for (int j = 0; j < 8; j++) {
        sum += part[j];
    }
    s->sums[index] = sum;
}

size_t prnn_cpu_norm_scratch(size_t count) {
    return pieces_of(count, NORM_PIECE);
}

double prnn_cpu_norm(prnn_context *ctx, prnn_block block, double *scratch) {
    squares s = {block.count, prnn_cpu_floats(block), scratch};
    prnn_parallel_for(ctx, pieces_of(block.count, NORM_PIECE), square_piece, &s);
    double sum = 0;
    for (size_t i = 0; i < pieces_of(block.count, NORM_PIECE); i++) {
        sum += scratch[i];
    }
    return sqrt(sum);
}

/* --------------------------------------------------------------------------------------- update */

typedef struct updates {
    void (*kernel)(const prnn_step *, const prnn_state *);
    const prnn_update *all;
    size_t piece;
} updates;

static float *piece_of(prnn_block block, size_t first) {
    return block.memory ? prnn_cpu_floats(block) + first : NULL;
}

static void update_piece(void *arg, size_t index, void *own) {
    (void)own;
    const updates *u = arg;
    const prnn_update *all = u->all;
    size_t first = index * u->piece, left = all->weights.count - first;
    prnn_state piece = {.n = left < u->piece ? left : u->piece,
                        .gradient = piece_of(all->gradient, first),
                        .weights = piece_of(all->weights, first),
                        .moment1 = piece_of(all->moment1, first),
                        .moment2 = piece_of(all->moment2, first),
                        .ema = piece_of(all->ema, first)};
    u->kernel(&all->step, &piece);
}

void prnn_cpu_update(prnn_context *ctx, const prnn_update *update) {
    const prnn_kernels *k = prnn_kernels_of(ctx);
    updates u = {.kernel = update->optimizer == PRNN_ADAM  ? k->adam
                           : update->optimizer == PRNN_SGD ? k->sgd
                                                           : k->rmsprop,
                 .all = update,
                 .piece = piece_for(ctx, update->weights.count)};
    prnn_parallel_for(ctx, pieces_of(update->weights.count, u.piece), update_piece, &u);
}
