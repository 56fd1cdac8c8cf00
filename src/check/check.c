/* The certificate of a model file: by changing values, what its conditionals depend on. */

#include "base/call.h"
#include "base/clock.h"
#include "base/fields.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/real.h"
#include "base/try.h"
#include "check/plain.h"
#include "ranks/ranks.h"

#include <math.h>
#include <string.h>

enum {
    IMAGES = 2,
    CHUNK = 16,      /* images evaluated between two calls of progress */
    PLAIN_PART = 32, /* a plain evaluation costs so many times as much, and is done so much less often, ... */
    PLAIN_AT_LEAST = 8 /* ... but at so many values */
};

/* What a thread has for plain evaluations. */
typedef struct plain_worker {
    prnn_plain *plain;
    uint8_t *changed; /* an image */
} plain_worker;

/* What a rank found out about an image. */
typedef struct finding {
    prnn_causality kernels, plain;
    double difference, worst_sum;
    uint64_t sums;
} finding;

typedef struct check {
    prnn_context *ctx;
    prnn_check_options options;
    const prnn_config *config;
    prnn_model *model; /* masked weights are 0, as everywhere in this library */
    float *values;     /* the weights of the file */
    size_t count;      /* values of an image */
    size_t logits;     /* of a value, M */
    uint64_t *order;   /* of the values: those to change come first */
    uint8_t *images;   /* [IMAGES][count] */
    uint8_t *changed;  /* [CHUNK][count] */
    uint8_t *small; /* [CHUNK][s s C]: of a conditional model, the small image of the present image, again and
                       again; it is given, and does not change with the image */
    size_t small_bytes;
    float *base, *own; /* logits [count][M] of an image, [CHUNK][count][M] of changed ones */
    prnn_certificate *found;
    finding own_finding; /* of the present image */
    finding *findings;   /* [ranks] of all */
    plain_worker *plain; /* [threads] */
    int threads;
    double *plain_base;     /* [count][M] */
    prnn_causality *pieces; /* [threads], of the changes that are evaluated now */
    size_t first;           /* number of the first of them */
    int image;              /* number of the present one */
    uint64_t done, total;   /* changes, for progress */
    double began;
} check;

/* ------------------------------------------------------------------------------------------ images */

static uint8_t random_level(const check *k, uint64_t step, uint64_t index, int levels) {
    return (uint8_t)(prnn_random_uniform(k->options.seed, PRNN_RANDOM_CHECK, step, index) * levels);
}

/* Image `image` with another level at every value from number `from` on. */
static void change(const check *k, int image, size_t from, uint8_t *to) {
    int levels = k->config->levels;
    memcpy(to, k->images + (size_t)image * k->count, k->count);
    for (size_t i = from; i < k->count; i++) {
        int other = 1 + random_level(k, (uint64_t)IMAGES + from, i, levels - 1);
        to[i] = (uint8_t)((to[i] + other) % levels);
    }
}

/* One image that the model finds likely, and one that it does not. */
static prnn_status make_images(check *k) {
    prnn_sample_options options = PRNN_SAMPLE_OPTIONS_INIT;
    options.seed = k->options.seed;
    for (size_t i = 0; i < k->count; i++) {
        k->images[k->count + i] = random_level(k, 1, i, k->config->levels);
    }
    for (size_t i = 0; i < CHUNK * k->small_bytes; i++) {
        k->small[i] = random_level(k, 0, i % k->small_bytes, k->config->levels);
    }
    return k->small_bytes ? prnn_upscale(k->ctx, k->model, k->small, 1, 1, &options, k->images)
                          : prnn_sample(k->ctx, k->model, 1, &options, k->images);
}

/* What the kernels say about n images. */
static prnn_status evaluate(check *k, const uint8_t *images, size_t n, float *values, float *logits) {
    double nats[CHUNK];
    prnn_evaluation asked = {.images = images,
                             .small = k->small_bytes ? k->small : NULL,
                             .count = n,
                             .nats = nats,
                             .values = values,
                             .logits = logits};
    return prnn_model_evaluate(k->ctx, k->model, &asked);
}

static prnn_status tell(check *k, uint64_t more) {
    k->done += more;
    prnn_progress p = prnn_progress_since(k->began, "check", k->done, k->total);
    bool go_on = !k->options.progress || k->options.progress(k->options.user, &p);
    return go_on ? PRNN_OK : prnn_fail(k->ctx, PRNN_STOPPED, "stopped before the certificate was complete");
}

/* --------------------------------------------------------------------------------------- causality */

