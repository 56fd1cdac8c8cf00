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
#include "model/group.h"
#include "ranks/ranks.h"

#include <math.h>

struct prnn_ensemble {
    prnn_group group;
};

/* -------------------------------------------------------------------------------- what is alike */

static prnn_status check_model(prnn_context *ctx, const prnn_group *group, size_t k,
                               const char *const *paths);
static const prnn_group_kind kind = {"an", "ensemble", check_model};

/* Model k beside the first. */
static prnn_status check_model(prnn_context *ctx, const prnn_group *group, size_t k,
                               const char *const *paths) {
    const prnn_config *a = prnn_group_config(group, 0), *b = prnn_group_config(group, k);
    char text_a[PRNN_GROUP_NAME], text_b[PRNN_GROUP_NAME];
    const char *name_a = prnn_group_name(&kind, paths, 0, text_a);
    const char *name_b = prnn_group_name(&kind, paths, k, text_b);
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
    return prnn_group_check_palettes(ctx, group->models[0], name_a, group->models[k], name_b);
}

/* --------------------------------------------------------------------------------- making, freeing */

static prnn_ensemble *new_ensemble(prnn_context *ctx) {
    return prnn_alloc(ctx, 1, sizeof(prnn_ensemble), "an ensemble of models");
}

prnn_status prnn_ensemble_create(prnn_context *ctx, const prnn_model *const *models, size_t count,
                                 prnn_ensemble **ensemble) {
    PRNN_NOTHING_YET(ensemble);
    PRNN_ENTER(ctx, PRNN_ARRAY(models, count), PRNN_GIVEN(ensemble));
    prnn_status status;
    prnn_ensemble *made = new_ensemble(ctx);
    TRY(made ? prnn_group_borrow(ctx, &kind, models, count, &made->group) : PRNN_ERROR_MEMORY);
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
    prnn_status status;
    prnn_ensemble *made = new_ensemble(ctx);
    TRY(made ? prnn_group_load(ctx, &kind, paths, count, &made->group) : PRNN_ERROR_MEMORY);
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
    prnn_status status;
    prnn_ensemble *made = new_ensemble(ctx);
    TRY(made ? prnn_group_resize(ctx, &ensemble->group, height, width, &made->group) : PRNN_ERROR_MEMORY);
    *resized = made;
    made = NULL;
done:
    prnn_ensemble_free(made);
    return status;
}

void prnn_ensemble_free(prnn_ensemble *ensemble) {
    if (ensemble) {
        prnn_group_close(&ensemble->group);
        prnn_free(ensemble);
    }
}

size_t prnn_ensemble_count(const prnn_ensemble *ensemble) {
    return ensemble->group.count;
}

const prnn_model *prnn_ensemble_model(const prnn_ensemble *ensemble, size_t i) {
    return ensemble->group.models[i];
}

/* ---------------------------------------------------------------------------------------- mixing */

static double mixture_nats(const double *nats, size_t count) {
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

/* Without a context, so without PRNN_ENTER, which has numbers rounded as they are everywhere. */
double prnn_mixture_nats(const double *nats, size_t count) {
    fenv_t callers;
    fegetenv(&callers);
    fesetenv(FE_DFL_ENV);
    double mixed = mixture_nats(nats, count);
    fesetenv(&callers);
    return mixed;
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
    double *of_value;             /* (rooms, models): room for one value under each model */
    int rooms;                    /* threads that mix: how many there may be can change meanwhile */
    uint64_t done;                /* evaluations of an image by a model */
    double began;
} mixture;

/* Bytes of values of all models that are kept at a time, at least those of an image a thread. */
static const size_t kept_bytes = (size_t)16 << 20;

/* An image under the ensemble; if it has no finite likelihood under one of the models, that. */
static void mix_image(void *arg, size_t index, void *own) {
    const mixture *m = arg;
    const prnn_evaluation *asked = m->asked;
    size_t models = m->ensemble->group.count, image = m->first + index;
    float *values = asked->values ? asked->values + image * m->bytes : NULL;
    double *of_value = own, sum = 0;
    for (size_t v = 0; v < m->bytes; v++) {
        for (size_t k = 0; k < models; k++) {
            of_value[k] = (double)m->values[(k * m->most + index) * m->bytes + v];
        }
        double mixed = mixture_nats(of_value, models);
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
                                            (uint64_t)m->asked->count * m->ensemble->group.count);
    return m->asked->progress(m->asked->user, &all);
}

static prnn_status evaluate_piece(prnn_context *ctx, mixture *m) {
    const prnn_evaluation *asked = m->asked;
    const size_t models = m->ensemble->group.count;
    const prnn_scratches each = {m->of_value, models * sizeof *m->of_value, m->rooms};
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
        status = prnn_model_evaluate(ctx, m->ensemble->group.models[k], &of_model);
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
    const size_t models = m->ensemble->group.count;
    const size_t count = m->asked->count, fit = kept_bytes / sizeof(float) / m->bytes / models;
    prnn_status status;
    m->rooms = prnn_thread_count(ctx);
    m->most = fit > (size_t)m->rooms ? fit : (size_t)m->rooms;
    m->most = m->most < count ? m->most : count;
    m->values = prnn_alloc_raw(ctx, models * m->most, m->bytes * sizeof *m->values, "likelihoods");
    m->nats = prnn_alloc(ctx, models * m->most, sizeof *m->nats, "likelihoods");
    m->of_value = prnn_alloc(ctx, (size_t)m->rooms * models, sizeof *m->of_value, "likelihoods");
    TRY(m->values && m->nats && m->of_value ? PRNN_OK : PRNN_ERROR_MEMORY);
    /* Before the pieces, so that it counts from the first image of all. */
    TRY(prnn_model_check_images(ctx, m->ensemble->group.models[0], m->asked->images, count));
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
    prnn_status status = prnn_model_evaluate(ctx, m->ensemble->group.models[0], asked);
    for (size_t i = 0; m->member_nats && i < asked->count; i++) {
        m->member_nats[i] = asked->nats[i];
    }
    return status;
}

static prnn_status evaluate_share(prnn_context *ctx, mixture *m) {
    const prnn_evaluation *asked = m->asked;
    prnn_status status;
    TRY(prnn_model_check_given_small(ctx, m->ensemble->group.models[0], asked->small, asked->count));
    m->began = prnn_clock();
    TRY(m->ensemble->group.count == 1 ? evaluate_one(ctx, m) : evaluate_pieces(ctx, m));
done:
    return status;
}

/* Each rank evaluates its share, and gets the results of the others. */
static prnn_status evaluate_together(prnn_context *ctx, const prnn_ensemble *ensemble,
                                     const prnn_evaluation *all, double *member_nats) {
    const prnn_config *c = prnn_group_config(&ensemble->group, 0);
    const size_t bytes = prnn_config_values(c), models = ensemble->group.count;
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
