#include "train/teacher.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/try.h"
#include "config/config.h"
#include "model/group.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LEVELS = 256 };

/* What a thread works with: of one value, of its levels. */
typedef struct prnn_teacher_room {
    double logs[MOST_LEVELS];
    float logits[MOST_LEVELS], p[MOST_LEVELS];
} room;

/* --------------------------------------------------------------------------------------- checks */

/* The models of an ensemble are alike in all this. */
prnn_status prnn_teacher_check_config(prnn_context *ctx, const prnn_train_options *o, const prnn_config *c) {
    if (!o->teacher) {
        return PRNN_OK;
    }
    const prnn_config *t = &prnn_ensemble_model(o->teacher, 0)->network->plan.config;
    if (t->height != c->height || t->width != c->width || t->channels != c->channels ||
        t->levels != c->levels) {
        return prnn_fail(
            ctx, PRNN_ERROR_ARGUMENT,
            "the teacher is for images of %d x %d x %d of %d levels, and the model for %d x %d x %d "
            "of %d: it teaches models of its own images only",
            t->height, t->width, t->channels, t->levels, c->height, c->width, c->channels, c->levels);
    }
    if (t->condition_size != c->condition_size) {
        return prnn_fail(
            ctx, PRNN_ERROR_ARGUMENT,
            "the teacher is given small images of side %d, and the model of side %d (0: none): both "
            "must be given the same",
            t->condition_size, c->condition_size);
    }
    if (c->output == PRNN_LOGISTICS) {
        return prnn_fail(
            ctx, PRNN_ERROR_ARGUMENT,
            "a teacher says how likely each level is, and a mixture of logistics cannot be told so: "
            "train a softmax, or without a teacher");
    }
    return PRNN_OK;
}

prnn_status prnn_teacher_check(prnn_context *ctx, const prnn_train_options *o, const prnn_model *model) {
    prnn_status status;
    TRY(prnn_teacher_check_config(ctx, o, &model->network->plan.config));
    for (size_t k = 0; o->teacher && k < prnn_ensemble_count(o->teacher); k++) {
        const prnn_model *teacher = prnn_ensemble_model(o->teacher, k);
        if (teacher == model) {
            return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                             "the teacher is the model that is trained: load a copy of it to teach");
        }
        TRY(prnn_group_check_palettes(ctx, model, "the model", teacher, "the teacher"));
    }
done:
    return status;
}

/* ---------------------------------------------------------------------------------------- memory */

/* Logits of an image under the model that has most. */
static size_t most_logits(const prnn_ensemble *models) {
    size_t most = 0;
    for (size_t k = 0; k < prnn_ensemble_count(models); k++) {
        size_t now = prnn_network_soft(prnn_ensemble_model(models, k)->network);
        most = now > most ? now : most;
    }
    return most;
}

size_t prnn_teacher_bytes(const prnn_context *ctx, const prnn_train_options *o, const prnn_network *student,
                          size_t batch) {
    size_t bytes = 0;
    if (o->teacher) {
        prnn_need_block(&bytes, batch, sizeof(double));
        prnn_need_block(&bytes, batch, most_logits(o->teacher) * sizeof(float));
        prnn_need_block(&bytes, (size_t)prnn_thread_count(ctx), sizeof(room));
        prnn_need_block(&bytes, batch, prnn_network_soft(student) * sizeof(float));
    }
    return bytes;
}

/* Of the networks and their weights. */
static prnn_status print_of(prnn_context *ctx, const prnn_ensemble *models, uint64_t *print) {
    *print = PRNN_HASH_BEGIN;
    for (size_t k = 0; k < prnn_ensemble_count(models); k++) {
        const prnn_model *model = prnn_ensemble_model(models, k);
        char *config = prnn_config_to_json(&model->network->plan.config);
        if (!config) {
            return prnn_fail(ctx, PRNN_ERROR_MEMORY, "not enough memory to name the teacher");
        }
        *print = prnn_ranks_hash(*print, config, strlen(config));
        free(config);
        *print = prnn_ranks_hash(*print, model->weights->parameters,
                                 prnn_model_parameter_count(model, false) * sizeof(float));
    }
    *print = *print ? *print : 1;
    return PRNN_OK;
}