/* Adds what a change from value `from` on did; the logits before and after are `size` bytes a value. */
static void compare(prnn_causality *c, size_t count, size_t from, size_t size, const void *before,
                    const void *after) {
    c->changes++;
    for (size_t i = 0; i < count; i++) {
        bool moved = memcmp((const char *)before + i * size, (const char *)after + i * size, size) != 0;
        if (i > from) {
            c->moved += moved;
        } else if (!moved) {
            c->kept++;
        } else if (c->leaks++ == 0) {
            c->leak_of = i;
            c->leak_from = from;
        }
    }
}

static void unite(prnn_causality *all, const prnn_causality *piece) {
    if (all->leaks == 0 && piece->leaks > 0) {
        all->leak_of = piece->leak_of;
        all->leak_from = piece->leak_from;
    }
    all->changes += piece->changes;
    all->kept += piece->kept;
    all->leaks += piece->leaks;
    all->moved += piece->moved;
}

/* The larger one; a NaN, which fmax would forget, stays. */
static double worst(double a, double b) {
    return isnan(a) || a >= b ? a : b;
}

/* How many values are changed. */
static size_t positions(const check *k) {
    return k->options.positions && k->options.positions < k->count ? k->options.positions : k->count;
}

static size_t plain_positions(const check *k) {
    size_t n = positions(k) / PLAIN_PART;
    n = k->options.positions == 0 ? k->count : n > PLAIN_AT_LEAST ? n : PLAIN_AT_LEAST;
    return n < k->count ? n : k->count;
}

/* Of the values that are changed, each rank takes some. */
static prnn_status check_kernels(check *k) {
    prnn_share mine = prnn_share_mine(k->ctx, positions(k));
    size_t size = k->logits * sizeof(float), end = mine.first + mine.count;
    prnn_status status = evaluate(k, k->images + (size_t)k->image * k->count, 1, NULL, k->base);
    for (size_t first = mine.first; first < end && status == PRNN_OK; first += CHUNK) {
        size_t n = end - first < CHUNK ? end - first : CHUNK;
        for (size_t i = 0; i < n; i++) {
            change(k, k->image, (size_t)k->order[first + i], k->changed + i * k->count);
        }
        status = evaluate(k, k->changed, n, NULL, k->own);
        for (size_t i = 0; i < n && status == PRNN_OK; i++) {
            compare(&k->own_finding.kernels, k->count, (size_t)k->order[first + i], size, k->base,
                    k->own + i * k->count * k->logits);
        }
        if (status == PRNN_OK) {
            status = tell(k, n);
        }
    }
    return status;
}

static void check_plain_change(void *arg, size_t index, void *own) {
    check *k = arg;
    plain_worker *worker = own;
    size_t from = (size_t)k->order[k->first + index];
    change(k, k->image, from, worker->changed);
    const double *logits = prnn_plain_logits(worker->plain, worker->changed, k->small);
    k->pieces[index] = (prnn_causality){0};
    compare(&k->pieces[index], k->count, from, k->logits * sizeof *logits, k->plain_base, logits);
}

static prnn_status check_plain(check *k) {
    prnn_share mine = prnn_share_mine(k->ctx, plain_positions(k));
    size_t end = mine.first + mine.count, floats = k->count * k->logits;
    const double *logits =
        prnn_plain_logits(k->plain[0].plain, k->images + (size_t)k->image * k->count, k->small);
    memcpy(k->plain_base, logits, floats * sizeof *logits);
    double off = 0, size = 0;
    for (size_t i = 0; i < floats; i++) {
        off += (k->base[i] - logits[i]) * (k->base[i] - logits[i]);
        size += logits[i] * logits[i];
    }
    k->own_finding.difference = sqrt(size > 0 ? off / size : off);
    prnn_status status = PRNN_OK;
    for (k->first = mine.first; k->first < end && status == PRNN_OK; k->first += (size_t)k->threads) {
        size_t now = end - k->first < (size_t)k->threads ? end - k->first : (size_t)k->threads;
        prnn_scratches own = {k->plain, sizeof *k->plain, k->threads};
        prnn_parallel_for_with(k->ctx, now, own, check_plain_change, k);
        for (size_t i = 0; i < now; i++) {
            unite(&k->own_finding.plain, &k->pieces[i]);
        }
        status = tell(k, now);
    }
    return status;
}

/* ------------------------------------------------------------------------------------------- sums */

