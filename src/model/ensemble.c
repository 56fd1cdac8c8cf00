/* Ensembles: the mean of the probabilities that several models give each value, given those before it. The
 * models evaluate some images one after the other, each on all threads; then their values are mixed. */

#include "base/call.h"
#include "base/clock.h"
#include "base/fields.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "base/real.h"
#include "base/try.h"
#include "image/palette.h"
#include "model/model.h"
#include "ranks/ranks.h"

#include <math.h>
#include <stdio.h>

struct prnn_ensemble {
    size_t count;
    const prnn_model **models;
    prnn_model **owned; /* the same, if the ensemble made them; else NULL */
};

/* -------------------------------------------------------------------------------- what is alike */

/* How messages call model k: by the path that it was loaded from, or by its number. */
static const char *name_of(const char *const *paths, size_t k, char text[48]) {
    snprintf(text, 48, "model %zu of the ensemble", k + 1);
    return paths ? paths[k] : text;
}

/* Model k beside the first. */
static prnn_status check_model(prnn_context *ctx, const prnn_ensemble *e, size_t k,
                               const char *const *paths) {
    const prnn_config *a = &e->models[0]->network->plan.config, *b = &e->models[k]->network->plan.config;
    const prnn_palette *of_a = prnn_model_palette(e->models[0]), *of_b = prnn_model_palette(e->models[k]);
    char text_a[48], text_b[48];
    const char *name_a = name_of(paths, 0, text_a), *name_b = name_of(paths, k, text_b);
    if (a->height != b->height || a->width != b->width || a->channels != b->channels ||
        a->levels != b->levels) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "%s is for images of %d x %d x %d of %d levels, and %s for %d x %d x %d of %d: the "
                         "models of an ensemble are of the same images",
                         name_a, a->height, a->width, a->channels, a->levels, name_b, b->height, b->width,
                         b->channels, b->levels);
    }
    if (a->condition_size != b->condition_size) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "%s is given small images of side %d, and %s of side %d (0: none): the models of an "
                         "ensemble are given the same",
                         name_a, a->condition_size, name_b, b->condition_size);
    }
    if (!prnn_palette_same(of_a, of_b)) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "%s and %s do not have the same palette: the levels of one mean other colours than "
                         "those of the other",
                         name_a, name_b);
    }
    return PRNN_OK;
}

static prnn_status check_all(prnn_context *ctx, const prnn_ensemble *e, const char *const *paths) {
    prnn_status status = PRNN_OK;
    for (size_t k = 1; k < e->count; k++) {
        TRY(check_model(ctx, e, k, paths));
    }
done:
    return status;
}

/* --------------------------------------------------------------------------------- making, freeing */

/* An ensemble with room for `count` models, of its own or of the caller, and none. */
static prnn_status create_empty(prnn_context *ctx, size_t count, bool own, prnn_ensemble **made) {
    prnn_status status;
    *made = NULL;
    if (count < 1) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "an ensemble needs at least one model");
    }
    prnn_ensemble *e = prnn_alloc(ctx, 1, sizeof *e, "an ensemble of models");
    TRY(e ? PRNN_OK : PRNN_ERROR_MEMORY);
    e->models = prnn_alloc(ctx, count, sizeof *e->models, "an ensemble of models");
    TRY(e->models ? PRNN_OK : PRNN_ERROR_MEMORY);
    e->owned = own ? prnn_alloc(ctx, count, sizeof *e->owned, "an ensemble of models") : NULL;
    TRY(e->owned || !own ? PRNN_OK : PRNN_ERROR_MEMORY);
    *made = e;
    e = NULL;
done:
    prnn_ensemble_free(e);
    return status;
}

prnn_status prnn_ensemble_create(prnn_context *ctx, const prnn_model *const *models, size_t count,
                                 prnn_ensemble **ensemble) {
    PRNN_NOTHING_YET(ensemble);
    PRNN_ENTER(ctx, PRNN_ARRAY(models, count), PRNN_GIVEN(ensemble));
    prnn_ensemble *made = NULL;
    prnn_status status;
    for (size_t k = 0; k < count; k++) {
        if (!models[k]) {
            return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "model %zu of the ensemble is NULL", k + 1);
        }
    }
    TRY(create_empty(ctx, count, false, &made));
    for (; made->count < count; made->count++) {
        made->models[made->count] = models[made->count];
    }
    TRY(check_all(ctx, made, NULL));
    *ensemble = made;
    made = NULL;
done:
    prnn_ensemble_free(made);
    return status;
}

prnn_status prnn_ensemble_load(prnn_context *ctx, const char *const *paths, size_t count,
                               prnn_ensemble **ensemble) {
    PRNN_NOTHING_YET(ensemble);
    PRNN_ENTER(ctx, PRNN_ARRAY(paths, count), PRNN_GIVEN(ensemble));
    prnn_ensemble *made = NULL;
    prnn_status status;
    TRY(create_empty(ctx, count, true, &made));
    for (; made->count < count; made->count++) {
        TRY(prnn_model_load(ctx, paths[made->count], &made->owned[made->count]));
        made->models[made->count] = made->owned[made->count];
    }
    TRY(check_all(ctx, made, paths));
    *ensemble = made;
    made = NULL;
done:
    prnn_ensemble_free(made);
    return status;
}