prnn_status prnn_teacher_open(prnn_context *ctx, const prnn_train_options *o, const prnn_network *student,
                              size_t batch, prnn_teacher *teacher) {
    prnn_status status = PRNN_OK;
    if (!o->teacher) {
        return PRNN_OK;
    }
    teacher->models = o->teacher;
    teacher->student = student;
    teacher->weight = o->teacher_weight;
    TRY(print_of(ctx, o->teacher, &teacher->print));
    teacher->nats = prnn_alloc(ctx, batch, sizeof *teacher->nats, "the teacher's likelihoods");
    teacher->logits = prnn_alloc(ctx, batch, most_logits(o->teacher) * sizeof(float), "the teacher's logits");
    teacher->room_count = prnn_thread_count(ctx);
    teacher->rooms = prnn_alloc(ctx, (size_t)teacher->room_count, sizeof(room), "the teacher's levels");
    teacher->soft = prnn_alloc(ctx, batch, prnn_network_soft(student) * sizeof(float), "soft targets");
    TRY(teacher->nats && teacher->logits && teacher->rooms && teacher->soft ? PRNN_OK : PRNN_ERROR_MEMORY);
done:
    return status;
}

void prnn_teacher_close(prnn_teacher *teacher) {
    prnn_free(teacher->nats);
    prnn_free(teacher->logits);
    prnn_free(teacher->rooms);
    prnn_free(teacher->soft);
    *teacher = (prnn_teacher){0};
}

/* --------------------------------------------------------------------------------- soft targets */

/* The images of a part of a batch, under one of the models. */
typedef struct lesson {
    const prnn_teacher *teacher;
    const prnn_kernels *kernels;
    const prnn_head *head;
    double weight; /* of what it says */
    const uint8_t *images;
    float *soft;
} lesson;

/* Adds what the model expects of a value, from its logits: of all levels, or of level 1 alone. */
static void add_value(const lesson *l, const float *logits, float *soft, room *own) {
    int levels = l->head->levels, one = l->teacher->student->head.per_value == 1;
    double sum = 0;
    l->head->kind->log_p(l->kernels, l->head, logits, own->logs);
    for (int k = 0; k < levels; k++) {
        own->logits[k] = (float)own->logs[k];
    }
    l->kernels->softmax_weights(own->logits, levels, 1, own->p);
    for (int k = 0; k < levels; k++) {
        sum += (double)own->p[k];
    }
    for (int k = one; k < levels; k++) {
        soft[k - one] += (float)((double)own->p[k] * l->weight / sum);
    }
}

static void add_image(void *arg, size_t index, void *own) {
    const lesson *l = arg;
    const prnn_network *student = l->teacher->student;
    size_t values = prnn_config_values(&student->plan.config);
    size_t per_value = (size_t)student->head.per_value, of_teacher = (size_t)l->head->per_value;
    for (size_t v = index * values; v < (index + 1) * values; v++) {
        add_value(l, l->teacher->logits + v * of_teacher, l->soft + v * per_value, own);
    }
}

/* Begins the sums: the level that is there loses what the teacher takes. */
static void begin(const lesson *l, size_t count) {
    const prnn_network *student = l->teacher->student;
    size_t values = count * prnn_config_values(&student->plan.config);
    size_t per_value = (size_t)student->head.per_value;
    memset(l->soft, 0, values * per_value * sizeof *l->soft);
    for (size_t v = 0; v < values; v++) {
        if (per_value > 1) {
            l->soft[v * per_value + l->images[v]] = -(float)l->teacher->weight;
        } else {
            l->soft[v] = l->images[v] ? -(float)l->teacher->weight : 0;
        }
    }
}

static prnn_status check_finite(prnn_context *ctx, const prnn_teacher *t, size_t model, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(t->nats[i])) {
            return prnn_fail(
                ctx, PRNN_ERROR_FORMAT,
                "model %zu of the teacher gives an image a likelihood of %g nats: its weights lead "
                "out of the range of numbers; take another teacher",
                model + 1, t->nats[i]);
        }
    }
    return PRNN_OK;
}

prnn_status prnn_teacher_ask(prnn_context *ctx, prnn_teacher *t, const uint8_t *images, prnn_share part) {
    if (!t->models || part.count == 0) {
        return PRNN_OK;
    }
    size_t models = prnn_ensemble_count(t->models), image = prnn_config_values(&t->student->plan.config);
    lesson l = {.teacher = t,
                .kernels = prnn_kernels_of(ctx),
                .weight = t->weight / (double)models,
                .images = images + part.first * image,
                .soft = t->soft + part.first * prnn_network_soft(t->student)};
    prnn_scratches rooms = {t->rooms, sizeof(room), t->room_count};
    prnn_status status = PRNN_OK;
    begin(&l, part.count);
    for (size_t k = 0; k < models; k++) {
        const prnn_model *model = prnn_ensemble_model(t->models, k);
        prnn_evaluation e = {
            .images = l.images, .count = part.count, .nats = t->nats, .logits = t->logits, .new_only = true};
        l.head = &model->network->head;
        TRY(prnn_model_evaluate(ctx, model, &e));
        TRY(check_finite(ctx, t, k, part.count));
        prnn_parallel_for_with(ctx, part.count, rooms, add_image, &l);
    }
done:
    return status;
}