/* The probabilities of all levels of value `value` of the present image. */
static prnn_status sum_of(check *k, size_t value, float *nats, double *sum) {
    size_t levels = (size_t)k->config->levels;
    prnn_status status = PRNN_OK;
    *sum = 0;
    for (size_t first = 0; first < levels && status == PRNN_OK; first += CHUNK) {
        size_t n = levels - first < CHUNK ? levels - first : CHUNK;
        for (size_t i = 0; i < n; i++) {
            memcpy(k->changed + i * k->count, k->images + (size_t)k->image * k->count, k->count);
            k->changed[i * k->count + value] = (uint8_t)(first + i);
        }
        status = evaluate(k, k->changed, n, nats, NULL);
        for (size_t i = 0; i < n && status == PRNN_OK; i++) {
            *sum += prnn_exp(-(double)nats[i * k->count + value]);
        }
    }
    return status;
}

/* As many evaluations as changes, so fewer values where there are many levels. */
static size_t sum_positions(const check *k) {
    size_t n = k->options.positions == 0 ? k->count : 2 * positions(k) / (size_t)k->config->levels;
    n = n < PLAIN_AT_LEAST ? PLAIN_AT_LEAST : n;
    return n < k->count ? n : k->count;
}

static prnn_status check_sums(check *k) {
    float *nats = prnn_alloc(k->ctx, CHUNK * k->count, sizeof *nats, "likelihoods");
    prnn_status status = nats ? PRNN_OK : PRNN_ERROR_MEMORY;
    prnn_share mine = prnn_share_mine(k->ctx, sum_positions(k));
    for (size_t i = mine.first; i < mine.first + mine.count && status == PRNN_OK; i++) {
        double sum = 0;
        status = sum_of(k, (size_t)k->order[i], nats, &sum);
        k->own_finding.worst_sum = worst(k->own_finding.worst_sum, fabs(sum - 1));
        k->own_finding.sums++;
        if (status == PRNN_OK) {
            status = tell(k, 1);
        }
    }
    prnn_free(nats);
    return status;
}

/* ------------------------------------------------------------------------------------------- all */

/* Counts what is behind masks, and sets it to 0 in the model that the kernels get. */
static prnn_status check_masks(check *k, const char *path) {
    size_t n = prnn_model_parameter_count(k->model, false);
    float *masked = prnn_alloc(k->ctx, n, sizeof *masked, "the weights");
    if (!masked) {
        return PRNN_ERROR_MEMORY;
    }
    prnn_certificate *found = k->found;
    for (size_t i = 0; i < n; i++) {
        bool is_masked = prnn_model_parameter_is_masked(k->model, i);
        masked[i] = is_masked && isfinite(k->values[i]) ? 0 : k->values[i];
        found->masked += is_masked;
        found->unmasked += !is_masked;
        if (is_masked && k->values[i] != 0 && found->nonzero++ == 0) {
            prnn_model_describe_parameter(k->model, i, found->nonzero_name, sizeof found->nonzero_name);
        }
    }
    prnn_status status = prnn_model_assign(k->ctx, k->model, masked, path);
    prnn_free(masked);
    return status;
}

static prnn_status allocate(check *k) {
    const prnn_config *c = k->config = &k->model->network->plan.config;
    k->found->height = c->height;
    k->found->width = c->width;
    k->found->channels = c->channels;
    k->found->levels = c->levels;
    prnn_context *ctx = k->ctx;
    k->count = prnn_config_values(c);
    k->logits = (size_t)k->model->network->head.per_value;
    /* Each thread changes one of the CHUNK images. */
    k->threads = prnn_threads_for(ctx, CHUNK);
    size_t floats = k->count * k->logits;
    k->order = prnn_alloc(ctx, k->count, sizeof *k->order, "the values to change");
    k->images = prnn_alloc(ctx, IMAGES, k->count, "the images");
    k->changed = prnn_alloc(ctx, CHUNK, k->count, "the images");
    k->small_bytes = prnn_config_small_values(c);
    k->small = prnn_alloc(ctx, CHUNK, k->small_bytes + 1, "the small images");
    k->base = prnn_alloc(ctx, floats, sizeof *k->base, "logits");
    k->own = prnn_alloc(ctx, CHUNK * floats, sizeof *k->own, "logits");
    k->plain_base = prnn_alloc(ctx, floats, sizeof *k->plain_base, "logits");
    k->pieces = prnn_alloc(ctx, (size_t)k->threads, sizeof *k->pieces, "what was found");
    k->plain = prnn_alloc(ctx, (size_t)k->threads, sizeof *k->plain, "the plain evaluations");
    k->findings =
        prnn_alloc(ctx, (size_t)prnn_context_rank_count(ctx), sizeof *k->findings, "what was found");
    if (!k->findings || !k->order || !k->images || !k->changed || !k->small || !k->base || !k->own ||
        !k->plain_base || !k->pieces || !k->plain) {
        return PRNN_ERROR_MEMORY;
    }
    prnn_status status = PRNN_OK;
    for (int i = 0; i < k->threads && status == PRNN_OK; i++) {
        k->plain[i].changed = k->changed + (size_t)i * k->count;
        status = prnn_plain_create(ctx, k->model, k->values, &k->plain[i].plain);
    }
    return status;
}

