#include "model/model.h"

#include "base/call.h"
#include "base/fields.h"
#include "base/random.h"
#include "base/try.h"
#include "model/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --------------------------------------------------------------------------- create and destroy */

void prnn_model_free(prnn_model *model) {
    if (model) {
        prnn_weights_release(model->weights);
        prnn_network_free(model->network);
        prnn_metadata_free(&model->metadata);
        prnn_free(model->palette);
        prnn_free(model);
    }
}

prnn_status prnn_model_create_empty(prnn_context *ctx, const prnn_config *config, size_t limit,
                                    prnn_model **model) {
    *model = NULL;
    prnn_model *m = prnn_alloc(ctx, 1, sizeof *m, "the model");
    if (!m) {
        return PRNN_ERROR_MEMORY;
    }
    prnn_status status = PRNN_OK;
    TRY(prnn_network_create(ctx, config, false, limit, &m->network));
    TRY(prnn_parameters_afford(ctx, m->network));
    TRY(prnn_weights_create(ctx, m->network, &m->weights));
    *model = m;
    m = NULL;
done:
    prnn_model_free(m);
    return status;
}

prnn_status prnn_model_resize(prnn_context *ctx, const prnn_model *model, int height, int width,
                              prnn_model **resized) {
    PRNN_NOTHING_YET(resized);
    PRNN_ENTER(ctx, PRNN_GIVEN(model), PRNN_GIVEN(resized));
    prnn_config config = model->network->plan.config;
    prnn_model *m = NULL;
    prnn_status status = PRNN_OK;
    if (model->network->condition) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "the model enlarges images of %d x %d to %d x %d, and is for no other size: only "
                         "unconditional models are",
                         config.condition_size, config.condition_size, config.height, config.width);
    }
    config.height = height;
    config.width = width;
    m = prnn_alloc(ctx, 1, sizeof *m, "the model");
    TRY(m ? PRNN_OK : PRNN_ERROR_MEMORY);
    TRY(prnn_network_create(ctx, &config, false, PRNN_MAX_PARAMETERS, &m->network));
    m->weights = prnn_weights_share(model->weights);
    TRY(prnn_metadata_copy(ctx, &model->metadata, &m->metadata));
    if (model->palette) {
        m->palette = prnn_alloc(ctx, 1, sizeof *m->palette, "the palette");
        TRY(m->palette ? PRNN_OK : PRNN_ERROR_MEMORY);
        *m->palette = *model->palette;
    }
    *resized = m;
    m = NULL;
done:
    prnn_model_free(m);
    return status;
}

/* ----------------------------------------------------------------------------------------- pack */

prnn_status prnn_model_packed(prnn_context *ctx, const prnn_model *model, float **weights) {
    return prnn_weights_pack(ctx, model->network, model->weights, weights);
}

/* ----------------------------------------------------------------------------------- initialise */

static void initialise(prnn_model *model, int tensor, uint64_t seed) {
    const prnn_parameter *p = &model->network->plan.parameters[tensor];
    float *values = model->weights->parameters + p->offset;
    const uint8_t *unmasked = model->weights->unmasked + p->offset;
    size_t outputs = (size_t)p->shape[0], inputs = p->count / outputs;
    for (size_t o = 0; o < outputs; o++) {
        size_t fan_in = 0;
        for (size_t i = 0; i < inputs; i++) {
            fan_in += unmasked[o * inputs + i];
        }
        double bound = p->gain * sqrt(3 / (double)(fan_in ? fan_in : 1));
        for (size_t i = o * inputs; i < (o + 1) * inputs; i++) {
            double u = prnn_random_uniform(seed, PRNN_RANDOM_WEIGHTS, (uint64_t)tensor, i);
            if (p->init == PRNN_INIT_FAN_IN && unmasked[i]) {
                values[i] = (float)((2 * u - 1) * bound);
            } else if (p->init == PRNN_INIT_FORGET) {
                values[i] = i * 4 / p->count == 1 ? 1 : 0;
            }
        }
    }
}

prnn_status prnn_model_create(prnn_context *ctx, const prnn_config *config, uint64_t seed,
                              prnn_model **model) {
    PRNN_NOTHING_YET(model);
    PRNN_ENTER(ctx, PRNN_GIVEN(model));
    prnn_config full = PRNN_CONFIG_INIT;
    prnn_status status = prnn_options_read(ctx, &full, &prnn_config_fields, config);
    if (status == PRNN_OK) {
        status = prnn_model_create_empty(ctx, &full, PRNN_MAX_PARAMETERS, model);
    }
    if (status != PRNN_OK) {
        return status;
    }
    const prnn_plan *plan = &(*model)->network->plan;
    (*model)->weights->parameters = prnn_alloc(ctx, plan->parameter_floats, sizeof(float), "the weights");
    if (!(*model)->weights->parameters) {
        prnn_model_free(*model);
        *model = NULL;
        return PRNN_ERROR_MEMORY;
    }
    for (int t = 0; t < plan->parameter_count; t++) {
        initialise(*model, t, seed);
    }
    return PRNN_OK;
}

/* -------------------------------------------------------------------------------------- look up */

void prnn_model_config(const prnn_model *model, prnn_config *config) {
    prnn_fields_copy(&prnn_config_fields, config->size, config, &model->network->plan.config);
}

size_t prnn_model_tensor_count(const prnn_model *model) {
    return (size_t)model->network->plan.parameter_count;
}

