/* Likelihood of images under a model, on all threads. Shards of images are independent of each other, and
 * every image's numbers are the same whatever shard it is in. */

#include "base/call.h"
#include "base/parallel.h"
#include "base/real.h"
#include "model/model.h"

#include <math.h>

typedef struct evaluation {
    const prnn_network *network;
    const prnn_evaluation *asked;
    prnn_passes passes;
    size_t shard, image_bytes, image_logits;
} evaluation;

static void evaluate_shard(void *arg, size_t index, void *own) {
    const evaluation *e = arg;
    const prnn_evaluation *asked = e->asked;
    size_t first = index * e->shard;
    int n = (int)(asked->count - first < e->shard ? asked->count - first : e->shard);
    prnn_batch all = {.images = asked->images, .small = asked->small, .new_only = asked->new_only};
    prnn_batch batch = prnn_batch_part(&e->network->plan.config, &all, first, n);
    prnn_network_evaluate(e->network, own, &batch, asked->nats + first,
                          asked->values ? asked->values + first * e->image_bytes : NULL,
                          asked->logits ? asked->logits + first * e->image_logits : NULL);
}

prnn_status prnn_model_evaluate(prnn_context *ctx, const prnn_model *model, const prnn_evaluation *asked) {
    const prnn_network *net = model->network;
    const prnn_config *c = &net->plan.config;
    size_t bytes = (size_t)c->height * (size_t)c->width * (size_t)c->channels, count = asked->count;
    prnn_status status = prnn_model_check_images(ctx, model, asked->images, count);
    if (status != PRNN_OK) {
        return status;
    }
    /* Few images are spread over the threads. */
    size_t threads = (size_t)prnn_threads_for(ctx, count), even = (count + threads - 1) / threads,
           shard = even;
    shard = shard < 1 ? 1 : shard < PRNN_EVALUATION_SHARD ? shard : PRNN_EVALUATION_SHARD;
    size_t shards = (count + shard - 1) / shard;
    evaluation e = {.network = net,
                    .asked = asked,
                    .shard = shard,
                    .image_bytes = bytes,
                    .image_logits = bytes * (size_t)net->head.per_value};
    status = prnn_model_passes(ctx, model, (int)shard, prnn_threads_for(ctx, shards), &e.passes);
    if (status == PRNN_OK) {
        prnn_parallel_for_with(ctx, shards, prnn_passes_scratches(&e.passes), evaluate_shard, &e);
    }
    prnn_passes_close(ctx, &e.passes);
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

prnn_status prnn_evaluate(prnn_context *ctx, const prnn_model *model, const uint8_t *images, size_t count,
                          double *nats, float *values) {
    PRNN_ENTER(ctx, PRNN_GIVEN(model), PRNN_ARRAY(images, count), PRNN_ARRAY(nats, count));
    prnn_evaluation e = {.images = images, .count = count, .nats = nats, .values = values};
    prnn_status status = prnn_model_evaluate(ctx, model, &e);
    return status == PRNN_OK ? prnn_model_check_finite(ctx, nats, count) : status;
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

prnn_status prnn_log_probabilities(prnn_context *ctx, const prnn_model *model, const float *logits,
                                   size_t count, double *logs) {
    PRNN_ENTER(ctx, PRNN_GIVEN(model), PRNN_ARRAY(logits, count), PRNN_ARRAY(logs, count));
    const prnn_network *net = model->network;
    size_t per_value = prnn_logits_per_value(model), levels = (size_t)net->plan.config.levels;
    for (size_t i = 0; i < count * per_value; i++) {
        if (!isfinite(logits[i])) {
            return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                             "logit %zu of value %zu is %g; only finite ones give probabilities",
                             i % per_value, i / per_value, (double)logits[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        net->head.kind->log_p(prnn_kernels_of(ctx), &net->head, logits + i * per_value, logs + i * levels);
        normalise(logs + i * levels, levels);
    }
    return PRNN_OK;
}

double prnn_bits_per_dim(const prnn_model *model, double nats) {
    const prnn_config *c = &model->network->plan.config;
    return nats / ((double)c->height * c->width * c->channels * 0.6931471805599453);
}
