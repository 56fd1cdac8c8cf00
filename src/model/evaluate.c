/* Likelihood of images under a model, on all threads. Shards of images are independent of each other, and
 * every image's numbers are the same whatever shard it is in. */

#include "base/call.h"
#include "base/clock.h"
#include "base/fields.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "base/real.h"
#include "base/try.h"
#include "model/model.h"
#include "ranks/ranks.h"

#include <math.h>

/* Shards of a thread between two calls of progress. */
enum { ROUND = 4 };

typedef struct evaluation {
    const prnn_network *network;
    const prnn_evaluation *asked;
    prnn_passes passes;
    size_t shard, image_bytes, image_logits;
    float *rows; /* of each pass: the logits of a row of a shard; NULL: nobody needs them */
    size_t row_logits;
    const prnn_kernels *kernels;
    size_t first_shard; /* of the present round */
} evaluation;

static float *part_of(float *all, size_t first) {
    return all ? all + first : NULL;
}

static void evaluate_shard(void *arg, size_t index, void *own) {
    const evaluation *e = arg;
    const prnn_evaluation *asked = e->asked;
    size_t first = (e->first_shard + index) * e->shard;
    int n = (int)(asked->count - first < e->shard ? asked->count - first : e->shard);
    prnn_batch all = {.images = asked->images, .small = asked->small, .new_only = asked->new_only};
    prnn_batch batch = prnn_batch_part(e->network, &all, first, n);
    size_t pass = (size_t)((prnn_pass *)own - e->passes.list), values = first * e->image_bytes;
    const prnn_outputs outputs = {
        .nats = asked->nats + first,
        .values = part_of(asked->values, values),
        .logits = part_of(asked->logits, first * e->image_logits),
        .entropies = part_of(asked->entropies, values),
        .variances = part_of(asked->variances, values),
        .row = part_of(e->rows, pass * e->row_logits),
        .kernels = e->kernels,
    };
    prnn_network_evaluate(e->network, own, &batch, &outputs);
}

/* Where nobody wants to know how far it is, all shards are one round. */
static prnn_status evaluate_all(prnn_context *ctx, evaluation *e, size_t shards) {
    const prnn_evaluation *asked = e->asked;
    size_t round = asked->progress ? ROUND * (size_t)e->passes.count : shards;
    double began = prnn_clock();
    for (e->first_shard = 0; e->first_shard < shards; e->first_shard += round) {
        size_t left = shards - e->first_shard, done = (e->first_shard + round) * e->shard;
        prnn_parallel_for_with(ctx, left < round ? left : round, prnn_passes_scratches(&e->passes),
                               evaluate_shard, e);
        prnn_status status = prnn_device_of(ctx)->check(ctx);
        if (status != PRNN_OK) {
            return status;
        }
        prnn_progress p =
            prnn_progress_since(began, "evaluate", done < asked->count ? done : asked->count, asked->count);
        if (asked->progress && !asked->progress(asked->user, &p)) {
            return prnn_fail(ctx, PRNN_STOPPED, "stopped after %zu of %zu images", (size_t)p.done,
                             asked->count);
        }
    }
    return PRNN_OK;
}

/* Room for the logits of rows, where what is expected of values is computed from them. */
static prnn_status open_rows(prnn_context *ctx, evaluation *e) {
    const prnn_config *c = &e->network->plan.config;
    if (!e->asked->entropies && !e->asked->variances) {
        return PRNN_OK;
    }
    e->kernels = prnn_kernels_of(ctx);
    e->row_logits = e->shard * (e->image_logits / (size_t)c->height);
    e->rows = prnn_alloc_raw(ctx, (size_t)e->passes.count * e->row_logits, sizeof *e->rows, "logits");
    return e->rows ? PRNN_OK : PRNN_ERROR_MEMORY;
}

prnn_status prnn_model_evaluate(prnn_context *ctx, const prnn_model *model, const prnn_evaluation *asked) {
    const prnn_network *net = model->network;
    const prnn_config *c = &net->plan.config;
    size_t bytes = prnn_config_values(c), count = asked->count;
    prnn_status status = prnn_model_check_images(ctx, model, asked->images, count);
    if (status != PRNN_OK) {
        return status;
    }
    size_t shard = prnn_device_shard(ctx, count, PRNN_EVALUATION_SHARD, net->plan.memory.floats);
    size_t shards = (count + shard - 1) / shard;
    evaluation e = {.network = net,
                    .asked = asked,
                    .shard = shard,
                    .image_bytes = bytes,
                    .image_logits = bytes * (size_t)net->head.per_value};
    TRY(prnn_model_passes(ctx, model, (int)shard, prnn_device_threads(ctx, shards), &e.passes));
    TRY(open_rows(ctx, &e));
    TRY(evaluate_all(ctx, &e, shards));
done:
    prnn_passes_close(ctx, &e.passes);
    prnn_free(e.rows);
    return status;
}