prnn_status prnn_ensemble_resize(prnn_context *ctx, const prnn_ensemble *ensemble, int height, int width,
                                 prnn_ensemble **resized) {
    PRNN_NOTHING_YET(resized);
    PRNN_ENTER(ctx, PRNN_GIVEN(ensemble), PRNN_GIVEN(resized));
    prnn_ensemble *made = NULL;
    prnn_status status;
    TRY(create_empty(ctx, ensemble->count, true, &made));
    for (; made->count < ensemble->count; made->count++) {
        size_t k = made->count;
        TRY(prnn_model_resize(ctx, ensemble->models[k], height, width, &made->owned[k]));
        made->models[k] = made->owned[k];
    }
    *resized = made;
    made = NULL;
done:
    prnn_ensemble_free(made);
    return status;
}

void prnn_ensemble_free(prnn_ensemble *ensemble) {
    if (!ensemble) {
        return;
    }
    for (size_t k = 0; ensemble->owned && k < ensemble->count; k++) {
        prnn_model_free(ensemble->owned[k]);
    }
    prnn_free(ensemble->owned);
    prnn_free(ensemble->models);
    prnn_free(ensemble);
}

size_t prnn_ensemble_count(const prnn_ensemble *ensemble) {
    return ensemble->count;
}

const prnn_model *prnn_ensemble_model(const prnn_ensemble *ensemble, size_t i) {
    return ensemble->models[i];
}

/* ---------------------------------------------------------------------------------------- mixing */

double prnn_mixture_nats(const double *nats, size_t count) {
    double lowest = nats[0], sum = 0;
    for (size_t k = 1; k < count; k++) {
        lowest = fmin(lowest, nats[k]);
    }
    if (isinf(lowest)) { /* nothing is left to compare */
        return lowest;
    }
    for (size_t k = 0; k < count; k++) {
        sum += prnn_exp(lowest - nats[k]);
    }
    return lowest - prnn_log(sum / (double)count);
}

/* The images of this rank, a piece at a time. */
typedef struct mixture {
    const prnn_ensemble *ensemble;
    const prnn_evaluation *asked; /* of all images: nats and values of the ensemble */
    double *member_nats;          /* (count, models), or NULL */
    size_t bytes, small_bytes;    /* of an image and of its small one */
    size_t most;                  /* images of a piece */
    size_t first, n;              /* the present piece */
    float *values;                /* (models, most, H, W, C): what each model says of the piece */
    double *nats;                 /* (models, most) */
    double *of_value;             /* (threads, models): room for one value under each model */
    uint64_t done;                /* evaluations of an image by a model */
    double began;
} mixture;

/* Bytes of values of all models that are kept at a time, at least those of an image a thread. */
static const size_t kept_bytes = (size_t)16 << 20;

/* An image under the ensemble; if it has no finite likelihood under one of the models, that. */
static void mix_image(void *arg, size_t index, void *own) {
    const mixture *m = arg;
    const prnn_evaluation *asked = m->asked;
    size_t models = m->ensemble->count, image = m->first + index;
    float *values = asked->values ? asked->values + image * m->bytes : NULL;
    double *of_value = own, sum = 0;
    for (size_t v = 0; v < m->bytes; v++) {
        for (size_t k = 0; k < models; k++) {
            of_value[k] = (double)m->values[(k * m->most + index) * m->bytes + v];
        }
        double mixed = prnn_mixture_nats(of_value, models);
        sum += mixed;
        if (values) {
            values[v] = (float)mixed;
        }
    }
    for (size_t k = 0; k < models; k++) {
        double nats = m->nats[k * m->most + index];
        sum = isfinite(nats) ? sum : nats;
        if (m->member_nats) {
            m->member_nats[image * models + k] = nats;
        }
    }
    asked->nats[image] = sum;
}

static bool tell(void *user, const prnn_progress *p) {
    const mixture *m = user;
    prnn_progress all = prnn_progress_since(m->began, "evaluate", m->done + p->done,
                                            (uint64_t)m->asked->count * m->ensemble->count);
    return m->asked->progress(m->asked->user, &all);
}

static prnn_status evaluate_piece(prnn_context *ctx, mixture *m) {
    const prnn_evaluation *asked = m->asked;
    const size_t models = m->ensemble->count;
    const prnn_scratches each = {m->of_value, models * sizeof *m->of_value, prnn_thread_count(ctx)};
    prnn_status status = PRNN_OK;
    for (size_t k = 0; k < models; k++) {
        const prnn_evaluation of_model = {.images = asked->images + m->first * m->bytes,
                                          .small =
                                              asked->small ? asked->small + m->first * m->small_bytes : NULL,
                                          .count = m->n,
                                          .new_only = asked->new_only,
                                          .nats = m->nats + k * m->most,
                                          .values = m->values + k * m->most * m->bytes,
                                          .progress = asked->progress ? tell : NULL,
                                          .user = m};
        status = prnn_model_evaluate(ctx, m->ensemble->models[k], &of_model);
        if (status == PRNN_STOPPED) {
            return prnn_fail(ctx, PRNN_STOPPED, "stopped after %zu of %zu images", m->first, asked->count);
        }
        TRY(status);
        m->done += m->n;
    }
    prnn_parallel_for_with(ctx, m->n, each, mix_image, m);
done:
    return status;
}