void prnn_model_tensor(const prnn_model *model, size_t i, prnn_tensor *tensor) {
    const prnn_parameter *p = &model->network->plan.parameters[i];
    const prnn_tensor full = {.name = p->name,
                              .rank = p->rank,
                              .shape = {p->shape[0], p->shape[1], p->shape[2], p->shape[3]},
                              .count = p->count,
                              .offset = p->offset,
                              .values = model->weights->parameters + p->offset};
    prnn_fields_copy(&prnn_tensor_fields, tensor->size, tensor, &full);
}

size_t prnn_model_parameter_count(const prnn_model *model, bool unmasked_only) {
    size_t count = model->network->plan.parameter_floats, unmasked = 0;
    for (size_t i = 0; i < count && unmasked_only; i++) {
        unmasked += model->weights->unmasked[i];
    }
    return unmasked_only ? unmasked : count;
}

bool prnn_model_parameter_is_masked(const prnn_model *model, size_t index) {
    return index >= model->network->plan.parameter_floats || !model->weights->unmasked[index];
}

/* --------------------------------------------------------------------------------------- assign */

void prnn_model_describe_parameter(const prnn_model *model, size_t index, char *text, size_t size) {
    const prnn_parameter *p = model->network->plan.parameters;
    while (index >= p->offset + p->count) {
        p++;
    }
    size_t left = index - p->offset, place[4];
    for (int d = 3; d >= 0; d--) {
        place[d] = left % (size_t)p->shape[d];
        left /= (size_t)p->shape[d];
    }
    if (p->rank == 1) {
        snprintf(text, size, "%s[%zu]", p->name, place[0]);
    } else {
        snprintf(text, size, "%s[%zu, %zu, %zu, %zu]", p->name, place[0], place[1], place[2], place[3]);
    }
}

static prnn_status check_values(prnn_context *ctx, const prnn_model *model, const float *values,
                                const char *source) {
    const prnn_plan *plan = &model->network->plan;
    for (size_t i = 0; i < plan->parameter_floats; i++) {
        bool leak = !model->weights->unmasked[i] && values[i] != 0;
        if (isfinite(values[i]) && !leak) {
            continue;
        }
        char place[160];
        prnn_model_describe_parameter(model, i, place, sizeof place);
        if (leak) {
            return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                             "%s: %s is %g; it is masked and must be 0: this model would see what it "
                             "predicts; set masked weights to 0 before saving",
                             source, place, (double)values[i]);
        }
        return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                         "%s: %s is %g; every weight must be finite, take an earlier checkpoint", source,
                         place, (double)values[i]);
    }
    return PRNN_OK;
}

prnn_status prnn_model_adopt(prnn_context *ctx, prnn_model *model, float *values, const char *source) {
    prnn_status status = check_values(ctx, model, values, source);
    return status == PRNN_OK ? prnn_weights_replace(ctx, model->network, values, &model->weights) : status;
}

prnn_status prnn_model_assign(prnn_context *ctx, prnn_model *model, const float *values, const char *source) {
    prnn_status status = check_values(ctx, model, values, source);
    return status == PRNN_OK ? prnn_weights_set(ctx, model->network, values, &model->weights) : status;
}

prnn_status prnn_model_set_parameters(prnn_context *ctx, prnn_model *model, const float *values) {
    PRNN_ENTER(ctx, PRNN_GIVEN(model), PRNN_GIVEN(values));
    prnn_status status = prnn_model_assign(ctx, model, values, "parameters");
    return status == PRNN_ERROR_FORMAT ? PRNN_ERROR_ARGUMENT : status;
}

/* `count` images of `bytes` levels each. */
static prnn_status check_levels(prnn_context *ctx, const prnn_config *c, const char *what,
                                const uint8_t *images, size_t count, size_t bytes) {
    for (size_t i = 0; i < count * bytes; i++) {
        if (images[i] >= c->levels) {
            return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                             "%s %zu has the value %d; the model knows levels 0 to %d", what, i / bytes,
                             images[i], c->levels - 1);
        }
    }
    return PRNN_OK;
}

prnn_status prnn_model_passes(prnn_context *ctx, const prnn_model *model, int images, int count,
                              prnn_passes *passes) {
    float *packed = NULL;
    *passes = (prnn_passes){0};
    prnn_status status = prnn_model_packed(ctx, model, &packed);
    return status == PRNN_OK ? prnn_passes_open(ctx, model->network, images, count, packed, passes) : status;
}

prnn_status prnn_model_check_images(prnn_context *ctx, const prnn_model *model, const uint8_t *images,
                                    size_t count) {
    const prnn_config *c = &model->network->plan.config;
    size_t bytes = prnn_config_values(c);
    return check_levels(ctx, c, "image", images, count, bytes);
}

prnn_status prnn_model_check_small(prnn_context *ctx, const prnn_model *model, const uint8_t *small,
                                   size_t count) {
    const prnn_config *c = &model->network->plan.config;
    size_t bytes = prnn_config_small_values(c);
    return check_levels(ctx, c, "small image", small, count, bytes);
}

prnn_status prnn_model_check_given_small(prnn_context *ctx, const prnn_model *model, const uint8_t *small,
                                         size_t count) {
    if (small && !model->network->condition) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "small images are given, but the model is not conditional: leave them out");
    }
    return small ? prnn_model_check_small(ctx, model, small, count) : PRNN_OK;
}