prnn_status prnn_model_check_finite(prnn_context *ctx, const double *nats, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(nats[i])) {
            return prnn_fail(
                ctx, PRNN_ERROR_FORMAT,
                "the negative log-likelihood of image %zu is %g: the weights of the model lead out "
                "of the range of numbers; take an earlier checkpoint",
                i, nats[i]);
        }
    }
    return PRNN_OK;
}

/* Each rank evaluates its share, and gets the results of the others. */
static prnn_status evaluate_together(prnn_context *ctx, const prnn_model *model, const uint8_t *images,
                                     size_t count, const prnn_evaluate_options *o, double *nats,
                                     float *values) {
    const prnn_config *c = &model->network->plan.config;
    prnn_share mine = prnn_share_mine(ctx, count);
    size_t bytes = prnn_config_values(c);
    size_t small = prnn_config_small_values(c);
    const prnn_results all[] = {{nats, sizeof *nats},
                                {values, bytes * sizeof *values},
                                {o->entropies, bytes * sizeof *values},
                                {o->variances, bytes * sizeof *values}};
    prnn_evaluation e = {.images = count ? images + mine.first * bytes : images,
                         .small = o->small ? o->small + mine.first * small : NULL,
                         .count = mine.count,
                         .new_only = o->new_only,
                         .nats = count ? nats + mine.first : nats,
                         .values = values ? values + mine.first * bytes : NULL,
                         .entropies = o->entropies ? o->entropies + mine.first * bytes : NULL,
                         .variances = o->variances ? o->variances + mine.first * bytes : NULL,
                         .progress = o->progress,
                         .user = o->user};
    prnn_status status = prnn_model_check_given_small(ctx, model, e.small, e.count);
    if (status == PRNN_OK) {
        status = prnn_model_evaluate(ctx, model, &e);
    }
    return prnn_ranks_collect(ctx, status, o->new_only, count, all, 4);
}

prnn_status prnn_evaluate(prnn_context *ctx, const prnn_model *model, const uint8_t *images, size_t count,
                          const prnn_evaluate_options *options, double *nats, float *values) {
    PRNN_ENTER(ctx, PRNN_GIVEN(model), PRNN_ARRAY(images, count), PRNN_ARRAY(nats, count));
    prnn_evaluate_options o = PRNN_EVALUATE_OPTIONS_INIT;
    prnn_status status = PRNN_OK;
    TRY(prnn_options_read(ctx, &o, &prnn_evaluate_options_fields, options));
    TRY(evaluate_together(ctx, model, images, count, &o, nats, values));
    TRY(prnn_model_check_finite(ctx, nats, count));
done:
    return prnn_ranks_fail(ctx, status);
}

prnn_status prnn_logits(prnn_context *ctx, const prnn_model *model, const uint8_t *images, size_t count,
                        float *logits) {
    PRNN_ENTER(ctx, PRNN_GIVEN(model), PRNN_ARRAY(images, count), PRNN_ARRAY(logits, count));
    double *nats = prnn_alloc(ctx, count, sizeof *nats, "likelihoods");
    prnn_evaluation e = {.images = images, .count = count, .nats = nats, .logits = logits};
    prnn_status status = nats ? prnn_model_evaluate(ctx, model, &e) : PRNN_ERROR_MEMORY;
    prnn_free(nats);
    return status;
}

size_t prnn_logits_per_value(const prnn_model *model) {
    return (size_t)model->network->head.per_value;
}

static void normalise(double *logs, size_t n) {
    double highest = logs[0], sum = 0;
    for (size_t k = 1; k < n; k++) {
        highest = fmax(highest, logs[k]);
    }
    for (size_t k = 0; k < n; k++) {
        sum += prnn_exp(logs[k] - highest);
    }
    for (size_t k = 0; k < n; k++) {
        logs[k] -= highest + prnn_log(sum);
    }
}

void prnn_model_log_probabilities(const prnn_model *model, const prnn_kernels *kernels, const float *logits,
                                  double *logs) {
    const prnn_head *head = &model->network->head;
    head->kind->log_p(kernels, head, logits, logs);
    normalise(logs, (size_t)head->levels);
}

prnn_status prnn_log_probabilities(prnn_context *ctx, const prnn_model *model, const float *logits,
                                   size_t count, double *logs) {
    PRNN_ENTER(ctx, PRNN_GIVEN(model), PRNN_ARRAY(logits, count), PRNN_ARRAY(logs, count));
    size_t per_value = prnn_logits_per_value(model), levels = (size_t)model->network->plan.config.levels;
    for (size_t i = 0; i < count * per_value; i++) {
        if (!isfinite(logits[i])) {
            return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                             "logit %zu of value %zu is %g; only finite ones give probabilities",
                             i % per_value, i / per_value, (double)logits[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        prnn_model_log_probabilities(model, prnn_kernels_of(ctx), logits + i * per_value, logs + i * levels);
    }
    return PRNN_OK;
}

double prnn_bits_per_dim(const prnn_model *model, double nats) {
    const prnn_config *c = &model->network->plan.config;
    return nats / ((double)c->height * c->width * c->channels * 0.6931471805599453);
}