static prnn_status evaluate_pieces(prnn_context *ctx, mixture *m) {
    const size_t models = m->ensemble->count, threads = (size_t)prnn_thread_count(ctx);
    const size_t count = m->asked->count, fit = kept_bytes / sizeof(float) / m->bytes / models;
    prnn_status status;
    m->most = fit > threads ? fit : threads;
    m->most = m->most < count ? m->most : count;
    m->values = prnn_alloc_raw(ctx, models * m->most, m->bytes * sizeof *m->values, "likelihoods");
    m->nats = prnn_alloc(ctx, models * m->most, sizeof *m->nats, "likelihoods");
    m->of_value = prnn_alloc(ctx, threads * models, sizeof *m->of_value, "likelihoods");
    TRY(m->values && m->nats && m->of_value ? PRNN_OK : PRNN_ERROR_MEMORY);
    /* Before the pieces, so that it counts from the first image of all. */
    TRY(prnn_model_check_images(ctx, m->ensemble->models[0], m->asked->images, count));
    for (m->first = 0; m->first < count; m->first += m->most) {
        m->n = count - m->first < m->most ? count - m->first : m->most;
        TRY(evaluate_piece(ctx, m));
    }
done:
    prnn_free(m->values);
    prnn_free(m->nats);
    prnn_free(m->of_value);
    return status;
}

/* One model needs no room for its values, and no mixing. */
static prnn_status evaluate_one(prnn_context *ctx, const mixture *m) {
    const prnn_evaluation *asked = m->asked;
    prnn_status status = prnn_model_evaluate(ctx, m->ensemble->models[0], asked);
    for (size_t i = 0; m->member_nats && i < asked->count; i++) {
        m->member_nats[i] = asked->nats[i];
    }
    return status;
}

static prnn_status evaluate_share(prnn_context *ctx, mixture *m) {
    const prnn_evaluation *asked = m->asked;
    prnn_status status;
    TRY(prnn_model_check_given_small(ctx, m->ensemble->models[0], asked->small, asked->count));
    m->began = prnn_clock();
    TRY(m->ensemble->count == 1 ? evaluate_one(ctx, m) : evaluate_pieces(ctx, m));
done:
    return status;
}

/* Each rank evaluates its share, and gets the results of the others. */
static prnn_status evaluate_together(prnn_context *ctx, const prnn_ensemble *ensemble,
                                     const prnn_evaluation *all, double *member_nats) {
    const prnn_config *c = &ensemble->models[0]->network->plan.config;
    const size_t bytes = prnn_config_values(c), models = ensemble->count;
    const size_t small = prnn_config_small_values(c);
    const prnn_share mine = prnn_share_mine(ctx, all->count);
    const prnn_results results[] = {{all->nats, sizeof *all->nats},
                                    {member_nats, models * sizeof *member_nats},
                                    {all->values, bytes * sizeof *all->values}};
    prnn_evaluation own = *all;
    mixture m = {.ensemble = ensemble,
                 .asked = &own,
                 .member_nats = member_nats ? member_nats + mine.first * models : NULL,
                 .bytes = bytes,
                 .small_bytes = small};
    if (all->count > 0) {
        own.images += mine.first * bytes;
        own.nats += mine.first;
    }
    own.values = own.values ? own.values + mine.first * bytes : NULL;
    own.small = own.small ? own.small + mine.first * small : NULL;
    own.count = mine.count;
    return prnn_ranks_collect(ctx, evaluate_share(ctx, &m), all->new_only, all->count, results, 3);
}

prnn_status prnn_ensemble_evaluate(prnn_context *ctx, const prnn_ensemble *ensemble, const uint8_t *images,
                                   size_t count, const prnn_evaluate_options *options, double *nats,
                                   double *member_nats, float *values) {
    PRNN_ENTER(ctx, PRNN_GIVEN(ensemble), PRNN_ARRAY(images, count), PRNN_ARRAY(nats, count));
    prnn_evaluate_options o = PRNN_EVALUATE_OPTIONS_INIT;
    prnn_status status;
    TRY(prnn_options_read(ctx, &o, &prnn_evaluate_options_fields, options));
    if (o.entropies || o.variances) {
        TRY(prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                      "entropies and variances do not follow from those of the models of an ensemble: ask "
                      "each of its models for its own, with prnn_evaluate"));
    }
    const prnn_evaluation all = {.images = images,
                                 .small = o.small,
                                 .count = count,
                                 .new_only = o.new_only,
                                 .nats = nats,
                                 .values = values,
                                 .progress = o.progress,
                                 .user = o.user};
    TRY(evaluate_together(ctx, ensemble, &all, member_nats));
    TRY(prnn_model_check_finite(ctx, nats, count));
done:
    return prnn_ranks_fail(ctx, status);
}