static void release(check *k) {
    for (int i = 0; k->plain && i < k->threads; i++) {
        prnn_plain_free(k->plain[i].plain);
    }
    void *blocks[] = {k->findings, k->small,  k->order,      k->images, k->changed, k->base,
                      k->own,      k->pieces, k->plain_base, k->plain,  k->values};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        prnn_free(blocks[i]);
    }
    prnn_model_free(k->model);
}

/* Rounding that a precision may cause. */
static double tolerance(const prnn_context *ctx) {
    return strcmp(prnn_context_precision(ctx), "fp32") == 0 ? 1e-3 : 1e-1;
}

/* What all ranks found out about the present image, in the order of the values. */
static prnn_status unite_ranks(check *k, prnn_status status) {
    size_t ranks = (size_t)prnn_context_rank_count(k->ctx);
    const prnn_results all = {k->findings, sizeof *k->findings};
    k->findings[prnn_context_rank(k->ctx)] = k->own_finding;
    status = prnn_ranks_collect(k->ctx, status, positions(k), ranks, &all, 1);
    for (size_t r = 0; r < ranks && status == PRNN_OK; r++) {
        const finding *of = &k->findings[r];
        unite(&k->found->kernels, &of->kernels);
        unite(&k->found->plain, &of->plain);
        k->found->difference = worst(k->found->difference, of->difference);
        k->found->worst_sum = worst(k->found->worst_sum, of->worst_sum);
        k->found->sums += of->sums;
    }
    return status;
}

static prnn_status check_image(check *k) {
    prnn_status status;
    k->own_finding = (finding){0};
    TRY(check_kernels(k));
    TRY(check_plain(k));
    TRY(check_sums(k));
done:
    return unite_ranks(k, status);
}

static prnn_status run(check *k, const char *path) {
    prnn_certificate *found = k->found;
    prnn_status status;
    TRY(check_masks(k, path));
    TRY(allocate(k));
    TRY(make_images(k));
    prnn_random_permutation(k->options.seed, 0, k->count, k->order);
    k->began = prnn_clock();
    k->total = IMAGES * (prnn_share_mine(k->ctx, positions(k)).count +
                         prnn_share_mine(k->ctx, plain_positions(k)).count +
                         prnn_share_mine(k->ctx, sum_positions(k)).count);
    k->total = k->total ? k->total : 1;
    for (k->image = 0; k->image < IMAGES; k->image++) {
        TRY(check_image(k));
    }
    found->agrees = found->difference <= tolerance(k->ctx);
    found->normalised = found->worst_sum <= 1e-4;
    found->passed = found->nonzero == 0 && found->kernels.leaks == 0 && found->plain.leaks == 0 &&
                    found->agrees && found->normalised;
done:
    return status;
}

prnn_status prnn_check(prnn_context *ctx, const char *path, const prnn_check_options *options,
                       prnn_certificate *certificate) {
    PRNN_ENTER(ctx, PRNN_GIVEN(path), PRNN_GIVEN(certificate));
    const prnn_check_options defaults = PRNN_CHECK_OPTIONS_INIT;
    prnn_certificate found = PRNN_CERTIFICATE_INIT;
    check k = {.ctx = ctx, .options = defaults, .found = &found};
    prnn_safetensors *st = NULL;
    char *file = NULL;
    prnn_status status;
    TRY(prnn_options_read(ctx, &k.options, &prnn_check_options_fields, options));
    TRY(prnn_fields_check(ctx, &prnn_certificate_fields, certificate));
    TRY(prnn_model_open(ctx, path, &file, &st));
    TRY(prnn_model_read(ctx, file, st, &k.model, &k.values));
    prnn_safetensors_free(st); /* a second copy of all weights */
    st = NULL;
    TRY(run(&k, file));
    prnn_fields_copy(&prnn_certificate_fields, certificate->size, certificate, &found);
done:
    prnn_safetensors_free(st);
    prnn_free(file);
    release(&k);
    return prnn_ranks_fail(ctx, status);
}
